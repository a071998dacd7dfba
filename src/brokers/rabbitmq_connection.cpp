// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_connection.hpp"

#include <array>
#include <new>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/loop.hpp"

namespace roomcast::rabbitmq {

namespace {

constexpr int kFrameBytes = 131'072;  // RabbitMQ's own limit
constexpr std::chrono::milliseconds kCloseTimeout{300};

timeval to_timeval(std::chrono::milliseconds time) {
    return {.tv_sec = time.count() / 1'000, .tv_usec = time.count() % 1'000 * 1'000};
}

/// What the server says when it ends a channel or a connection: these two methods look alike.
template <class CloseMethod>
Failure server_failure(const amqp_method_t& method) {
    const auto* const close = static_cast<const CloseMethod*>(method.decoded);
    return {
        .text = std::to_string(close->reply_code) + ' ' + std::string(to_view(close->reply_text)),
        .code = close->reply_code};
}

std::optional<Failure> end_of(const amqp_method_t& method) {
    if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
        return server_failure<amqp_connection_close_t>(method);
    }
    if (method.id == AMQP_CHANNEL_CLOSE_METHOD) return server_failure<amqp_channel_close_t>(method);
    return std::nullopt;
}

Failure library_failure(int status, std::string_view what) {
    std::string text(what);
    text.append(": ").append(amqp_error_string2(status));
    return {.text = std::move(text)};
}

std::optional<Failure> check_reply(const amqp_rpc_reply_t& reply, std::string_view what) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return std::nullopt;
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) {
        return library_failure(reply.library_error, what);
    }
    Failure failure = end_of(reply.reply).value_or(Failure{.text = "an answer of another kind"});
    failure.text = std::string(what) + ": " + failure.text;
    constexpr std::array kForPeople = {
        AMQP_ACCESS_REFUSED, AMQP_NOT_ALLOWED, AMQP_PRECONDITION_FAILED};
    for (const int code : kForPeople)
        failure.is_configuration = failure.is_configuration || failure.code == code;
    return failure;
}

bool is_ip_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

/// A handshake can take long: from its begin on it can be broken off.
void on_tls_event(const SSL* ssl, int where, int /*result*/) {
    if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
    auto* const breaker = static_cast<Breaker*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    breaker->arm(SSL_get_fd(ssl));
}

/// OpenSSL checks certificate and host name in the handshake: the library's own check of the name
/// knows no IP addresses.
bool set_up_tls(amqp_socket_t* socket, const ConnectionOptions& options, Breaker& breaker) {
    auto* const context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_app_data(context, &breaker);
    SSL_CTX_set_info_callback(context, on_tls_event);
    const std::string& host = options.address.host;
    X509_VERIFY_PARAM* const checks = SSL_CTX_get0_param(context);
    const int is_set = is_ip_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str())
                                           : X509_VERIFY_PARAM_set1_host(checks, host.c_str(), 0);
    const int is_trust_set =
        options.ca_file.empty()
            ? SSL_CTX_set_default_verify_paths(context)
            : SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr);
    return is_set == 1 && is_trust_set == 1 &&
           SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

Failure connect_failure(int status, const Address& address) {
    const std::string what =
        "connecting to " + net::to_text(net::Endpoint{address.host, address.port});
    if (status == AMQP_STATUS_SOCKET_ERROR) {  // all that the library says
        return {.text = what + ": it is refused, or there is no way to that host"};
    }
    Failure failure = library_failure(status, what);
    if (!address.is_tls) return failure;
    if (const char* const reason = ERR_reason_error_string(ERR_peek_last_error())) {
        failure.text.append(": ").append(reason);
    }
    ERR_clear_error();
    return failure;
}

amqp_table_entry_t entry(const char* key, amqp_field_value_kind_t kind) {
    amqp_table_entry_t made{};
    made.key = amqp_cstring_bytes(key);
    made.value.kind = static_cast<std::uint8_t>(kind);
    return made;
}

}  // namespace

// ---- Breaker ----

Breaker::~Breaker() {
    disarm();
}

void Breaker::arm(int socket) {
    const std::lock_guard lock(mutex_);
    if (socket_ >= 0) ::close(socket_);
    socket_ = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (is_pulled_ && socket_ >= 0) (void)::shutdown(socket_, SHUT_RDWR);
}

