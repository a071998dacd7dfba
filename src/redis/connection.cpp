// SPDX-License-Identifier: Apache-2.0
#include "redis/connection.hpp"

#include <algorithm>
#include <utility>

#include "util/assert.hpp"
#include "util/hex.hpp"
#include "util/random.hpp"

namespace roomcast::redis {

namespace {

constexpr std::string_view kProbe = "probe";

std::optional<Verb> verb_of(std::string_view push) {
    if (push == "subscribe") return Verb::subscribe;
    if (push == "unsubscribe") return Verb::unsubscribe;
    if (push == "ssubscribe") return Verb::ssubscribe;
    if (push == "sunsubscribe") return Verb::sunsubscribe;
    return std::nullopt;
}

std::string milliseconds_text(std::chrono::milliseconds time) {
    return std::to_string(time.count()) + " ms";
}

/// The error of a call that was answered; empty when it went well. A transaction may hide one among
/// its results.
std::string error_in(const Request& request, std::string error, const resp::Value& reply) {
    if (!error.empty() || !request.is_transaction) return error;
    if (reply.kind != resp::Kind::array) return "ERR EXEC gave no results";
    const auto failed = std::ranges::find_if(reply.items, &resp::Value::is_error);
    return failed == reply.items.end() ? error : failed->text;
}

}  // namespace

std::string_view to_text(Verb verb) {
    switch (verb) {
        case Verb::subscribe:
            return "SUBSCRIBE";
        case Verb::unsubscribe:
            return "UNSUBSCRIBE";
        case Verb::ssubscribe:
            return "SSUBSCRIBE";
        case Verb::sunsubscribe:
            return "SUNSUBSCRIBE";
    }
    return {};
}

ConnectionOptions connection_options(const ClientOptions& options,
                                     net::Endpoint endpoint,
                                     ServerKind kind) {
    ConnectionOptions of;
    of.stream = {.endpoint = std::move(endpoint),
                 .tls = options.tls,
                 .connect_deadline = options.connect_deadline};
    of.greeting = {.user = options.address.user,
                   .password = options.address.password,
                   .name = options.name,
                   .database = options.address.database,
                   .kind = kind,
                   .scripts = options.scripts,
                   .has_probe_channel = true};
    of.call_deadline = options.call_deadline;
    of.probe_interval = options.probe_interval;
    of.pending_calls = options.pending_calls;
    of.pending_bytes = options.pending_bytes;
    of.reader = options.reader;
    return of;
}

std::shared_ptr<Connection> Connection::open(net::Loop& loop,
                                             ConnectionOptions options,
                                             Counters& counters,
                                             ConnectionSink& sink) {
    auto connection = std::make_shared<Connection>(loop, std::move(options), counters, sink);
    connection->greet();
    return connection;
}

Connection::Connection(net::Loop& loop,
                       ConnectionOptions options,
                       Counters& counters,
                       ConnectionSink& sink)
    : loop_(loop),
      options_(std::move(options)),
      counters_(counters),
      sink_(sink),
      stream_(loop.connect(options_.stream, *this)),
      reader_(options_.reader) {}

Connection::~Connection() {
    loop_.timers().cancel(deadline_timer_);
    loop_.timers().cancel(probe_timer_);
}

// ---- Greeting: all at once, each answer looked at as it comes ----

void Connection::greet() {
    const Greeting& greeting = options_.greeting;
    ask(hello_command(greeting), [this](const Reply& reply) { on_hello(reply); });
    const auto step = [this](std::string name) {
        return
            [this, name = std::move(name)](const Reply& reply) { on_greeting_answer(name, reply); };
    };
    if (greeting.database != 0) {
        resp::Command select{"SELECT"};
        ask(select.add(std::int64_t{greeting.database}), step("SELECT"));
    }
    for (const Script* script : greeting.scripts) {
        ask({"SCRIPT", "LOAD", script->text}, step("SCRIPT LOAD"));
    }
    if (greeting.has_probe_channel) {
        probe_channel_ = "rc.probe." + to_hex(random_u64());
        subscribe(Verb::subscribe, {probe_channel_});
    }
    // Last, and refused while the server loads its data: until then it is not there for us.
    ask({"PING"}, [this](const Reply& reply) {
        on_greeting_answer("PING", reply);
        if (!greeting_problem_) become_ready();
    });
}

void Connection::ask(const resp::Command& command, ReplyCallback done) {
    Waiting waiting;
    waiting.request = make_call(command, std::move(done));
    waiting.request.is_own = true;
    waiting.request.due = loop_.now() + answer_limit();
    write(std::move(waiting));
}

void Connection::on_hello(const Reply& reply) {
    if (!reply) return on_greeting_answer("HELLO", reply);
    auto facts = read_hello(*reply, options_.greeting.kind);
    if (facts) {
        server_ = std::move(*facts);
    } else {
        greeting_problem_ = Loss{facts.error().text, facts.error().is_configuration};
    }
}

void Connection::on_greeting_answer(std::string_view step, const Reply& reply) {
    if (reply || greeting_problem_) return;
    GreetingProblem problem = explain_refusal(step, reply.error().text);
    greeting_problem_ = Loss{std::move(problem.text), problem.is_configuration};
}

void Connection::become_ready() {
    is_ready_ = true;
    probe_timer_ = loop_.timers().add(loop_.now() + options_.probe_interval, [this] { probe(); });
    sink_.on_ready();
}

// ---- Out ----

void Connection::send(Request request) {
    if (!is_ready()) return answer(request, {Fault::not_sent, "not connected"});
    if (pending_calls_ >= options_.pending_calls ||
        pending_bytes_ + request.size_bytes() > options_.pending_bytes) {
        return answer(request, {Fault::not_sent, "too many calls wait for the server"});
    }
    if (request.due == SteadyTime{}) request.due = loop_.now() + options_.call_deadline;
    ++pending_calls_;
    pending_bytes_ += request.size_bytes();
    Waiting waiting;
    waiting.request = std::move(request);
    if (!is_holding_) return write(std::move(waiting));
    arm_deadline(waiting.request.due);
    held_.push_back(std::move(waiting));
}

void Connection::subscribe(Verb verb, std::vector<std::string> channels) {
    ASSERT(!is_closed_ && !channels.empty());
    resp::Command command{to_text(verb)};
    for (const std::string& channel : channels)
        command.add(channel);
    Waiting waiting;
    waiting.request = make_call(command, nullptr);
    waiting.request.is_own = true;
    waiting.request.due = loop_.now() + answer_limit();
    waiting.verb = verb;
    waiting.channels = std::move(channels);
    write(std::move(waiting));
}

void Connection::write(Waiting waiting) {
    static const std::string kAsking = [] {
        std::string bytes;
        resp::Command{"ASKING"}.append_to(bytes);
        return bytes;
    }();
    const Request& request = waiting.request;
    waiting.answers_left = request.replies + (request.is_asking ? 1 : 0);
    if (request.is_asking) stream_->write(kAsking);
    stream_->write(request.bytes);
    arm_deadline(request.due);
    waiting_.push_back(std::move(waiting));
}

// ---- In ----

void Connection::on_bytes(std::string_view bytes) {
    const auto self = shared_from_this();  // a callback may let go of this connection
    reader_.feed(bytes);
    Problem problem;
    while (!is_closed_ && !problem && !greeting_problem_) {
        auto next = reader_.next();
        if (!next) {
            problem = "the server broke the protocol: " + next.error();
        } else if (*next) {
            // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the branch has just asked
            problem = take(std::move(**next));
        } else {
            break;
        }
    }
    if (is_closed_) return;
    if (is_ready_) sink_.on_batch_end();
    if (greeting_problem_) return fail(*greeting_problem_);
    if (problem) fail({std::move(*problem), false});
}

Connection::Problem Connection::take(resp::Value value) {
    return value.kind == resp::Kind::push ? take_push(std::move(value))
                                          : take_reply(std::move(value));
}

Connection::Problem Connection::take_push(resp::Value push) {
    if (push.items.empty()) return "the server broke the protocol: an empty push";
    const std::string& kind = push.items.front().text;
    const auto verb = verb_of(kind);
    const bool is_message = kind == "message" || kind == "smessage";
    if (!verb && !is_message) return std::nullopt;  // of a feature that we do not use
    if (push.items.size() != 3 || push.items[1].kind != resp::Kind::string) {
        return "the server broke the protocol: a push without a channel";
    }
    const std::string& channel = push.items[1].text;
    if (verb) return take_confirmation(*verb, channel);
    const std::string& payload = push.items[2].text;
    if (channel != probe_channel_) {
        sink_.on_message(channel, payload);
    } else if (payload == kProbe) {
        on_probe_part();
    } else {
        sink_.on_mark(payload);
    }
    return std::nullopt;
}

Connection::Problem Connection::take_confirmation(Verb verb, const std::string& channel) {
    Waiting* front = waiting_.empty() ? nullptr : &waiting_.front();
    const bool is_expected =
        front && front->verb == verb && front->channels[front->confirmed] == channel;
    if (!is_expected) {
        if (verb != Verb::sunsubscribe) {
            return "the server broke the protocol: a confirmation of nothing";
        }
        sink_.on_confirmed(verb, channel, false);
        return std::nullopt;
    }
    if (++front->confirmed == front->channels.size()) {
        waiting_.pop_front();
        if (is_holding_ && waiting_.empty()) end_hold();
    }
    if (channel != probe_channel_) sink_.on_confirmed(verb, channel, true);
    return std::nullopt;
}

Connection::Problem Connection::take_reply(resp::Value reply) {
    if (waiting_.empty()) {
        // What a server says before it hangs up ("ERR max number of clients reached").
        if (reply.is_error()) return "the server said: " + reply.text;
        return "the server broke the protocol: an answer to nothing";
    }
    Waiting& front = waiting_.front();
    if (reply.is_error() && front.error.empty()) {
        front.error = reply.text.empty() ? "ERR" : std::move(reply.text);
    }
    if (front.verb) {
        if (front.error.empty()) return "the server broke the protocol: SUBSCRIBE has an answer";
    } else if (--front.answers_left > 0) {
        return std::nullopt;
    }
    finish_front(std::move(reply));
    if (!is_closed_ && is_holding_ && waiting_.empty()) end_hold();
    return std::nullopt;
}

void Connection::finish_front(resp::Value reply) {
    Waiting finished = std::move(waiting_.front());
    waiting_.pop_front();
    if (finished.verb) return finish_subscribe(std::move(finished));
    std::string error = error_in(finished.request, std::move(finished.error), reply);
    if (finished.request.script && error.starts_with("NOSCRIPT")) {
        is_holding_ = true;
        repeats_.push_back(std::move(finished));
        return;
    }
    if (!finished.request.is_own) {
        --pending_calls_;
        pending_bytes_ -= finished.request.size_bytes();
    }
    finish_call(std::move(finished.request), std::move(error), std::move(reply));
}

void Connection::finish_subscribe(Waiting finished) {
    if (!is_ready_) {
        on_greeting_answer("SUBSCRIBE " + probe_channel_, Error{Fault::refused, finished.error});
    } else {
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): whoever waits for channels has one
        sink_.on_subscribe_refused(*finished.verb, finished.channels, finished.error);
    }
}

