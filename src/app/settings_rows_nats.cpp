// SPDX-License-Identifier: Apache-2.0
// The broker on NATS.
#include <utility>

#include "app/settings_rows.hpp"
#include "brokers/nats_subject.hpp"

namespace roomcast::setting_rows {

namespace {

SettingRow url() {
    return secret(other(Group::brokers,
                        {"BROADCAST_NATS_URL",
                         "Where NATS is: one server, or several with commas between them, which "
                         "are tried in turn. `user:password@` or `token@` may stand before the "
                         "host, percent-encoded. `tls://` is TLS."},
                        "nats://127.0.0.1:4222",
                        "nats://[user:password@]host[:port], or tls:// for TLS",
                        [](Settings& settings, std::string_view text) -> Complaint {
                            auto servers = parse_nats_urls(text);
                            if (!servers) return servers.error();
                            settings.nats.servers = std::move(*servers);
                            return std::nullopt;
                        }));
}

SettingRow prefix() {
    return other(Group::brokers,
                 {"BROADCAST_NATS_PREFIX",
                  "Before the subject of each channel, `<prefix>.<channel>`. Gateways hear those "
                  "with the same prefix."},
                 "roomcast",
                 "letters, digits, '-' and '_' with single dots between them, at most 128 bytes",
                 [](Settings& settings, std::string_view text) -> Complaint {
                     if (!NatsSubjects::is_prefix(text)) return std::string();
                     settings.nats.prefix = std::string(text);
                     return std::nullopt;
                 });
}

SettingRow login_text(const Words& words, std::string NatsLogin::*member) {
    return text(Group::brokers, words, [member](Settings& settings) -> std::string& {
        return settings.nats.login.*member;
    });
}

}  // namespace

void append_nats(std::vector<SettingRow>& rows) {
    rows.push_back(url());
    rows.push_back(prefix());
    rows.push_back(login_text({"BROADCAST_NATS_USER",
                               "Together with the password; wins over logins in the addresses.",
                               "unset"},
                              &NatsLogin::user));
    rows.push_back(secret(
        login_text({"BROADCAST_NATS_PASSWORD", "Of that user.", "unset"}, &NatsLogin::password)));
    rows.push_back(secret(login_text(
        {"BROADCAST_NATS_TOKEN", "Instead of user and password.", "unset"}, &NatsLogin::token)));
    rows.push_back(file(
        Group::brokers,
        {"BROADCAST_NATS_CREDS_FILE",
         "Instead of those: a file with a user's JWT and seed.",
         "unset"},
        [](Settings& settings) -> std::string& { return settings.nats.creds_file; },
        "the path of a file that `nsc` has made"));
    rows.push_back(file(Group::brokers,
                        {"BROADCAST_NATS_CA_FILE",
                         "Whom to trust with `tls://`, beside the certificates of the system.",
                         "unset"},
                        [](Settings& settings) -> std::string& { return settings.nats.ca_file; }));
}

}  // namespace roomcast::setting_rows
