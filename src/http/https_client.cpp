// SPDX-License-Identifier: Apache-2.0
#include "http/https_client.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "net/tls_trust.hpp"

namespace roomcast::http {

namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace beast_http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t kMaxHeaderBytes = 16'384;

bool is_address(const std::string& host) {
    error_code error;
    asio::ip::make_address(host, error);
    return !error;
}

/// The header `Host`: with brackets around an IPv6 address, without the scheme's own port.
std::string host_header(const Url& url) {
    const bool is_ipv6 = url.host.find(':') != std::string::npos;
    std::string text = is_ipv6 ? "[" + url.host + "]" : url.host;
    if (url.port != (url.is_tls ? "443" : "80")) text += ":" + url.port;
    return text;
}

ssl::context make_tls_context(const std::string& ca_file) {
    ssl::context context(ssl::context::tls_client);
    context.set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    context.set_verify_mode(ssl::verify_peer);
    error_code error;
    if (ca_file.empty()) {
        context.set_default_verify_paths(error);
    } else {
        context.load_verify_file(ca_file, error);
    }
    if (error) throw std::runtime_error("certificates cannot be read: " + error.message());
    return context;
}

/// One request, from the name look-up to the last byte. Kept alive by its pending operations.
class Exchange : public std::enable_shared_from_this<Exchange> {
public:
    Exchange(asio::io_context& loop,
             ssl::context& tls,
             ClientRequest asked,
             ClientLimits limits,
             ClientCallback done)
        : asked_(std::move(asked)),
          limits_(limits),
          done_(std::move(done)),
          resolver_(loop),
          deadline_(loop),
          stream_(loop, tls) {}

    void start() {
        deadline_.expires_after(limits_.deadline);
        deadline_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->fail("no answer in time");
        });
        resolver_.async_resolve(
            asked_.url.host,
            asked_.url.port,
            [self = shared_from_this()](error_code error,
                                        const tcp::resolver::results_type& found) {
                if (error) return self->fail("its name cannot be resolved: " + error.message());
                self->connect(found);
            });
    }

private:
    void connect(const tcp::resolver::results_type& addresses) {
        if (is_over()) return;
        asio::async_connect(socket(),
                            addresses,
                            [self = shared_from_this()](error_code error, const tcp::endpoint&) {
                                if (error) return self->fail("cannot connect: " + error.message());
                                self->secure();
                            });
    }

    void secure() {
        if (is_over()) return;
        if (!asked_.url.is_tls) return send(socket());
        if (!net::expect_host(stream_.native_handle(), asked_.url.host))
            return fail("its name cannot be verified");
        if (!asked_.is_peer_verified) {
            SSL_set_verify(stream_.native_handle(), SSL_VERIFY_NONE, nullptr);
        }
        stream_.async_handshake(ssl::stream_base::client,
                                [self = shared_from_this()](error_code error) {
                                    if (error) return self->fail_tls(error);
                                    self->send(self->stream_);
                                });
    }

    template <class Stream>
    void send(Stream& stream) {
        request_.version(11);
        request_.method_string(asked_.method);
        request_.target(asked_.url.target);
        request_.set(beast_http::field::host, host_header(asked_.url));
        request_.set(beast_http::field::user_agent, "roomcast");
        request_.set(beast_http::field::accept, "application/json, */*");
        request_.set(beast_http::field::connection, "close");
        if (!asked_.bearer.empty()) {
            request_.set(beast_http::field::authorization, "Bearer " + asked_.bearer);
        }
        if (!asked_.body.empty()) {
            request_.set(beast_http::field::content_type, "application/json");
            request_.body() = asked_.body;
            request_.prepare_payload();
        }
        beast_http::async_write(
            stream, request_, [self = shared_from_this(), &stream](error_code error, std::size_t) {
                if (error) return self->fail("cannot send: " + error.message());
                self->receive(stream);
            });
    }

    template <class Stream>
    void receive(Stream& stream) {
        if (is_over()) return;
        parser_.header_limit(kMaxHeaderBytes);
        parser_.body_limit(limits_.body_bytes);
        beast_http::async_read(
            stream, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t) {
                self->on_received(error);
            });
    }

    void on_received(error_code error) {
        if (error == beast_http::error::body_limit) return fail("its answer is too large");
        if (error) return fail("its answer is cut off or no HTTP: " + error.message());
        auto& message = parser_.get();
        finish({boost::system::in_place_value,
                ClientResponse{message.result_int(), std::move(message.body())}});
    }

    void fail_tls(error_code error) {
        const long verdict = SSL_get_verify_result(stream_.native_handle());
        if (verdict != X509_V_OK) {
            return fail(std::string("its certificate is not trusted: ") +
                        X509_verify_cert_error_string(verdict));
        }
        fail("no TLS connection: " + error.message());
    }

    void fail(std::string reason) { finish({boost::system::in_place_error, std::move(reason)}); }

    /// The first outcome counts; operations that it cuts short come here again and find it done.
    void finish(ClientResult result) {
        if (is_over()) return;
        const ClientCallback done = std::exchange(done_, nullptr);
        deadline_.cancel();
        resolver_.cancel();
        error_code ignored;  // the answer is in hand, or given up
        socket().close(ignored);
        done(std::move(result));
    }

    [[nodiscard]] bool is_over() const { return !done_; }

    [[nodiscard]] tcp::socket& socket() { return stream_.next_layer(); }

    const ClientRequest asked_;
    const ClientLimits limits_;
    ClientCallback done_;
    tcp::resolver resolver_;
    asio::steady_timer deadline_;
    ssl::stream<tcp::socket> stream_;  // its socket alone, for http://
    boost::beast::flat_buffer buffer_;
    beast_http::request<beast_http::string_body> request_;
    beast_http::response_parser<beast_http::string_body> parser_;
};

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

