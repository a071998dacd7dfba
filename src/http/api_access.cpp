// SPDX-License-Identifier: Apache-2.0
#include "http/api_access.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "http/token_source.hpp"

namespace roomcast::http {
namespace {

Response unauthorized(std::string_view text) {
    Response response = error_response(401, "unauthorized", text);
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return response;
}

/// What the caller shows: an API key's secret or a JWT. Empty: nothing.
std::string_view credential_of(const Request& request) {
    if (const std::string_view key = request.header("X-API-Key"); !key.empty()) return key;
    return bearer_token(request);
}

bool is_loopback_name(std::string_view host) {
    if (host.starts_with('[')) return host.starts_with("[::1]");
    const std::string_view name = host.substr(0, host.find(':'));
    return equals_ignoring_case(name, "localhost") || name.starts_with("127.");
}

/// Whether the request was made on this machine and by no web page: what needs no key then is the
/// operator's own `curl`. A page sends an Origin, or, where it made a name of its own point to
/// 127.0.0.1, that name as Host; a proxy on this machine says whom it speaks for.
bool is_from_this_machine(const Request& request) {
    if (!request.is_peer_loopback || request.header_count("Origin") > 0) return false;
    for (const std::string_view name : {"X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"}) {
        if (request.header_count(name) > 0) return false;
    }
    const std::string_view host = request.header("Host");
    return host.empty() || is_loopback_name(host);
}

bool is_open(Access access, const Request& request, const RouterOptions& options) {
    if (access == Access::open) return true;
    if (access == Access::operators) {
        return credential_of(request).empty() && is_from_this_machine(request);
    }
    switch (options.api_auth) {
        case ApiAuth::none:
            return true;
        case ApiAuth::required:
            return false;
        case ApiAuth::automatic:
            return options.api_keys.is_empty() && !options.verifier;
    }
    return false;
}

bool may(std::string_view role, Access access) {
    return role == "admin" || (role == "service" && access == Access::api);
}

Caller caller_of(const ApiKey& key) {
    return {.name = "key:" + key.name};
}

AccessVerdict judge_role(Caller caller, std::string_view role, Access access) {
    if (may(role, access)) return caller;
    return error_response(403,
                          "forbidden",
                          access == Access::operators
                              ? "this needs an API key or a token of the role admin"
                              : "this needs an API key or a token of the role service or admin");
}

}  // namespace

void judge_access(const Request& request,
                  Access access,
                  const RouterOptions& options,
                  std::function<void(AccessVerdict)> done) {
    const std::string_view credential = credential_of(request);
    const ApiKey* key = credential.empty() ? nullptr : options.api_keys.find(credential);
    if (is_open(access, request, options)) {
        return done(key ? caller_of(*key) : Caller{});
    }
    if (credential.empty()) {
        return done(unauthorized(access == Access::operators
                                     ? "operator routes need an API key or a token of the role "
                                       "admin, unless called on the server's own machine"
                                     : "an API key or a token is missing"));
    }
    if (key) return done(judge_role(caller_of(*key), key->role, access));
    const bool is_key_alone = request.header_count("X-API-Key") > 0;
    if (!options.verifier || is_key_alone) return done(unauthorized("the API key is unknown"));
    options.verifier->verify(
        std::string(credential), [access, done = std::move(done)](VerifyResult verified) {
            if (!verified) return done(unauthorized("invalid token: " + verified.error()));
            done(judge_role({"user:" + verified->user_id, std::move(verified->rights)},
                            verified->role,
                            access));
        });
}

}  // namespace roomcast::http
