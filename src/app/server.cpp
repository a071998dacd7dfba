// SPDX-License-Identifier: Apache-2.0
#include "app/server.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "app/backends.hpp"
#include "app/server_view.hpp"
#include "app/token_verifier.hpp"
#include "app/version.hpp"
#include "gateway/gateway.hpp"
#include "http/router.hpp"
#include "protocol/native.hpp"
#include "util/log.hpp"
#include "util/random.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

constexpr int kExitInterrupted = 130;
constexpr milliseconds kDrainPoll{20};

/// Ends the start. Its text is one line for the operator.
struct StartError {
    std::string message;
};

template <class T>
T value_or_throw(Outcome<T, std::string>&& outcome, const std::string& setting = {}) {
    if (outcome) return std::move(*outcome);
    throw StartError{setting.empty() ? outcome.error() : setting + ": " + outcome.error()};
}

std::shared_ptr<const TlsContext> load_tls(const Settings& settings, const TlsContext* previous) {
    if (settings.tls_cert_file.empty()) return nullptr;
    auto loaded = TlsContext::load(settings.tls_cert_file, settings.tls_key_file, previous);
    return value_or_throw(std::move(loaded), {});
}

void log_state(std::string_view what, bool is_connected, std::string_view detail) {
    if (is_connected) {
        log::info(std::string(what) + " is connected", {{"detail", detail}});
    } else {
        log::error(std::string(what) + " cannot be reached", {{"reason", detail}});
    }
}

/// The parts of a running server, in the order in which they need each other.
class Server {
public:
    Server(const LoadedSettings& loaded, const Clock& clock);

    int run();

private:
    [[nodiscard]] http::RouterOptions router_options(bool is_operator);
    [[nodiscard]] http::UpgradePolicy upgrade_policy() const;
    [[nodiscard]] GatewayOptions gateway_options();
    [[nodiscard]] HubServices hub_services() const;

    void announce() const;
    void wait_for_signal();
    void on_signal(int signal);
    void reload_tls();
    void begin_drain();
    void poll_drained(SteadyTime give_up);

    const LoadedSettings& loaded_;
    const Settings& settings_;
    const Clock& clock_;
    const Backends backends_;
    std::unique_ptr<TokenVerifier> verifier_;
    NodeView view_;
    const NativeDialect dialect_;
    http::RequestRates request_rates_;
    const http::Router router_;
    const http::Router operator_router_;
    const http::UpgradePolicy policy_;
    std::shared_ptr<const TlsContext> tls_;
    Gateway gateway_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGHUP};
    boost::asio::steady_timer timer_{io_};
    bool is_draining_ = false;
    int exit_status_ = 0;
};

Server::Server(const LoadedSettings& loaded, const Clock& clock)
    : loaded_(loaded),
      settings_(loaded.settings),
      clock_(clock),
      backends_(value_or_throw(make_backends(settings_, clock))),
      verifier_(settings_.jwt.is_on()
                    ? value_or_throw(make_token_verifier({.keys = settings_.jwt.key_set(),
                                                          .rules = settings_.jwt.rules,
                                                          .jwks_url = settings_.jwt.jwks_url},
                                                         clock,
                                                         ShardLoop::poster),
                                     "JWT_JWKS_URL")
                    : nullptr),
      view_(loaded, *backends_.broker, *backends_.store),
      dialect_(settings_.limits),
      request_rates_({.per_second = settings_.limits.api_rate, .burst = settings_.limits.api_burst},
                     clock),
      router_(router_options(false)),
      operator_router_(router_options(true)),
      policy_(upgrade_policy()),
      tls_(load_tls(settings_, nullptr)),
      gateway_(gateway_options(), hub_services()) {
    view_.watch(gateway_.hub());
}

http::RouterOptions Server::router_options(bool is_operator) {
    return {.limits = settings_.limits,
            .server = view_,
            .api_keys = settings_.api_keys,
            .api_auth = settings_.api_auth,
            .verifier = verifier_.get(),
            .cors_origins = settings_.cors_origins,
            .rates = request_rates_,
            .is_operator_listener = is_operator,
            .has_operator_listener = !is_operator && settings_.metrics_addr.has_value()};
}

http::UpgradePolicy Server::upgrade_policy() const {
    return {.verifier = verifier_.get(),
            .allowed_origins = settings_.allowed_origins,
            .cors_origins = settings_.cors_origins,
            .token_cookie = settings_.jwt.cookie,
            .user_bytes = settings_.limits.user_bytes,
            .is_deflate_on = settings_.is_deflate_on};
}

