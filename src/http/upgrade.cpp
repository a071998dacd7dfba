// SPDX-License-Identifier: Apache-2.0
#include "http/upgrade.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "auth/text_list.hpp"
#include "codec/utf8.hpp"
#include "codec/websocket.hpp"
#include "codec/websocket_deflate.hpp"
#include "http/cors.hpp"
#include "http/token_source.hpp"
#include "http/uri.hpp"

namespace roomcast::http {
namespace {

constexpr std::string_view kProtocol = "roomcast.v1";

/// What is needed of the request once its user is known; the request may be gone by then.
struct Handshake {
    bool is_http_1_0 = false;
    bool asks_for_websocket = false;
    bool has_version_13 = false;
    std::string key;
    bool is_versioned = false;
    std::optional<websocket::DeflateAgreement> deflate;
    std::size_t user_bytes = 0;
    CorsHeaders cors;
    std::function<void(UpgradeVerdict)> done;

    void refuse(Response response) {
        cors.add_to(response);
        done(std::move(response));
    }

    void refuse(int status, std::string_view reason, std::string_view text) {
        refuse(error_response(status, reason, text));
    }
};

using HandshakePtr = std::shared_ptr<Handshake>;

/// Whether the client offers `roomcast.v1`, in exactly that case: it would not know another answer.
bool offers_protocol(const Request& request) {
    for (const Header& header : request.headers) {
        if (!equals_ignoring_case(header.name, "Sec-WebSocket-Protocol")) continue;
        std::string_view list = header.value;
        while (!list.empty()) {
            if (take_list_entry(list) == kProtocol) return true;
        }
    }
    return false;
}

std::optional<websocket::DeflateAgreement> find_deflate(const Request& request) {
    for (const Header& header : request.headers) {
        if (!equals_ignoring_case(header.name, "Sec-WebSocket-Extensions")) continue;
        if (auto agreement = websocket::agree_on_deflate(header.value)) return agreement;
    }
    return std::nullopt;
}

/// The client's key; empty when it sent none or several.
std::string client_key(const Request& request) {
    if (request.header_count("Sec-WebSocket-Key") != 1) return {};
    return std::string(request.header("Sec-WebSocket-Key"));
}

HandshakePtr read_handshake(const Request& request,
                            const UpgradePolicy& policy,
                            std::function<void(UpgradeVerdict)> done) {
    return std::make_shared<Handshake>(Handshake{
        .is_http_1_0 = request.is_http_1_0,
        .asks_for_websocket = request.header_has_token("Upgrade", "websocket") &&
                              request.header_has_token("Connection", "upgrade"),
        .has_version_13 = request.header_count("Sec-WebSocket-Version") == 1 &&
                          request.header("Sec-WebSocket-Version") == "13",
        .key = client_key(request),
        .is_versioned = offers_protocol(request),
        .deflate = policy.is_deflate_on ? find_deflate(request) : std::nullopt,
        .user_bytes = policy.user_bytes,
        .cors = CorsHeaders(request, policy.cors_origins),
        .done = std::move(done),
    });
}

Response upgrade_required() {
    Response response =
        error_response(426, "upgrade_required", "this is a WebSocket: connect with version 13");
    response.headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
    return response;
}

std::string switching_protocols(const Handshake& handshake) {
    std::string response =
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ";
    response += websocket::accept_key(handshake.key);
    response += "\r\n";
    if (handshake.is_versioned) {
        response.append("Sec-WebSocket-Protocol: ").append(kProtocol).append("\r\n");
    }
    if (handshake.deflate) {
        response.append("Sec-WebSocket-Extensions: ").append(handshake.deflate->response);
        response += "\r\n";
    }
    response += "\r\n";
    return response;
}

/// Empty, or what is wrong with it as a user id. The rules of channel names but for the length.
std::string_view problem_of_user_id(std::string_view user_id, std::size_t user_bytes) {
    if (user_id.size() > user_bytes) return "the user id is too long";
    if (!is_valid_utf8(user_id)) return "the user id is not UTF-8";
    for (std::size_t i = 0; i < user_id.size(); ++i) {
        const auto byte = static_cast<unsigned char>(user_id[i]);
        // U+0080 to U+009F, the C1 controls, are C2 80 to C2 9F.
        const bool is_c1 = byte == 0xc2 && static_cast<unsigned char>(user_id[i + 1]) < 0xa0;
        if (byte < 0x20 || byte == 0x7f || is_c1) return "the user id has a control character";
    }
    return {};
}

/// The user is known and may connect: what is left is whether this is a WebSocket handshake.
void judge_handshake(Handshake& handshake, Identity identity) {
    if (handshake.is_http_1_0 || !handshake.asks_for_websocket || !handshake.has_version_13) {
        return handshake.refuse(upgrade_required());
    }
    if (!websocket::is_valid_client_key(handshake.key)) {
        return handshake.refuse(400, "bad_request", "Sec-WebSocket-Key is missing or malformed");
    }
    UpgradeAccepted accepted{.identity = std::move(identity),
                             .is_versioned = handshake.is_versioned,
                             .deflate_window_bits = handshake.deflate
                                                        ? handshake.deflate->server_window_bits
                                                        : std::uint8_t{0},
                             .response = switching_protocols(handshake)};
    handshake.done(std::move(accepted));
}

void judge_user_id(Handshake& handshake, const Query& query, const std::string& token) {
    if (!token.empty()) {
        return handshake.refuse(
            400,
            "token_not_expected",
            "a token was sent, but this server runs without JWT (no JWT_SECRET, "
            "JWT_PUBLIC_KEY or JWT_JWKS_URL): connect with user_id");
    }
    const std::string* user_id = query.find("user_id");
    if (!user_id || user_id->empty()) {
        return handshake.refuse(400, "missing_user_id", "missing user_id");
    }
    if (const auto problem = problem_of_user_id(*user_id, handshake.user_bytes); !problem.empty()) {
        return handshake.refuse(400, "bad_user_id", problem);
    }
    judge_handshake(handshake, Identity{.user_id = *user_id});
}

void refuse_token(Handshake& handshake, std::string_view reason, std::string_view text) {
    Response response = error_response(401, reason, text);
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    handshake.refuse(std::move(response));
}

void judge_token(const HandshakePtr& handshake, TokenVerifier& verifier, std::string token) {
    if (token.empty()) return refuse_token(*handshake, "missing_token", "missing token");
    verifier.verify(std::move(token), [handshake](VerifyResult verified) {
        std::string problem;
        if (!verified) {
            problem = verified.error();
        } else if (verified->user_id.empty()) {
            problem = "no usable claim names the user";
        } else {
            problem = problem_of_user_id(verified->user_id, handshake->user_bytes);
        }
        if (!problem.empty()) {
            return refuse_token(*handshake, "invalid_token", "invalid token: " + problem);
        }
        judge_handshake(*handshake, std::move(*verified));
    });
}

}  // namespace

void judge_upgrade(const Request& request,
                   const UpgradePolicy& policy,
                   std::function<void(UpgradeVerdict)> done) {
    const HandshakePtr handshake = read_handshake(request, policy, std::move(done));
    if (request.method == "OPTIONS") {
        Response response;
        response.status = 204;
        return handshake->refuse(std::move(response));
    }
    if (request.method != "GET") {
        Response response =
            error_response(405, "method_not_allowed", "a WebSocket starts with GET");
        response.headers.push_back({"Allow", "GET, OPTIONS"});
        return handshake->refuse(std::move(response));
    }
    if (!policy.allowed_origins.allows(origin_of(request))) {
        return handshake->refuse(403, "bad_origin", "pages of this origin may not connect");
    }
    const std::optional<Query> query = Query::parse(request.query());
    if (!query) return handshake->refuse(400, "bad_request", "the query is malformed");

    const bool may_use_cookie = policy.verifier && !policy.allowed_origins.allows_any();
    std::string token =
        find_token(request, *query, may_use_cookie ? policy.token_cookie : std::string());
    if (policy.verifier) return judge_token(handshake, *policy.verifier, std::move(token));
    judge_user_id(*handshake, *query, token);
}

}  // namespace roomcast::http