void Connection::finish_call(Request request, std::string error, resp::Value reply) {
    if (error.empty()) return request.done(std::move(reply));
    if (!request.is_own && sink_.on_refused(request, error)) return;
    answer(request, {Fault::refused, std::move(error)});
}

/// The scripts that the server has forgotten go out as text, in their order; then all that has come
/// meanwhile. So the calls with one key keep their order.
void Connection::end_hold() {
    is_holding_ = false;
    for (Waiting& repeat : std::exchange(repeats_, {})) {
        pending_bytes_ -= repeat.request.size_bytes();
        send_whole_script(repeat.request);
        pending_bytes_ += repeat.request.size_bytes();
        write(std::move(repeat));
    }
    for (Waiting& held : std::exchange(held_, {}))
        write(std::move(held));
}

// ---- Time ----

std::chrono::milliseconds Connection::answer_limit() const {
    return is_ready_ ? options_.call_deadline : options_.stream.connect_deadline;
}

void Connection::arm_deadline(SteadyTime due) {
    if (loop_.timers().is_set(deadline_timer_) && deadline_armed_for_ <= due) return;
    loop_.timers().cancel(deadline_timer_);
    deadline_armed_for_ = due;
    deadline_timer_ = loop_.timers().add(due, [this] { on_deadline(); });
}

