// SPDX-License-Identifier: Apache-2.0
#include "http/operator_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/router_fixture.hpp"

namespace roomcast::http {
namespace {

using testing::ElementsAre;

class OperatorApiTest : public RouterTest {
protected:
    OperatorApiTest() {
        hub_.connection_page.items = {{"c1", "alice", "192.0.2.7", 1620000000000, 3, 5, true}};
    }

    Response ask_locally(std::string method, std::string target) {
        return ask(from_loopback(make_request(std::move(method), std::move(target))));
    }

    static constexpr const char* kConnection =
        R"({"connection_id":"c1","user_id":"alice","peer":"192.0.2.7",)"
        R"("connected_at":1620000000000,"subscriptions":3,"queued_bytes":5,)"
        R"("protocol":"roomcast.v1"})";
};

TEST_F(OperatorApiTest, ShowsStatsAndConfig) {
    EXPECT_EQ(ask_locally("GET", "/api/stats").body, R"({"connections":3})");
    EXPECT_EQ(ask_locally("GET", "/api/config").body, R"({"JWT_SECRET":"***"})");
    EXPECT_EQ(header_of(ask_locally("GET", "/api/config"), "Cache-Control"), "no-store");
}

TEST_F(OperatorApiTest, ListsNodes) {
    EXPECT_EQ(ask_locally("GET", "/api/nodes").body,
              R"({"nodes":[{"node":"node-1","id":"00","version":"roomcast/1","connections":3,)"
              R"("draining":false,"self":false,"heard_ms_ago":0},{"node":"node-2","id":"01",)"
              R"("version":"","connections":0,"draining":true,"self":true,"heard_ms_ago":0}]})");
}

TEST_F(OperatorApiTest, ListsConnections) {
    hub_.connection_page.next_cursor = "c1";
    EXPECT_EQ(ask_locally("GET", "/api/connections?user_id=alice&channel=a&cursor=c0&limit=1").body,
              std::string(R"({"scope":"node","connections":[)") + kConnection +
                  R"(],"next_cursor":"c1"})");
    EXPECT_EQ(hub_.connection_query.user_id, "alice");
    EXPECT_EQ(hub_.connection_query.channel, "a");
    EXPECT_EQ(hub_.connection_query.after, "c0");
    EXPECT_EQ(hub_.connection_query.limit, 1U);
    EXPECT_EQ(ask_locally("GET", "/api/connections?limit=0").status, 400);
}

TEST_F(OperatorApiTest, ShowsAndClosesOneConnection) {
    EXPECT_EQ(ask_locally("GET", "/api/connections/c1").body, kConnection);
    EXPECT_EQ(ask_locally("GET", "/api/connections/c2").status, 404);
    EXPECT_EQ(ask_locally("DELETE", "/api/connections/c2").status, 404);
    EXPECT_EQ(ask_locally("DELETE", "/api/connections/c1").body, R"({"disconnected":1})");
    EXPECT_THAT(hub_.disconnected, ElementsAre("c1"));
}

}  // namespace
}  // namespace roomcast::http
