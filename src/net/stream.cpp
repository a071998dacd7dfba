// SPDX-License-Identifier: Apache-2.0
#include "net/stream.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "net/tls_trust.hpp"

namespace roomcast::net {

namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 65'536;
/// A buffer that a burst has made larger is given back once it is empty.
constexpr std::size_t kKeptBufferBytes = 262'144;
constexpr int kUserTimeoutMs = 10'000;
constexpr int kIdleBeforeProbeSeconds = 15;
constexpr int kProbeIntervalSeconds = 5;

void set_option(int socket, int level, int name, int value) {
    // Each is an improvement only: without it a lost server is noticed later.
    (void)::setsockopt(socket, level, name, &value, sizeof value);
}

void set_options(int socket) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, kIdleBeforeProbeSeconds);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, kProbeIntervalSeconds);
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
}

/// One connection, from the name look-up to its end. Its pending operations keep it alive; whoever
/// has dropped the stream is not called any more.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(asio::io_context& context, Loop& loop, StreamOptions options, StreamSink& sink)
        : loop_(loop),
          options_(std::move(options)),
          sink_(&sink),
          resolver_(context),
          socket_(context) {}

    void start() {
        deadline_at_ = loop_.now() + options_.connect_deadline;
        deadline_ = loop_.timers().add(deadline_at_, [this] { on_deadline(); });
        error_code not_an_address;
        const auto address = asio::ip::make_address(options_.endpoint.host, not_an_address);
        if (not_an_address) return resolve();
        addresses_.emplace_back(address, options_.endpoint.port);
        connect_next({});
    }

    void write(std::string_view bytes) {
        if (is_over() || bytes.empty()) return;
        waiting_.append(bytes);
        if (is_open_ && !is_writing_) write_soon();
    }

    [[nodiscard]] std::size_t unsent_bytes() const {
        return waiting_.size() + in_flight_.size() - sent_;
    }

    /// Closes it without a word to the sink.
    void abandon() {
        sink_ = nullptr;
        loop_.timers().cancel(deadline_);
        loop_.timers().cancel(attempt_);
        resolver_.cancel();
        error_code ignored;  // the descriptor is gone in any case
        socket_.close(ignored);
        waiting_ = {};
    }

