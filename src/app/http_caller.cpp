// SPDX-License-Identifier: Apache-2.0
#include "app/http_caller.hpp"

#include <exception>
#include <future>
#include <string>
#include <utility>

#include "http/https_client.hpp"

namespace roomcast {

namespace {

Outcome<HttpAnswer, std::string> no_answer(const HttpCall& call, const std::string& reason) {
    return {boost::system::in_place_error, call.url + ": " + reason};
}

}  // namespace

Outcome<HttpAnswer, std::string> call_http(const HttpCall& call) {
    auto url = http::parse_url(call.url);
    if (!url) return no_answer(call, url.error());
    try {
        std::promise<http::ClientResult> promise;
        http::HttpsClient client;
        client.send({.url = std::move(*url),
                     .method = call.method,
                     .bearer = call.bearer,
                     .body = call.body,
                     .is_peer_verified = !call.is_own_server},
                    {},
                    [&](http::ClientResult result) { promise.set_value(std::move(result)); });
        const http::ClientResult result = promise.get_future().get();
        if (!result) return no_answer(call, result.error());
        return HttpAnswer{static_cast<int>(result->status), result->body};
    } catch (const std::exception& error) {  // the system's certificates cannot be read
        return no_answer(call, error.what());
    }
}

}  // namespace roomcast
