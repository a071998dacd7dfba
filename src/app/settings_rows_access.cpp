// SPDX-License-Identifier: Apache-2.0
// Who may do what: tokens, origins, API keys.
#include "app/settings_rows.hpp"
#include "auth/origin.hpp"

namespace roomcast::setting_rows {

namespace {

Assign origins_into(OriginList Settings::*member) {
    return [member](Settings& settings, std::string_view text) -> Complaint {
        auto list = OriginList::parse(text);
        if (!list) return list.error();
        settings.*member = std::move(*list);
        return std::nullopt;
    };
}

Complaint assign_public_keys(Settings& settings, std::string_view text) {
    // Files for `docker --env-file` and the like hold one line a variable: `\n` stands for a line's
    // end there.
    std::string pem(text);
    for (std::size_t at = 0; (at = pem.find("\\n", at)) != std::string::npos; ++at) {
        pem.replace(at, 2, "\n");
    }
    auto keys = read_pem_keys(pem);
    if (!keys) return keys.error();
    settings.jwt.public_keys = std::move(*keys);
    return std::nullopt;
}

Complaint assign_algorithms(Settings& settings, std::string_view text) {
    const auto algorithms = parse_algorithms(text);
    if (!algorithms) return algorithms.error();
    settings.jwt.rules.algorithms = *algorithms;
    return std::nullopt;
}

Complaint assign_api_keys(Settings& settings, std::string_view text) {
    auto keys = ApiKeys::parse(text);
    if (!keys) return keys.error();
    settings.api_keys = std::move(*keys);
    return std::nullopt;
}

}  // namespace

void append_access(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::access;
    constexpr auto kOrigins = "`*`, or `scheme://host[:port]` separated by commas";
    constexpr auto kText = "text without control characters";
    rows.push_back(secret(
        other(kGroup,
              {"JWT_SECRET",
               "The shared secret that signs clients' tokens (HS256), 32 bytes or more. Setting "
               "this, `JWT_PUBLIC_KEY` or `JWT_JWKS_URL` turns JWT mode on.",
               "JWT mode off"},
              "",
              "any text",
              [](Settings& settings, std::string_view text) -> Complaint {
                  settings.jwt.secret = std::string(text);
                  return std::nullopt;
              })));
    rows.push_back(
        secret(other(kGroup,
                     {"JWT_SECRET_PREVIOUS",
                      "A second secret that is still accepted, for changing `JWT_SECRET` without "
                      "logging anyone out.",
                      "none"},
                     "",
                     "any text",
                     [](Settings& settings, std::string_view text) -> Complaint {
                         settings.jwt.previous_secret = std::string(text);
                         return std::nullopt;
                     })));
    rows.push_back(secret(other(kGroup,
                                {"JWT_PUBLIC_KEY",
                                 "One or more public keys for RS256, ES256 or EdDSA tokens; `\\n` "
                                 "may stand for a line's end. Masked in dumps, as private keys "
                                 "get pasted here by mistake.",
                                 "none"},
                                "",
                                "PEM blocks `-----BEGIN PUBLIC KEY-----`",
                                assign_public_keys)));
    rows.push_back(other(kGroup,
                         {"JWT_JWKS_URL", "Where the issuer publishes its keys (JWKS).", "none"},
                         "",
                         "an http or https URL without user information",
                         [](Settings& settings, std::string_view text) -> Complaint {
                             if (!is_http_url(text)) return std::string();
                             settings.jwt.jwks_url = std::string(text);
                             return std::nullopt;
                         }));
    rows.push_back(other(kGroup,
                         {"JWT_ALGORITHMS", "Signature algorithms that are accepted."},
                         "HS256,RS256,ES256,EdDSA",
                         "HS256, HS384, HS512, RS256, ES256, EdDSA, separated by commas",
                         assign_algorithms));
    rows.push_back(
        other(kGroup,
              {"JWT_USER_CLAIM", "The claim that holds the user id."},
              "sub",
              kText,
              text_into([](Settings& s) -> auto& { return s.jwt.rules.claims.user_claim; })));
    rows.push_back(
        other(kGroup,
              {"JWT_AUDIENCE", "Tokens must name this audience (`aud`).", "not checked"},
              "",
              kText,
              text_into([](Settings& s) -> auto& { return s.jwt.rules.claims.audience; })));
    rows.push_back(
        other(kGroup,
              {"JWT_ISSUER", "Tokens must come from this issuer (`iss`).", "not checked"},
              "",
              kText,
              text_into([](Settings& s) -> auto& { return s.jwt.rules.claims.issuer; })));
    rows.push_back(
        number_row(kGroup,
                   {"JWT_LEEWAY_SECONDS", "By how much clocks of issuer and server may differ."},
                   {0, 60},
                   [](Settings& s) -> auto& { return s.jwt.rules.claims.leeway; }));
    rows.push_back(flag(kGroup,
                        {"JWT_CLOSE_ON_EXPIRY", "Whether a connection ends with its token."},
                        [](Settings& s) -> bool& { return s.jwt.is_closed_on_expiry; }));
    rows.push_back(other(kGroup,
                         {"JWT_COOKIE",
                          "The cookie that may carry the token. Needs an `ALLOWED_ORIGINS` that "
                          "is not `*`.",
                          "none"},
                         "",
                         "the name of a cookie",
                         [](Settings& settings, std::string_view text) -> Complaint {
                             if (!is_cookie_name(text)) return std::string();
                             settings.jwt.cookie = std::string(text);
                             return std::nullopt;
                         }));
    rows.push_back(
        other(kGroup,
              {"ALLOWED_ORIGINS", "Web pages that may open a WebSocket.", "`CORS_ALLOWED_ORIGINS`"},
              "",
              kOrigins,
              origins_into(&Settings::allowed_origins)));
}

void append_http_api(std::vector<SettingRow>& rows) {
    constexpr auto kGroup = Group::http_api;
    rows.push_back(
        other(kGroup,
              {"CORS_ALLOWED_ORIGINS", "Web pages that may read answers of the HTTP API."},
              "*",
              "`*`, or `scheme://host[:port]` separated by commas",
              origins_into(&Settings::cors_origins)));
    rows.push_back(secret(
        other(kGroup,
              {"API_KEYS", "Keys for backends, as `name:secret` or `name:secret:admin`.", "none"},
              "",
              "`name:secret[:role]`, separated by commas",
              assign_api_keys)));
    rows.push_back(choice<http::ApiAuth>(
        kGroup,
        {"API_AUTH",
         "Whether routes under `/api` need a key: `auto` as soon as `API_KEYS` is set or JWT mode "
         "is on. Operator routes are never open."},
        {{"auto", http::ApiAuth::automatic},
         {"required", http::ApiAuth::required},
         {"none", http::ApiAuth::none}},
        &Settings::api_auth));
}

}  // namespace roomcast::setting_rows