void Breaker::disarm() {
    const std::lock_guard lock(mutex_);
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void Breaker::pull() {
    const std::lock_guard lock(mutex_);
    is_pulled_ = true;
    if (socket_ >= 0) (void)::shutdown(socket_, SHUT_RDWR);
}

// ---- Connection ----

Connection::Connection(Breaker& breaker) : breaker_(breaker), state_(amqp_new_connection()) {
    if (!state_) throw std::bad_alloc();
}

Connection::~Connection() {
    breaker_.disarm();
    (void)amqp_destroy_connection(state_);  // it frees all whatever it answers
}

Outcome<std::unique_ptr<Connection>, Failure> Connection::open(const ConnectionOptions& options,
                                                               Breaker& breaker) {
    std::unique_ptr<Connection> connection(new Connection(breaker));
    if (auto failure = connection->connect(options)) return std::move(*failure);
    if (auto failure = connection->log_in(options)) return std::move(*failure);
    return connection;
}

std::optional<Failure> Connection::connect(const ConnectionOptions& options) {
    amqp_socket_t* const socket =
        options.address.is_tls ? amqp_ssl_socket_new(state_) : amqp_tcp_socket_new(state_);
    if (!socket) return Failure{.text = "no memory for a socket"};
    if (options.address.is_tls && !set_up_tls(socket, options, breaker_)) {
        ERR_clear_error();
        return Failure{.text = "TLS cannot be set up: the CA file cannot be used",
                       .is_configuration = true};
    }
    const timeval timeout = to_timeval(kConnectTimeout);
    const int status = amqp_socket_open_noblock(
        socket, options.address.host.c_str(), options.address.port, &timeout);
    if (status != AMQP_STATUS_OK) return connect_failure(status, options.address);
    breaker_.arm(this->socket());
    return std::nullopt;
}

std::optional<Failure> Connection::log_in(const ConnectionOptions& options) {
    const timeval timeout = to_timeval(kCallTimeout);
    (void)amqp_set_handshake_timeout(state_, &timeout);  // fails for a bad value alone
    (void)amqp_set_rpc_timeout(state_, &timeout);
    std::array capabilities = {entry("connection.blocked", AMQP_FIELD_KIND_BOOLEAN),
                               entry("consumer_cancel_notify", AMQP_FIELD_KIND_BOOLEAN),
                               entry("basic.nack", AMQP_FIELD_KIND_BOOLEAN),
                               entry("publisher_confirms", AMQP_FIELD_KIND_BOOLEAN)};
    for (amqp_table_entry_t& capability : capabilities)
        capability.value.value.boolean = 1;
    std::array properties = {entry("connection_name", AMQP_FIELD_KIND_UTF8),
                             entry("capabilities", AMQP_FIELD_KIND_TABLE)};
    properties[0].value.value.bytes = to_bytes(options.name);
    properties[1].value.value.table = {static_cast<int>(capabilities.size()), capabilities.data()};
    const amqp_table_t table = {static_cast<int>(properties.size()), properties.data()};
    const Address& address = options.address;
    const amqp_rpc_reply_t reply = amqp_login_with_properties(state_,
                                                              address.virtual_host.c_str(),
                                                              1,
                                                              kFrameBytes,
                                                              static_cast<int>(kHeartbeat.count()),
                                                              &table,
                                                              AMQP_SASL_METHOD_PLAIN,
                                                              address.user.c_str(),
                                                              address.password.c_str());
    if (auto failure = check_reply(reply, "logging in")) return failure;
    (void)amqp_channel_open(state_, kChannel);  // check_call() says how that went
    return check_call("opening a channel");
}

void Connection::close() {
    const timeval timeout = to_timeval(kCloseTimeout);
    (void)amqp_set_rpc_timeout(state_, &timeout);
    (void)amqp_connection_close(state_, AMQP_REPLY_SUCCESS);  // it ends either way
}

void Connection::reset_at_end() const {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    // Without a socket there is nothing to take back.
    (void)::setsockopt(socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Outcome<std::optional<amqp_frame_t>, Failure> Connection::next_frame() {
    amqp_maybe_release_buffers(state_);
    amqp_frame_t frame{};
    const timeval no_time{};
    const int status = amqp_simple_wait_frame_noblock(state_, &frame, &no_time);
    if (status == AMQP_STATUS_TIMEOUT) return std::optional<amqp_frame_t>();
    if (status != AMQP_STATUS_OK) return library_failure(status, "the connection is lost");
    if (frame.frame_type == AMQP_FRAME_METHOD) {
        if (auto failure = end_of(frame.payload.method)) return std::move(*failure);
    }
    return std::optional<amqp_frame_t>(frame);
}

std::optional<Failure> Connection::check_call(std::string_view what) const {
    return check_reply(amqp_get_rpc_reply(state_), what);
}

std::optional<Failure> Connection::check_status(int status, std::string_view what) {
    if (status == AMQP_STATUS_OK) return std::nullopt;
    return library_failure(status, what);
}

}  // namespace roomcast::rabbitmq