/// One timer for all calls: it is set for the oldest, which as a rule is answered by then.
void Connection::on_deadline() {
    SteadyTime first = SteadyTime::max();
    for (const auto* queue : {&waiting_, &repeats_, &held_}) {
        for (const Waiting& waiting : *queue)
            first = std::min(first, waiting.request.due);
    }
    if (first == SteadyTime::max()) return;
    if (first > loop_.now()) return arm_deadline(first);
    fail({"no answer within " + milliseconds_text(answer_limit()), false});
}

void Connection::probe() {
    probe_sent_ = loop_.now();
    probe_parts_ = probe_channel_.empty() ? 1 : 2;
    const auto command = probe_channel_.empty() ? resp::Command{"PING"}
                                                : resp::Command{"PUBLISH", probe_channel_, kProbe};
    Waiting waiting;
    waiting.request = make_call(command, [this](const Reply& reply) {
        // A right that was taken away: the next greeting says so.
        if (reply) on_probe_part();
    });
    waiting.request.is_own = true;
    // Later than on_probe_due(), which tells a missed probe from other silence.
    waiting.request.due = probe_sent_ + 2 * options_.call_deadline;
    write(std::move(waiting));
    probe_timer_ =
        loop_.timers().add(probe_sent_ + options_.call_deadline, [this] { on_probe_due(); });
}

