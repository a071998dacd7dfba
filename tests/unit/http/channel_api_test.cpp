// SPDX-License-Identifier: Apache-2.0
#include "http/channel_api.hpp"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/router_fixture.hpp"

namespace roomcast::http {
namespace {

using testing::ElementsAre;

class ChannelApiTest : public RouterTest {};

TEST_F(ChannelApiTest, ListsChannelsPageByPage) {
    hub_.channel_page.items = {{"a\"b", 2, 1}, {"c", 0, 3}};
    hub_.channel_page.next_cursor = "c";
    const Response response = get("/api/channels?prefix=a%2F&limit=2&cursor=x+y");
    EXPECT_EQ(response.body,
              R"({"scope":"node","channels":[{"name":"a\"b","subscribers":2,"users":1},)"
              R"({"name":"c","subscribers":0,"users":3}],"next_cursor":"c"})");
    EXPECT_EQ(hub_.channel_query.prefix, "a/");
    EXPECT_EQ(hub_.channel_query.after, "x y");
    EXPECT_EQ(hub_.channel_query.limit, 2U);
}

TEST_F(ChannelApiTest, SaysWhenAPageIsTheLast) {
    EXPECT_EQ(get("/api/channels").body, R"({"scope":"node","channels":[],"next_cursor":null})");
    EXPECT_EQ(hub_.channel_query.limit, 100U);
}

TEST_F(ChannelApiTest, RefusesLimitsOutOfRange) {
    for (const char* limit : {"0", "1001", "-1", "x", "", "1x", "99999999999999999999"}) {
        EXPECT_EQ(get(std::string("/api/channels?limit=") + limit).status, 400) << limit;
    }
    EXPECT_EQ(get("/api/channels?limit=1000").status, 200);
}

TEST_F(ChannelApiTest, ListsWhoIsPresent) {
    const auto meta = std::make_shared<const std::string>(R"({"name":"Alice"})");
    hub_.present = std::vector<PresenceEntry>{{"alice", meta, 1620000000}, {"bob", nullptr, 7}};
    const Response response = get("/api/channels/a%2Fb%20c/presence");
    EXPECT_EQ(hub_.presence_channel.text(), "a/b c");
    EXPECT_EQ(response.body,
              R"({"channel":"a/b c","users":[)"
              R"({"user_id":"alice","meta":{"name":"Alice"},"updated_at":1620000000},)"
              R"({"user_id":"bob","meta":null,"updated_at":7}]})");
}

TEST_F(ChannelApiTest, RefusesChannelsThatCannotBe) {
    EXPECT_EQ(get("/api/channels/a%00b/presence").status, 400);
    EXPECT_EQ(get("/api/channels/" + std::string(257, 'a') + "/presence").status, 400);
}

TEST_F(ChannelApiTest, SaysWhenTheStoreDoesNotAnswer) {
    hub_.present = Errc::unavailable;
    const Response response = get("/api/channels/a/presence");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(header_of(response, "Retry-After"), "1");
}

TEST_F(ChannelApiTest, DisconnectsAUser) {
    const Response response = post("/api/users/a%2Fb/disconnect", "");
    EXPECT_EQ(response.body, R"({"disconnected":2,"nodes_told":1})");
    EXPECT_THAT(hub_.disconnected, ElementsAre("a/b"));
}

}  // namespace
}  // namespace roomcast::http