/// Printable ASCII without blanks.
bool is_url_character(char character) {
    return character > 0x20 && character < 0x7f;
}

Outcome<Url, std::string> bad_url(std::string_view problem) {
    return {boost::system::in_place_error, problem};
}

/// Splits `host`, `host:port`, `[address]` and `[address]:port`. False when it is none of these.
bool split_authority(std::string_view authority, Url& url) {
    std::size_t host_end = authority.find(':');
    if (authority.starts_with('[')) {
        host_end = authority.find(']');
        if (host_end == std::string_view::npos) return false;
        url.host = authority.substr(1, host_end - 1);
        authority.remove_prefix(host_end + 1);
        if (!is_address(url.host)) return false;
    } else {
        url.host = authority.substr(0, host_end);
        authority.remove_prefix(url.host.size());
        if (url.host.find_first_of("]\\%") != std::string::npos) return false;
    }
    if (authority.empty()) return !url.host.empty();
    const std::string_view port = authority.substr(1);
    if (authority.front() != ':' || port.empty() || port.size() > 5) return false;
    url.port = port;
    return !url.host.empty() && std::ranges::all_of(port, is_digit) && std::stoi(url.port) > 0 &&
           std::stoi(url.port) <= 65'535;
}

}  // namespace

Outcome<Url, std::string> parse_url(std::string_view text) {
    if (!std::ranges::all_of(text, is_url_character)) {
        return bad_url("it has blanks, control characters or characters beyond ASCII");
    }
    Url url;
    if (text.starts_with("https://")) {
        url.is_tls = true;
        text.remove_prefix(8);
    } else if (text.starts_with("http://")) {
        text.remove_prefix(7);
    } else {
        return bad_url("it does not begin with https:// or http://");
    }
    url.port = url.is_tls ? "443" : "80";
    text = text.substr(0, text.find('#'));
    const std::size_t host_end = std::min(text.find_first_of("/?"), text.size());
    const std::string_view authority = text.substr(0, host_end);
    if (authority.find('@') != std::string_view::npos) {
        return bad_url("it must not hold a user name or password");
    }
    if (!split_authority(authority, url)) return bad_url("its host or port is malformed");
    url.target = text.substr(host_end);
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

struct HttpsClient::Loop {
    explicit Loop(const std::string& ca_file)
        : tls(make_tls_context(ca_file)),
          thread([this] { context.run(); }) {}

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    ssl::context tls;
    std::thread thread;
};

HttpsClient::HttpsClient(const std::string& ca_file) : loop_(std::make_unique<Loop>(ca_file)) {}

HttpsClient::~HttpsClient() {
    stop();
}

void HttpsClient::get(Url url, ClientLimits limits, ClientCallback done) {
    send({.url = std::move(url)}, limits, std::move(done));
}

void HttpsClient::send(ClientRequest request, ClientLimits limits, ClientCallback done) {
    asio::post(loop_->context,
               [loop = loop_.get(),
                request = std::move(request),
                limits,
                done = std::move(done)]() mutable {
                   std::make_shared<Exchange>(
                       loop->context, loop->tls, std::move(request), limits, std::move(done))
                       ->start();
               });
}

void HttpsClient::run_after(std::chrono::milliseconds delay, std::function<void()> work) {
    asio::post(loop_->context, [loop = loop_.get(), delay, work = std::move(work)]() mutable {
        auto timer = std::make_shared<asio::steady_timer>(loop->context, delay);
        timer->async_wait([timer, work = std::move(work)](error_code error) {
            if (!error) work();
        });
    });
}

void HttpsClient::stop() {
    loop_->context.stop();
    if (loop_->thread.joinable()) loop_->thread.join();
}

}  // namespace roomcast::http