GatewayOptions Server::gateway_options() {
    return {.limits = settings_.limits,
            .address = settings_.server_addr,
            .operator_address = settings_.metrics_addr,
            .shards = settings_.shards,
            .io_uring = settings_.io_uring,
            .router = router_,
            .operator_router = operator_router_,
            .upgrade_policy = policy_,
            .trusted_proxies = settings_.trusted_proxies,
            .close_on_expiry = settings_.jwt.is_closed_on_expiry,
            .tls = tls_};
}

HubServices Server::hub_services() const {
    return {.limits = settings_.limits,
            .clock = clock_,
            .dialect = dialect_,
            .broker = *backends_.broker,
            .presence = *backends_.store,
            .node_id = NodeId{random_u64()},
            .node_name = settings_.node_name,
            .server_version = "roomcast/" + std::string(kVersion),
            .on_broker_state =
                [](bool is_connected, std::string_view detail) {
                    log_state("the broker", is_connected, detail);
                },
            .on_store_state =
                [](bool is_connected, std::string_view detail) {
                    log_state("the presence store", is_connected, detail);
                }};
}

int Server::run() {
    if (const auto opened = gateway_.open(); !opened) throw StartError{opened.error()};
    wait_for_signal();
    gateway_.start();
    announce();
    io_.run();
    gateway_.stop();
    verifier_.reset();  // its thread may still post to the loops, which live until here
    log::info("stopped", {});
    return exit_status_;
}

void Server::announce() const {
    for (const std::string& warning : loaded_.warnings)
        log::warn(warning);
    log::info("serving",
              {{"address", gateway_.address()},
               {"operators", gateway_.operator_address()},
               {"version", kVersion},
               {"node", settings_.node_name},
               {"shards", settings_.shards},
               {"broker", backends_.broker->name()},
               {"presence_store", backends_.store->name()},
               {"tls", tls_ != nullptr},
               {"auth", verifier_ ? "jwt" : "off"},
               {"sends", gateway_.send_method()}});
    std::cout << "ready addr=" << gateway_.address();
    if (!gateway_.operator_address().empty()) {
        std::cout << " operators=" << gateway_.operator_address();
    }
    std::cout << std::endl;
}

void Server::wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        on_signal(signal);
        wait_for_signal();
    });
}

void Server::on_signal(int signal) {
    if (signal == SIGHUP) return reload_tls();
    if (is_draining_) {
        log::warn("stopping at once: a second signal came");
        exit_status_ = kExitInterrupted;
        return io_.stop();
    }
    is_draining_ = true;
    view_.set_draining();
    log::info("draining", {{"connections", gateway_.connection_count()}});
    // Unready first, so that a load balancer stops sending clients before they are refused.
    timer_.expires_after(settings_.drain_delay);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) begin_drain();
    });
}

void Server::begin_drain() {
    gateway_.drain(settings_.drain);
    poll_drained(clock_.steady() + settings_.drain + settings_.limits.close_wait);
}

void Server::poll_drained(SteadyTime give_up) {
    if (gateway_.is_drained()) return io_.stop();
    if (clock_.steady() >= give_up) {
        log::warn("some connections did not end in time",
                  {{"connections", gateway_.connection_count()}});
        return io_.stop();
    }
    timer_.expires_after(kDrainPoll);
    timer_.async_wait([this, give_up](const boost::system::error_code& error) {
        if (!error) poll_drained(give_up);
    });
}

void Server::reload_tls() {
    if (!tls_) return;
    try {
        tls_ = load_tls(settings_, tls_.get());
        gateway_.set_tls(tls_);
        log::info("certificate reloaded", {{"file", settings_.tls_cert_file}});
    } catch (const StartError& error) {
        log::error("certificate not reloaded: the old one stays", {{"error", error.message}});
    }
}

}  // namespace

int serve(const LoadedSettings& loaded, const Clock& clock) {
    (void)std::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of the send
    log::start({.level = loaded.settings.log_level, .format = loaded.settings.log_format});
    int exit_status = kExitBadSettings;
    try {
        exit_status = Server(loaded, clock).run();
    } catch (const StartError& error) {
        std::cerr << "roomcast: " << error.message << std::endl;
    }
    log::stop();
    return exit_status;
}

}  // namespace roomcast