void Connection::on_probe_part() {
    if (probe_parts_ == 0 || --probe_parts_ > 0) return;
    const auto took = loop_.now() - probe_sent_;
    counters_.last_round_trip_us.store(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}

void Connection::on_probe_due() {
    if (probe_parts_ > 0) {
        counters_.probes_missed.add();
        return fail(
            {"a probe did not come back within " + milliseconds_text(options_.call_deadline),
             false});
    }
    const SteadyTime next = std::max(probe_sent_ + options_.probe_interval, loop_.now());
    probe_timer_ = loop_.timers().add(next, [this] { probe(); });
}

// ---- The end ----

void Connection::on_end(std::string_view reason) {
    fail({std::string(reason), false});
}

void Connection::close(std::string_view reason) {
    const auto self = shared_from_this();
    if (!is_closed_) shut(reason);
}

void Connection::fail(const Loss& loss) {
    const auto self = shared_from_this();
    if (is_closed_) return;
    if (is_ready_) counters_.connections_lost.add();
    shut(loss.reason);
    sink_.on_lost(loss);
}

void Connection::shut(std::string_view reason) {
    is_closed_ = true;
    stream_.reset();
    loop_.timers().cancel(deadline_timer_);
    loop_.timers().cancel(probe_timer_);
    const std::string text(reason);
    for (Waiting& waiting : std::exchange(waiting_, {})) {
        if (!waiting.request.is_own) answer(waiting.request, {Fault::interrupted, text});
    }
    for (auto* queue : {&repeats_, &held_}) {
        // A call to be repeated was refused without doing anything.
        for (Waiting& waiting : std::exchange(*queue, {})) {
            if (!waiting.request.is_own) answer(waiting.request, {Fault::not_sent, text});
        }
    }
}

void Connection::answer(Request& request, Error error) {
    if (!request.is_own) counters_.calls_failed.add();
    request.done(std::move(error));
}

}  // namespace roomcast::redis
