// SPDX-License-Identifier: Apache-2.0
// A router on a fake hub, and short ways to ask it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "auth/api_keys.hpp"
#include "auth/origin.hpp"
#include "http/router.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/http/fake_hub_client.hpp"
#include "tests/unit/http/fake_verifier.hpp"

namespace roomcast::http {

class FakeServerView final : public ServerView {
public:
    [[nodiscard]] std::string unready_reason() const override { return unready; }

    [[nodiscard]] std::string metrics() const override { return "roomcast_up 1\n"; }

    [[nodiscard]] std::string stats() const override { return R"({"connections":3})"; }

    [[nodiscard]] std::string config() const override { return R"({"JWT_SECRET":"***"})"; }

    std::string unready;
};

/// The value of a response's header, empty when it is not there.
inline std::string header_of(const Response& response, std::string_view name) {
    for (const Header& header : response.headers) {
        if (equals_ignoring_case(header.name, name)) return header.value;
    }
    return {};
}

class RouterTest : public testing::Test {
protected:
    static Request make_request(std::string method, std::string target, std::string body = {}) {
        Request request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        request.headers = {{"Host", "localhost:8080"}};
        request.peer_address = "192.0.2.1";
        return request;
    }

    static Request with(Request request, std::string name, std::string value) {
        request.headers.push_back({std::move(name), std::move(value)});
        return request;
    }

    static Request from_loopback(Request request) {
        request.is_peer_loopback = true;
        request.peer_address = "127.0.0.1";
        return request;
    }

    /// The answer, or nothing while the hub or the verifier keeps it back.
    std::optional<Response> try_ask(Request request) {
        const Router router(RouterOptions{.limits = limits_,
                                          .server = server_,
                                          .api_keys = keys_,
                                          .api_auth = api_auth_,
                                          .verifier = verifier_,
                                          .cors_origins = cors_,
                                          .rates = rates_,
                                          .is_operator_listener = is_operator_listener_,
                                          .has_operator_listener = has_operator_listener_});
        routers_.push_back(std::make_unique<Router>(router));
        auto answer = std::make_shared<std::optional<Response>>();
        answers_.push_back(answer);
        routers_.back()->handle(std::move(request), hub_, [answer](Response response) {
            EXPECT_FALSE(answer->has_value()) << "answered twice";
            *answer = std::move(response);
        });
        return *answer;
    }

    /// The answer, which must be there at once.
    Response ask(Request request) {
        std::optional<Response> response = try_ask(std::move(request));
        EXPECT_TRUE(response.has_value());
        return response.value_or(Response{});
    }

    Response get(std::string target) { return ask(make_request("GET", std::move(target))); }

    Response post(std::string target, std::string body) {
        return ask(make_request("POST", std::move(target), std::move(body)));
    }

    /// What came of the last try_ask().
    const std::optional<Response>& last_answer() const { return *answers_.back(); }

    Limits limits_;
    FakeHubClient hub_;
    FakeServerView server_;
    FakeVerifier fake_verifier_;
    ApiKeys keys_;
    ApiAuth api_auth_ = ApiAuth::automatic;
    TokenVerifier* verifier_ = nullptr;
    OriginList cors_ = *OriginList::parse("*");
    ManualClock clock_;
    RequestRates rates_{{.per_second = 0, .burst = 1}, clock_};
    bool is_operator_listener_ = false;
    bool has_operator_listener_ = false;

private:
    std::vector<std::unique_ptr<Router>> routers_;  // outlive answers that are kept back
    std::vector<std::shared_ptr<std::optional<Response>>> answers_;
};

}  // namespace roomcast::http
