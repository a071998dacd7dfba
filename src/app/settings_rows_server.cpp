// SPDX-License-Identifier: Apache-2.0
// The process as operators see it: listeners, threads, stopping, presence, logs.
#include "app/settings_rows.hpp"

namespace roomcast::setting_rows {

namespace {

Complaint assign_trusted_proxies(Settings& settings, std::string_view text) {
    auto proxies = TrustedProxies::parse(split_list(text));
    if (!proxies) return proxies.error();
    settings.trusted_proxies = std::move(*proxies);
    return std::nullopt;
}

Complaint assign_server_addr(Settings& settings, std::string_view text) {
    auto address = parse_listen_address(text);
    if (!address) return std::string();
    settings.server_addr = std::move(*address);
    return std::nullopt;
}

Complaint assign_metrics_addr(Settings& settings, std::string_view text) {
    settings.metrics_addr = parse_listen_address(text);
    return settings.metrics_addr ? std::nullopt : Complaint(std::string());
}

}  // namespace

void append_listening(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::listening;
    constexpr auto kAddress = "`:8080`, `host:port`, `[::1]:8080`; port 0 lets the system choose";
    rows.push_back(other(kGroup,
                         {"SERVER_ADDR", "Where clients and backends connect."},
                         ":8080",
                         kAddress,
                         assign_server_addr));
    rows.push_back(other(kGroup,
                         {"METRICS_ADDR",
                          "A second listener that takes over `/metrics`, health and operator "
                          "routes. Plain HTTP.",
                          "the main listener"},
                         "",
                         kAddress,
                         assign_metrics_addr));
    rows.push_back(path(other(kGroup,
                              {"TLS_CERT_FILE",
                               "The certificate chain (PEM) of the main listener, read again on "
                               "SIGHUP. Together with `TLS_KEY_FILE`.",
                               "no TLS"},
                              "",
                              "the path of a file",
                              text_into([](Settings& s) -> auto& { return s.tls_cert_file; }))));
    rows.push_back(path(other(kGroup,
                              {"TLS_KEY_FILE", "The certificate's private key (PEM).", "no TLS"},
                              "",
                              "the path of a file",
                              text_into([](Settings& s) -> auto& { return s.tls_key_file; }))));
    rows.push_back(other(kGroup,
                         {"TRUSTED_PROXIES",
                          "Proxies whose `X-Forwarded-For` is believed.",
                          "none: the socket's peer counts"},
                         "",
                         "IP addresses and CIDR ranges, separated by commas",
                         assign_trusted_proxies));
}

void append_process(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::process;
    rows.push_back(number(kGroup,
                          {"SHARDS", "Threads that serve clients.", "the number of cores"},
                          {1, 64},
                          &Settings::shards));
    rows.push_back(choice<IoUring>(
        kGroup,
        {"IO_URING",
         "Sends through io_uring: `auto` where the system allows it, `on` ends the start where it "
         "does not."},
        {{"auto", IoUring::automatic}, {"on", IoUring::on}, {"off", IoUring::off}},
        &Settings::io_uring));
    rows.push_back(other(kGroup,
                         {"NODE_NAME",
                          "This process in metrics, logs and `/api/nodes`.",
                          "host name and process id"},
                         "",
                         "text without control characters",
                         text_into([](Settings& s) -> auto& { return s.node_name; })));
    rows.push_back(number(kGroup,
                          {"DRAIN_SECONDS",
                           "When stopping: the time over which connections are closed, so that "
                           "clients do not all come back at once."},
                          {0, 3'600},
                          &Settings::drain));
    rows.push_back(number(kGroup,
                          {"DRAIN_DELAY_SECONDS",
                           "When stopping: how long connections are still accepted while "
                           "`/readyz` already answers 503, for load balancers to notice."},
                          {0, 3'600},
                          &Settings::drain_delay));
}

void append_presence(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::presence;
    rows.push_back(
        number(kGroup,
               {"PRESENCE_TTL_SECONDS", "When a node dies, its users leave within this time."},
               {5, 86'400},
               &Settings::presence_ttl));
    rows.push_back(limit(
        kGroup,
        {"PRESENCE_LEAVE_GRACE_MS", "How long a user whose client closed may come back unnoticed."},
        {0, 600'000},
        &Limits::presence_leave_grace));
    rows.push_back(limit(
        kGroup,
        {"PRESENCE_LOST_GRACE_MS", "How long a user whose link broke may come back unnoticed."},
        {0, 600'000},
        &Limits::presence_lost_grace));
    rows.push_back(limit(kGroup,
                         {"PRESENCE_RATE",
                          "Presence updates per connection and second; more are merged, the last "
                          "one wins. 0: off."},
                         {0, 100'000},
                         &Limits::presence_rate));
    rows.push_back(limit(kGroup,
                         {"MAX_PRESENCE_CHANNELS", "Channels that one connection may have joined."},
                         {1, 1'000'000},
                         &Limits::presence_channels));
    rows.push_back(limit(kGroup,
                         {"MAX_META_BYTES", "A user's meta, as JSON text."},
                         {2, kMebi},
                         &Limits::meta_bytes));
}

void append_logs(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::logs;
    rows.push_back(choice<log::Level>(kGroup,
                                      {"LOG_LEVEL", "The least important lines to write."},
                                      {{"info", log::Level::info},
                                       {"debug", log::Level::debug},
                                       {"warn", log::Level::warn},
                                       {"error", log::Level::error}},
                                      &Settings::log_level));
    rows.push_back(choice<log::Format>(
        kGroup,
        {"LOG_FORMAT", "`auto`: text where standard error is a terminal, JSON lines otherwise."},
        {{"auto", log::Format::automatic},
         {"text", log::Format::text},
         {"json", log::Format::json}},
        &Settings::log_format));
}

}  // namespace roomcast::setting_rows
