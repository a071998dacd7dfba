// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_connection.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <nats/nats.h>
#include <openssl/crypto.h>

#include "codec/json_writer.hpp"
#include "util/hash.hpp"

namespace roomcast {

namespace {

/// The library's threads use OpenSSL until they end, which is some time after the last connection,
/// perhaps while the process exits: there OpenSSL must not take itself down. It takes this from its
/// first call alone, so it is made before main(). (Waiting for the threads with nats_CloseAndWait()
/// loses messages that are still queued in the library: a leak.)
[[maybe_unused]] const int kOpensslStays = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);

/// The library's words, without the place in its source: "(conn.c:123): Timeout".
std::string_view last_words() {
    const char* const text = nats_GetLastError(nullptr);
    std::string_view words = text ? text : "";
    const std::size_t end = words.find("): ");
    if (words.starts_with('(') && end != std::string_view::npos) words.remove_prefix(end + 3);
    return words;
}

NatsFailure failure(natsStatus status) {
    NatsFailure failure;
    if (status == NATS_TIMEOUT) {
        failure.text = "no answer in time";
    } else if (status == NATS_NO_SERVER) {
        failure.text = "no server answers there";
    } else {
        const std::string_view words = last_words();
        failure.text = natsStatus_GetText(status);
        if (!words.empty() && words != failure.text) failure.text.append(": ").append(words);
    }
    failure.is_configuration =
        status == NATS_CONNECTION_AUTH_FAILED || status == NATS_NOT_PERMITTED;
    failure.is_too_large = status == NATS_MAX_PAYLOAD;
    return failure;
}

NatsProblem to_problem(natsStatus status) {
    return status == NATS_OK ? NatsProblem() : failure(status);
}

/// A connection as the library's threads see it.
struct Line {
    NatsEvents* events;
    std::unordered_map<std::int64_t, std::int64_t> told_drops;  // by the subscription's number

    /// How many messages of the subscription wait; nothing when it is closed.
    std::optional<int> look_at(natsSubscription* subscription) {
        int waiting = 0;
        std::int64_t dropped = 0;
        const natsStatus status = natsSubscription_GetStats(
            subscription, &waiting, nullptr, nullptr, nullptr, nullptr, &dropped);
        if (status != NATS_OK) return std::nullopt;
        if (dropped > 0) tell_drops(subscription, dropped);
        return waiting;
    }

    void tell_drops(natsSubscription* subscription, std::int64_t dropped) {
        const char* const subject = natsSubscription_GetSubject(subscription);
        if (!subject) return;  // closed meanwhile, and a loss of its own
        std::int64_t& told = told_drops[natsSubscription_GetID(subscription)];
        if (dropped <= told) return;
        const auto news = static_cast<std::uint64_t>(dropped - std::exchange(told, dropped));
        events->on_dropped(subject, news);
    }
};

/// What the library's callbacks find their connection by. They may come after the connection was
/// destroyed, and the library does not say which is the last: so they are given no address but a
/// number, and the lock is held while one is served.
class Switchboard {
public:
    /// Never destroyed: the library's threads may outlive the statics.
    static Switchboard& instance() {
        static auto& board = *new Switchboard;
        return board;
    }

    void* add(NatsEvents& events) {
        const std::lock_guard lock(mutex_);
        lines_.emplace(++last_, Line{&events, {}});
        return reinterpret_cast<void*>(last_);  // NOLINT(performance-no-int-to-ptr): a number
    }

    void remove(void* closure) {
        const std::lock_guard lock(mutex_);
        lines_.erase(reinterpret_cast<std::uintptr_t>(closure));
    }

