// SPDX-License-Identifier: Apache-2.0
#include "auth/claims.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "auth/rights_claim.hpp"
#include "codec/json.hpp"

namespace roomcast {

namespace {

constexpr std::size_t kMaxUserIdBytes = 256;
/// The end of the year 9999. Dates beyond it mean "never"; cut there, no sum of theirs overflows.
constexpr double kMaxDate = 253'402'300'799;

/// The claims that are looked at; absent ones are absent values.
struct Claims {
    json::Value exp, nbf, iat, aud, iss, sub, user_id, role, channels;
    json::Value user_claim;  // the one that the settings name; may be one of the others
};

Claims collect_claims(const json::Value& document, std::string_view user_claim) {
    Claims claims;
    const std::array<std::pair<std::string_view, json::Value*>, 9> slots = {{
        {"exp", &claims.exp},
        {"nbf", &claims.nbf},
        {"iat", &claims.iat},
        {"aud", &claims.aud},
        {"iss", &claims.iss},
        {"sub", &claims.sub},
        {"user_id", &claims.user_id},
        {"role", &claims.role},
        {"channels", &claims.channels},
    }};
    for (const json::Member& member : document.members()) {
        const std::string name = member.name.to_string().value_or("");
        for (const auto& [slot_name, slot] : slots) {
            if (slot_name == name) *slot = member.value;
        }
        if (name == user_claim) claims.user_claim = member.value;
    }
    return claims;
}

/// Seconds since the epoch within [0, kMaxDate]; nothing unless it is a number.
std::optional<double> read_date(const json::Value& claim) {
    const std::optional<double> seconds = claim.to_double();
    if (!seconds) return std::nullopt;
    return std::clamp(*seconds, 0.0, kMaxDate);
}

/// A string, or an array of strings of which one will do.
bool names_audience(const json::Value& claim, std::string_view audience) {
    if (claim.is(json::Kind::string)) return claim.to_string() == audience;
    bool is_named = false;
    for (const json::Value& element : claim.elements()) {
        if (!element.is(json::Kind::string)) return false;
        is_named |= element.to_string() == audience;
    }
    return is_named;
}

/// C0, DEL and, as UTF-8, C1: what would spoil logs and terminals.
bool has_control_character(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return true;
        const bool is_c1_lead = byte == 0xc2 && i + 1 < text.size();
        if (is_c1_lead && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
    }
    return false;
}

/// Why the claims are refused. Always a literal: nothing of the token gets in.
struct Problem {
    Problem() = default;

    explicit Problem(const char* sentence) : text(sentence) {}

    const char* text = "";
};

struct Dates {
    std::optional<std::int64_t> expires_at;
    std::int64_t issued_at;
};

Outcome<Dates, Problem> read_dates(const Claims& claims,
                                   const ClaimRules& rules,
                                   std::int64_t now_ms) {
    Dates dates{std::nullopt, now_ms / 1'000};
    if (!claims.exp.is_absent()) {
        const std::optional<double> exp = read_date(claims.exp);
        if (!exp) return Problem{"claim exp is not a number"};
        dates.expires_at = static_cast<std::int64_t>(*exp);
        if (is_expired(dates.expires_at, rules, now_ms)) return Problem{"token is expired"};
    }
    if (!claims.nbf.is_absent()) {
        const std::optional<double> nbf = read_date(claims.nbf);
        if (!nbf) return Problem{"claim nbf is not a number"};
        const double latest =
            static_cast<double>(now_ms) / 1'000 + static_cast<double>(rules.leeway.count());
        if (*nbf > latest) return Problem{"token is not valid yet"};
    }
    if (!claims.iat.is_absent()) {
        const std::optional<double> iat = read_date(claims.iat);
        if (!iat) return Problem{"claim iat is not a number"};
        dates.issued_at = static_cast<std::int64_t>(*iat);
    }
    return dates;
}

/// The first of the claims in question that is a string with something in it.
Outcome<std::string, Problem> read_user_id(const Claims& claims) {
    std::string user_id;
    for (const json::Value& claim : {claims.user_claim, claims.user_id, claims.sub}) {
        user_id = claim.to_string().value_or("");
        if (!user_id.empty()) break;
    }
    if (user_id.empty()) return Problem{"no claim holds a user id"};
    if (user_id.size() > kMaxUserIdBytes) return Problem{"user id is longer than 256 bytes"};
    if (has_control_character(user_id)) return Problem{"user id has control characters"};
    return user_id;
}

Outcome<Identity, Problem> read_identity(const Claims& claims,
                                         const ClaimRules& rules,
                                         std::int64_t now_ms) {
    const auto dates = read_dates(claims, rules, now_ms);
    if (!dates) return dates.error();
    if (!rules.audience.empty() && !names_audience(claims.aud, rules.audience)) {
        return Problem{"token is for another audience"};
    }
    if (!rules.issuer.empty() && claims.iss.to_string() != rules.issuer) {
        return Problem{"token is from another issuer"};
    }
    auto user_id = read_user_id(claims);
    if (!user_id) return user_id.error();
    std::optional<Rights> rights = read_rights_claim(claims.channels);
    if (!rights) return Problem{"claim channels is malformed"};
    // A role of another type is no role of ours: other systems have claims of that name too.
    return Identity{std::move(*user_id),
                    std::move(*rights),
                    dates->expires_at,
                    dates->issued_at,
                    claims.role.to_string().value_or("")};
}

}  // namespace

VerifyResult read_claims(std::string_view json_text, const ClaimRules& rules, std::int64_t now_ms) {
    const json::PaddedString padded(json_text);
    const auto document = json::parse_object(padded.text());
    if (!document) return {boost::system::in_place_error, "claims are not a JSON object"};
    auto identity = read_identity(collect_claims(*document, rules.user_claim), rules, now_ms);
    if (!identity) return {boost::system::in_place_error, identity.error().text};
    return std::move(*identity);
}

bool is_expired(const std::optional<std::int64_t>& expires_at,
                const ClaimRules& rules,
                std::int64_t now_ms) {
    return expires_at && now_ms / 1'000 >= *expires_at + rules.leeway.count();
}

}  // namespace roomcast
