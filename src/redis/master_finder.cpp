// SPDX-License-Identifier: Apache-2.0
#include "redis/master_finder.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "util/random.hpp"

namespace roomcast::redis {

namespace {

constexpr std::string_view kSwitchMaster = "+switch-master";

std::optional<net::Endpoint> read_endpoint(std::string_view host, std::string_view port) {
    net::Endpoint endpoint{std::string(host), 0};
    const char* const end = port.data() + port.size();
    const auto [at, problem] = std::from_chars(port.data(), end, endpoint.port);
    if (host.empty() || problem != std::errc() || at != end || endpoint.port == 0) {
        return std::nullopt;
    }
    return endpoint;
}

/// "name old-address old-port new-address new-port"
std::optional<net::Endpoint> read_switch(std::string_view message, std::string_view name) {
    std::array<std::string_view, 5> words;
    for (std::string_view& word : words) {
        const std::size_t end = std::min(message.find(' '), message.size());
        word = message.substr(0, end);
        message.remove_prefix(std::min(end + 1, message.size()));
    }
    if (words[0] != name) return std::nullopt;
    return read_endpoint(words[3], words[4]);
}

}  // namespace

MasterFinder::MasterFinder(net::Loop& loop, const ClientOptions& options, MasterFinderSink& sink)
    : loop_(loop),
      options_(options),
      sink_(sink),
      backoff_(random_u64(), options_.longest_pause) {}

MasterFinder::~MasterFinder() {
    stop();
}

void MasterFinder::stop() {
    loop_.timers().cancel(retry_timer_);
    if (const auto connection = std::exchange(connection_, nullptr)) connection->close("stopped");
}

void MasterFinder::ask() {
    if (connection_) {
        if (connection_->is_ready()) query();  // else it will, once it is
        return;
    }
    begin_round();
}

void MasterFinder::ask_another() {
    if (options_.address.endpoints.size() == 1) return ask();
    if (const auto connection = std::exchange(connection_, nullptr)) {
        connection->close("another sentinel is asked");
    }
    current_ = (current_ + 1) % options_.address.endpoints.size();
    begin_round();
}

void MasterFinder::begin_round() {
    loop_.timers().cancel(retry_timer_);
    tries_left_ = options_.address.endpoints.size();
    connect();
}

void MasterFinder::connect() {
    ConnectionOptions options =
        connection_options(options_, options_.address.endpoints[current_], ServerKind::sentinel);
    options.greeting.scripts.clear();
    options.greeting.database = 0;
    options.greeting.has_probe_channel = false;
    if (!is_authenticating_) options.greeting.user = options.greeting.password = std::string();
    has_been_ready_ = false;
    connection_ = Connection::open(loop_, std::move(options), counters_, *this);
}

void MasterFinder::on_ready() {
    has_been_ready_ = true;
    backoff_.on_ready(loop_.now());
    // First, so that no move is missed between the answer and it.
    connection_->subscribe(Verb::subscribe, {std::string(kSwitchMaster)});
    query();
}

void MasterFinder::query() {
    const resp::Command command{
        "SENTINEL", "GET-MASTER-ADDR-BY-NAME", options_.address.master_name};
    connection_->send(make_call(command, [this](const Reply& reply) {
        if (reply) return on_answer(*reply);
        if (reply.error().fault == Fault::refused) give_up(reply.error().text);
    }));
}

void MasterFinder::on_answer(const resp::Value& answer) {
    if (answer.kind != resp::Kind::array || answer.items.size() != 2) {
        return give_up("it does not know a master named \"" + options_.address.master_name + '"');
    }
    const auto master = read_endpoint(answer.items[0].text, answer.items[1].text);
    if (!master) return give_up("it gave an address that is none");
    sink_.on_master(*master);
}

void MasterFinder::on_message(std::string_view channel, std::string_view payload) {
    if (channel != kSwitchMaster) return;
    if (const auto master = read_switch(payload, options_.address.master_name)) {
        sink_.on_master(*master);
    }
}

void MasterFinder::on_subscribe_refused(Verb /*verb*/,
                                        const std::vector<std::string>& /*channels*/,
                                        const std::string& error) {
    give_up(error);
}

void MasterFinder::on_lost(const Loss& loss) {
    const net::Endpoint lost = connection_->endpoint();
    connection_.reset();
    if (has_been_ready_) {
        backoff_.on_lost(loop_.now());
        retry_timer_ =
            loop_.timers().add(loop_.now() + backoff_.next(false), [this] { begin_round(); });
        return;
    }
    // Sentinels often have no password while their master has one.
    if (loss.reason.starts_with("NOAUTH") && !std::exchange(is_authenticating_, true)) {
        return connect();
    }
    try_next(loss.reason + " (sentinel " + net::to_text(lost) + ')');
}

void MasterFinder::give_up(const std::string& reason) {
    const auto connection = std::exchange(connection_, nullptr);
    if (!connection) return;
    connection->close(reason);
    try_next(reason + " (sentinel " + net::to_text(connection->endpoint()) + ')');
}

void MasterFinder::try_next(const std::string& reason) {
    current_ = (current_ + 1) % options_.address.endpoints.size();
    if (tries_left_ > 1) {
        --tries_left_;
        return connect();
    }
    retry_timer_ =
        loop_.timers().add(loop_.now() + backoff_.next(false), [this] { begin_round(); });
    sink_.on_no_master("no sentinel tells the master; the last one: " + reason);
}

}  // namespace roomcast::redis
