// SPDX-License-Identifier: Apache-2.0
#include "app/commands.hpp"

#include <functional>
#include <ostream>

#include "app/command_line.hpp"
#include "app/settings_parse.hpp"
#include "app/settings_text.hpp"
#include "auth/rights_claim.hpp"
#include "codec/json.hpp"
#include "util/log_text.hpp"

namespace roomcast {

namespace {

constexpr int kExitFailed = 1;

int fail(const CommandContext& context, int exit_status, std::string_view message) {
    context.error << "roomcast: " << message << "\n";
    return exit_status;
}

Outcome<LoadedSettings, SettingsError> load(const CommandContext& context,
                                            const CommandLine& line) {
    return load_settings({.flags = line.flags,
                          .environment = context.environment,
                          .config_path = line.config_path,
                          .read_file = context.read_file});
}

void print_warnings(const CommandContext& context, const LoadedSettings& loaded) {
    for (const std::string& warning : loaded.warnings) {
        context.error << "roomcast: warning: " << log::escape_for_terminal(warning) << "\n";
    }
}

int check_config(const CommandContext& context, const LoadedSettings& loaded) {
    print_warnings(context, loaded);
    context.out << "the settings are good\n";
    return 0;
}

int print_config(const CommandContext& context, const LoadedSettings& loaded) {
    print_warnings(context, loaded);
    context.out << settings_dump(loaded);
    return 0;
}

/// Reads JSON text given on the command line as one value, and shows it to `judge`. False when it
/// is not exactly one value: it is put into documents, and must not bring fields of its own.
bool is_one_value(std::string_view text, const std::function<bool(const json::Value&)>& judge) {
    const json::PaddedString document("{\"value\":" + std::string(text) + "}");
    const auto parsed = json::parse_object(document.text());
    if (!parsed) return false;
    std::size_t members = 0;
    bool is_good = true;
    for (const json::Member& member : parsed->members()) {
        ++members;
        is_good = is_good && judge(member.value);
    }
    return members == 1 && is_good;
}

bool is_rights_text(std::string_view text) {
    return is_one_value(text, [](const json::Value& claim) { return !!read_rights_claim(claim); });
}

int make_development_token(const CommandContext& context,
                           const CommandLine& line,
                           const Settings& settings) {
    const JwtSettings& jwt = settings.jwt;
    if (jwt.secret.empty()) {
        return fail(context, kExitBadSettings, "JWT_SECRET is not set: nothing to sign with");
    }
    if (!jwt.rules.algorithms.contains(Algorithm::hs256)) {
        return fail(context, kExitBadSettings, "JWT_ALGORITHMS does not allow HS256");
    }
    const std::string user = line.value("--user");
    if (!is_plain_text(user) || user.size() > settings.limits.user_bytes) {
        return fail(context, kExitUsage, "--user needs a user id without control characters");
    }
    constexpr std::int64_t kLongestTtl = 10LL * 365 * 24 * 3'600;
    const auto ttl = parse_whole_number(line.value("--ttl", "3600"), 1, kLongestTtl);
    if (!ttl) return fail(context, kExitUsage, "--ttl needs a number of seconds, 1 or more");
    const std::string role = line.value("--role");
    if (!role.empty() && role != "service" && role != "admin") {
        return fail(context, kExitUsage, "--role needs service or admin");
    }
    const std::string channels = line.value("--channels");
    if (!channels.empty() && !is_rights_text(channels)) {
        return fail(
            context,
            kExitUsage,
            "--channels needs JSON such as {\"room:*\":[\"subscribe\",\"publish\"]}; rights "
            "are subscribe, publish and presence");
    }
    const std::int64_t now = context.clock.wall_ms() / 1'000;
    std::string claims;
    json::ObjectWriter writer(claims);
    writer.string(jwt.rules.claims.user_claim, user).integer("iat", now).integer("exp", now + *ttl);
    if (!role.empty()) writer.string("role", role);
    if (!channels.empty()) writer.raw("channels", channels);
    if (!jwt.rules.claims.audience.empty()) writer.string("aud", jwt.rules.claims.audience);
    if (!jwt.rules.claims.issuer.empty()) writer.string("iss", jwt.rules.claims.issuer);
    writer.end();
    const auto token = make_token(claims, jwt.secret);
    if (!token) return fail(context, kExitFailed, token.error());
    context.out << *token << "\n";
    return 0;
}

/// Where a program on this machine reaches a listener; empty when its port is not known.
std::string own_url(const ListenAddress& address, bool is_tls) {
    if (address.port == 0) return {};
    ListenAddress reached = address;
    if (reached.host.empty() || reached.host == "0.0.0.0") reached.host = "127.0.0.1";
    if (reached.host == "::") reached.host = "::1";
    return (is_tls ? "https://" : "http://") + reached.text();
}

/// `--url`, or the server that the settings describe, put into `call` with `path` behind it.
bool aim(HttpCall& call,
         const CommandLine& line,
         const ListenAddress& own,
         bool is_tls,
         std::string_view path) {
    std::string base = line.value("--url");
    call.is_own_server = base.empty();
    if (base.empty()) base = own_url(own, is_tls);
    while (base.ends_with('/'))
        base.pop_back();
    call.url = base + std::string(path);
    return is_http_url(call.url);
}

constexpr std::string_view kUrlNeeded = "--url needs an http or https URL of the server";

/// The secret of the first API key, from `name:secret[:role],…`: it was checked before.
std::string first_api_key(const LoadedSettings& loaded) {
    for (const EffectiveSetting& setting : loaded.effective) {
        if (setting.row->variable != "API_KEYS" || setting.text.empty()) continue;
        const std::string first = split_list(setting.text).front();
        const std::size_t start = first.find(':') + 1;
        return first.substr(start, first.find(':', start) - start);
    }
    return {};
}

int publish(const CommandContext& context, const CommandLine& line, const LoadedSettings& loaded) {
    const Settings& settings = loaded.settings;
    const std::string& payload = line.operands[2];
    if (!is_one_value(payload, [](const json::Value&) { return true; })) {
        return fail(
            context, kExitUsage, "PAYLOAD is not JSON; a text stands in quotes: '\"hello\"'");
    }
    HttpCall call{.method = "POST"};
    if (!aim(call, line, settings.server_addr, !settings.tls_cert_file.empty(), "/api/event")) {
        return fail(context, kExitUsage, kUrlNeeded);
    }
    // The first key of the settings is for the server of the settings, and for no other.
    call.bearer = line.value("--key", call.is_own_server ? first_api_key(loaded) : std::string());
    json::ObjectWriter writer(call.body);
    writer.string("channel", line.operands[0]).string("event", line.operands[1]);
    writer.raw("payload", payload);
    writer.end();
    const auto answer = context.call_http(call);
    if (!answer) return fail(context, kExitFailed, answer.error());
    context.out << log::escape_for_terminal(answer->body) << "\n";
    if (answer->status == 200) return 0;
    return fail(context, kExitFailed, "refused with status " + std::to_string(answer->status));
}

int ask_health(const CommandContext& context, const CommandLine& line, const Settings& settings) {
    // The second listener takes health over from the first, and speaks plain HTTP.
    const bool has_second = settings.metrics_addr.has_value();
    const ListenAddress& own = has_second ? *settings.metrics_addr : settings.server_addr;
    const bool is_tls = !has_second && !settings.tls_cert_file.empty();
    HttpCall call;
    if (!aim(call, line, own, is_tls, "/readyz")) return fail(context, kExitUsage, kUrlNeeded);
    const auto answer = context.call_http(call);
    if (!answer) return fail(context, kExitFailed, answer.error());
    if (answer->status == 200) return 0;
    return fail(context,
                kExitFailed,
                "not ready: status " + std::to_string(answer->status) + " " +
                    log::escape_for_terminal(answer->body));
}

}  // namespace

int run_command(const CommandContext& context) {
    const auto line = parse_command_line(context.arguments);
    if (!line) return fail(context, line.error().exit_status, line.error().message);
    if (line->subcommand == Subcommand::help) {
        context.out << usage_text();
        return 0;
    }
    if (line->subcommand == Subcommand::version) {
        context.out << "roomcast " << context.version << "\n";
        return 0;
    }
    if (line->subcommand == Subcommand::config && line->has("--markdown")) {
        context.out << settings_markdown();
        return 0;
    }
    auto loaded = load(context, *line);
    if (!loaded) return fail(context, kExitBadSettings, loaded.error().message);
    switch (line->subcommand) {
        case Subcommand::serve:
            return context.serve(std::move(*loaded));
        case Subcommand::check_config:
            return check_config(context, *loaded);
        case Subcommand::config:
            return print_config(context, *loaded);
        case Subcommand::token:
            return make_development_token(context, *line, loaded->settings);
        case Subcommand::publish:
            return publish(context, *line, *loaded);
        case Subcommand::health:
            return ask_health(context, *line, loaded->settings);
        case Subcommand::help:
        case Subcommand::version:
            break;  // answered above
    }
    return kExitUsage;
}

}  // namespace roomcast