    template <class Call>
    void call(void* closure, const Call& call) {
        const std::lock_guard lock(mutex_);
        const auto found = lines_.find(reinterpret_cast<std::uintptr_t>(closure));
        if (found != lines_.end()) call(found->second);
    }

private:
    std::mutex mutex_;
    std::uintptr_t last_ = 0;
    std::unordered_map<std::uintptr_t, Line> lines_;
};

/// Of a closed connection: the text is the connection's own and is changed while it lives.
std::string last_error(natsConnection* connection) {
    const char* text = nullptr;
    const natsStatus status = natsConnection_GetLastError(connection, &text);
    return text && *text ? text : natsStatus_GetText(status);
}

void on_message(natsConnection* /*connection*/,
                natsSubscription* subscription,
                natsMsg* message,
                void* closure) {
    Switchboard::instance().call(closure, [&](Line& line) {
        const auto waiting = line.look_at(subscription);
        if (!waiting) return;
        line.events->on_message({
            .subscription = natsSubscription_GetID(subscription),
            .subject = natsMsg_GetSubject(message),
            .body = {natsMsg_GetData(message),
                     static_cast<std::size_t>(natsMsg_GetDataLength(message))},
            .has_followers = *waiting > 0,
        });
    });
    natsMsg_Destroy(message);
}

void on_error(natsConnection* /*connection*/,
              natsSubscription* subscription,
              natsStatus status,
              void* closure) {
    Switchboard::instance().call(closure, [&](Line& line) {
        if (status == NATS_SLOW_CONSUMER && subscription) {
            (void)line.look_at(subscription);  // for what it tells
            return;
        }
        // The library has put the server's words where this thread finds them.
        const std::string_view words = last_words();
        line.events->on_complaint(words.empty() ? natsStatus_GetText(status) : words);
    });
}

void on_closed(natsConnection* connection, void* closure) {
    Switchboard::instance().call(
        closure, [&](Line& line) { line.events->on_closed(last_error(connection)); });
}

/// The library puts these into a JSON text as they are.
std::string json_escaped(std::string_view text) {
    std::string quoted;
    json::append_string(quoted, text);
    return quoted.substr(1, quoted.size() - 2);
}

int to_int(std::size_t number) {
    return static_cast<int>(std::min<std::size_t>(number, std::numeric_limits<int>::max() / 1'024));
}

struct OptionsDeleter {
    void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

class Options {
public:
    Options() {
        natsOptions* created = nullptr;
        status_ = natsOptions_Create(&created);
        options_.reset(created);
    }

    /// Nothing more is set after a failure.
    template <class Setter, class... Values>
    Options& set(Setter setter, Values... values) {
        if (status_ == NATS_OK) status_ = setter(options_.get(), values...);
        return *this;
    }

    [[nodiscard]] natsStatus status() const { return status_; }

    [[nodiscard]] natsOptions* get() const { return options_.get(); }

private:
    natsStatus status_ = NATS_OK;
    std::unique_ptr<natsOptions, OptionsDeleter> options_;
};

void set_login(Options& options, const NatsConnectionOptions& wanted) {
    const NatsLogin& login = wanted.server.login;
    if (!login.user.empty()) {
        options.set(natsOptions_SetUserInfo,
                    json_escaped(login.user).c_str(),
                    json_escaped(login.password).c_str());
    }
    if (!login.token.empty()) {
        options.set(natsOptions_SetToken, json_escaped(login.token).c_str());
    }
    if (!wanted.creds_file.empty()) {
        options.set(natsOptions_SetUserCredentialsFromFiles, wanted.creds_file.c_str(), nullptr);
    }
}

void set_tls(Options& options, const NatsConnectionOptions& wanted) {
    if (wanted.server.is_tls) options.set(natsOptions_SetSecure, true);
    // With nats:// too: a server that insists on TLS gets it.
    options.set(natsOptions_SetExpectedHostname, wanted.server.endpoint.host.c_str());
    if (!wanted.ca_file.empty()) {
        options.set(natsOptions_LoadCATrustedCertificates, wanted.ca_file.c_str());
    }
}

Options make_options(const NatsConnectionOptions& wanted, void* closure) {
    Options options;
    // The scheme would switch TLS on as well; it is set below, for all versions alike.
    const std::string url = "nats://" + net::to_text(wanted.server.endpoint);
    options.set(natsOptions_SetURL, url.c_str())
        .set(natsOptions_SetName, "roomcast")
        .set(natsOptions_SetTimeout, wanted.connect_timeout.count())
        .set(natsOptions_SetWriteDeadline, wanted.write_timeout.count())
        // Publications of an outage would wait in secret, and leave after they were refused.
        .set(natsOptions_SetAllowReconnect, false)
        // Else each subscription has a thread.
        .set(natsOptions_UseGlobalMessageDelivery, true)
        .set(natsOptions_SetMaxPendingMsgs, to_int(wanted.pending_messages))
        .set(natsOptions_SetErrorHandler, on_error, closure)
        .set(natsOptions_SetClosedCB, on_closed, closure);
    set_login(options, wanted);
    set_tls(options, wanted);
    return options;
}

}  // namespace

struct NatsConnection::Implementation {
    explicit Implementation(NatsEvents& events) : closure(Switchboard::instance().add(events)) {}

    Implementation(const Implementation&) = delete;
    Implementation& operator=(const Implementation&) = delete;

    ~Implementation() {
        Switchboard::instance().remove(closure);
        if (!connection) return;
        // First: subscriptions of a closed connection need no farewell of their own.
        natsConnection_Close(connection);
        for (const auto& [subject, subscription] : subscriptions)
            natsSubscription_Destroy(subscription);
        natsConnection_Destroy(connection);
    }

    void* const closure;
    natsConnection* connection = nullptr;
    std::unordered_map<std::string, natsSubscription*, SeededStringHash, std::equal_to<>>
        subscriptions;  // by subject
};

NatsConnection::NatsConnection(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

NatsConnection::~NatsConnection() = default;

Outcome<std::unique_ptr<NatsConnection>, NatsFailure> NatsConnection::open(
    const NatsConnectionOptions& options, NatsEvents& events) {
    auto implementation = std::make_unique<Implementation>(events);
    const Options given = make_options(options, implementation->closure);
    natsStatus status = given.status();
    if (status == NATS_OK) {
        status = natsConnection_Connect(&implementation->connection, given.get());
    }
    if (status != NATS_OK) return failure(status);
    return std::unique_ptr<NatsConnection>(new NatsConnection(std::move(implementation)));
}

Outcome<std::int64_t, NatsFailure> NatsConnection::subscribe(const std::string& subject) {
    natsSubscription* subscription = nullptr;
    const natsStatus status = natsConnection_Subscribe(&subscription,
                                                       implementation_->connection,
                                                       subject.c_str(),
                                                       on_message,
                                                       implementation_->closure);
    if (status != NATS_OK) return failure(status);
    implementation_->subscriptions.emplace(subject, subscription);
    return natsSubscription_GetID(subscription);
}

void NatsConnection::unsubscribe(const std::string& subject) {
    const auto found = implementation_->subscriptions.find(subject);
    if (found == implementation_->subscriptions.end()) return;
    natsSubscription_Destroy(found->second);
    implementation_->subscriptions.erase(found);
}

NatsProblem NatsConnection::publish(const std::string& subject, std::string_view body) {
    return to_problem(natsConnection_Publish(
        implementation_->connection, subject.c_str(), body.data(), static_cast<int>(body.size())));
}

NatsProblem NatsConnection::flush(std::chrono::milliseconds timeout) {
    return to_problem(natsConnection_FlushTimeout(implementation_->connection, timeout.count()));
}

NatsProblem NatsConnection::refused() const {
    // The text is safe to read: after a flush() no answer is due that would change it.
    const char* text = nullptr;
    const natsStatus status = natsConnection_GetLastError(implementation_->connection, &text);
    if (status != NATS_NOT_PERMITTED) return std::nullopt;
    return NatsFailure{.text = text, .is_configuration = true};
}

std::size_t NatsConnection::max_payload() const {
    const std::int64_t bytes = natsConnection_GetMaxPayload(implementation_->connection);
    return bytes > 0 ? static_cast<std::size_t>(bytes) : std::numeric_limits<std::size_t>::max();
}

void NatsConnection::release_thread() {
    nats_ReleaseThreadMemory();
}

}  // namespace roomcast