private:
    // Opening.

    void resolve() {
        resolver_.async_resolve(options_.endpoint.host,
                                std::to_string(options_.endpoint.port),
                                tcp::resolver::numeric_service,
                                [self = shared_from_this()](
                                    error_code error, const tcp::resolver::results_type& found) {
                                    self->on_resolved(error, found);
                                });
    }

    void on_resolved(error_code error, const tcp::resolver::results_type& found) {
        if (is_over()) return;
        if (error) {
            return end("the name " + options_.endpoint.host +
                       " cannot be resolved: " + describe(error));
        }
        addresses_.reserve(found.size());
        for (const auto& entry : found)
            addresses_.push_back(entry.endpoint());
        connect_next(asio::error::host_not_found);
    }

    /// Tries the next address; `error` is why the last one failed. Each gets its share of the time
    /// that is left, so that one that never answers does not keep us from the others.
    void connect_next(error_code error) {
        if (tried_ == addresses_.size()) return end(describe(error));
        error_code ignored;  // async_connect opens it anew
        socket_.close(ignored);
        const auto shares = static_cast<int>(addresses_.size() - tried_);
        if (shares > 1) {
            const SteadyTime now = loop_.now();
            attempt_ = loop_.timers().add(now + (deadline_at_ - now) / shares, [this] {
                error_code unheard;  // the operation ends either way
                socket_.close(unheard);
            });
        }
        socket_.async_connect(
            addresses_[tried_++],
            [self = shared_from_this()](error_code failure) { self->on_connected(failure); });
    }

    void on_connected(error_code error) {
        if (is_over()) return;
        loop_.timers().cancel(attempt_);
        // Connected and closed in one turn by the timer of this attempt.
        if (!error && !socket_.is_open()) error = asio::error::timed_out;
        if (error) return connect_next(error);
        set_options(socket_.native_handle());
        if (options_.tls) return shake_hands();
        on_ready();
    }

    void shake_hands() {
        SSL* const tls = options_.tls->make_connection(options_.endpoint.host);
        if (!tls) return end("its name cannot be verified: " + options_.endpoint.host);
        tls_.emplace(socket_, tls);
        tls_->async_handshake(
            ssl::stream_base::client, [self = shared_from_this()](error_code error) {
                if (self->is_over()) return;
                if (!error) return self->on_ready();
                self->end(handshake_failure(
                    self->tls_->native_handle(), self->options_.endpoint.host, error));
            });
    }

    void on_ready() {
        loop_.timers().cancel(deadline_);
        is_open_ = true;
        input_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
        sink_->on_open();
        if (is_over()) return;
        if (!waiting_.empty() && !is_writing_) write_soon();
        read();
    }

    void on_deadline() {
        end("no answer within " + std::to_string(options_.connect_deadline.count()) + " ms");
    }

    // Open.

    void read() {
        const auto buffer = asio::buffer(input_.get(), kReadBytes);
        auto done = [self = shared_from_this()](error_code error, std::size_t size) {
            self->on_read(error, size);
        };
        if (tls_) return tls_->async_read_some(buffer, std::move(done));
        socket_.async_read_some(buffer, std::move(done));
    }

    void on_read(error_code error, std::size_t size) {
        if (is_over()) return;
        if (size > 0) sink_->on_bytes({input_.get(), size});
        if (is_over()) return;
        if (error) return end(describe(error));
        read();
    }

    /// At the end of what the loop is at now, so that what it goes on to write leaves together.
    void write_soon() {
        is_writing_ = true;
        asio::post(socket_.get_executor(), [self = shared_from_this()] { self->write_next(); });
    }

    void write_next() {
        if (is_over()) return;
        if (sent_ == in_flight_.size()) {
            in_flight_.clear();
            if (in_flight_.capacity() > kKeptBufferBytes) in_flight_.shrink_to_fit();
            sent_ = 0;
            in_flight_.swap(waiting_);
        }
        is_writing_ = !in_flight_.empty();
        if (!is_writing_) return;
        const auto buffer = asio::buffer(in_flight_.data() + sent_, in_flight_.size() - sent_);
        auto done = [self = shared_from_this()](error_code error, std::size_t size) {
            self->on_written(error, size);
        };
        if (tls_) return tls_->async_write_some(buffer, std::move(done));
        socket_.async_write_some(buffer, std::move(done));
    }

    void on_written(error_code error, std::size_t size) {
        if (is_over()) return;
        if (error) return end(describe(error));
        sent_ += size;
        write_next();
    }

    // The end.

    [[nodiscard]] bool is_over() const { return !sink_; }

    void end(const std::string& reason) {
        StreamSink* const sink = sink_;
        abandon();
        // What is left in this thread's queue would be taken for the failure of another stream.
        ERR_clear_error();
        sink->on_end(reason);
    }

    Loop& loop_;
    const StreamOptions options_;
    StreamSink* sink_;  // null: over, or the stream is gone

    tcp::resolver resolver_;
    std::vector<tcp::endpoint> addresses_;
    std::size_t tried_ = 0;
    SteadyTime deadline_at_;
    TimerId deadline_;
    TimerId attempt_;

    tcp::socket socket_;
    std::optional<ssl::stream<tcp::socket&>> tls_;
    bool is_open_ = false;
    std::unique_ptr<char[]> input_;

    std::string waiting_;
    std::string in_flight_;
    std::size_t sent_ = 0;  // of in_flight_
    bool is_writing_ = false;
};

/// What the owner of a connection holds.
class SocketStream final : public Stream {
public:
    explicit SocketStream(std::shared_ptr<Connection> connection)
        : connection_(std::move(connection)) {}

    ~SocketStream() override { connection_->abandon(); }

    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;

    void write(std::string_view bytes) override { connection_->write(bytes); }

    [[nodiscard]] std::size_t unsent_bytes() const override { return connection_->unsent_bytes(); }

private:
    const std::shared_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(asio::io_context& context,
                                    Loop& loop,
                                    StreamOptions options,
                                    StreamSink& sink) {
    auto connection = std::make_shared<Connection>(context, loop, std::move(options), sink);
    connection->start();
    return std::make_unique<SocketStream>(std::move(connection));
}

}  // namespace roomcast::net
