// SPDX-License-Identifier: Apache-2.0
// What nodes tell each other: that they are there, and whom to disconnect.
#include "core/control_messages.hpp"
#include "core/node_directory.hpp"
#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

using std::chrono::seconds;
using testing::Field;

TEST(ControlMessagesTest, ComeBackAsTheyWereSent) {
    const ControlMessage node = parse_control(encode(NodeAnnouncement{.id = NodeId{0xabc},
                                                                      .name = "a \"b\"",
                                                                      .version = "roomcast/1",
                                                                      .connections = 7,
                                                                      .is_draining = true}));
    const auto* announcement = std::get_if<NodeAnnouncement>(&node);
    ASSERT_TRUE(announcement);
    EXPECT_EQ(announcement->id, NodeId{0xabc});
    EXPECT_EQ(announcement->name, "a \"b\"");
    EXPECT_EQ(announcement->version, "roomcast/1");
    EXPECT_EQ(announcement->connections, 7U);
    EXPECT_TRUE(announcement->is_draining);
    const ControlMessage command =
        parse_control(encode(DisconnectUser{.from = NodeId{5}, .user_id = "gr\u00fc\u00df"}));
    ASSERT_TRUE(std::holds_alternative<DisconnectUser>(command));
    EXPECT_EQ(std::get<DisconnectUser>(command).from, NodeId{5});
    EXPECT_EQ(std::get<DisconnectUser>(command).user_id, "gr\u00fc\u00df");
}

TEST(ControlMessagesTest, TakesADisconnectOfAnotherProgram) {
    const ControlMessage message = parse_control(R"({"type":"disconnect_user","user_id":"bob"})");
    ASSERT_TRUE(std::holds_alternative<DisconnectUser>(message));
    EXPECT_EQ(std::get<DisconnectUser>(message).from, NodeId{});
}

TEST(ControlMessagesTest, PassesByWhatItDoesNotKnow) {
    for (const std::string_view text : {"",
                                        "[]",
                                        "{",
                                        R"({"type":"later"})",
                                        R"({"type":"disconnect_user"})",
                                        R"({"type":"disconnect_user","user_id":1})",
                                        R"({"type":"node","node":"a"})",
                                        R"({"type":"node","node":"a","id":"xyz"})",
                                        R"({"type":"node","node":"","id":"0000000000000001"})"}) {
        EXPECT_TRUE(std::holds_alternative<std::monostate>(parse_control(text))) << text;
    }
    const ControlMessage odd =
        parse_control(R"({"type":"node","node":"a","id":"0000000000000001","connections":-3})");
    EXPECT_EQ(std::get<NodeAnnouncement>(odd).connections, 0U);
}

TEST(NodeDirectoryTest, ForgetsWhoIsSilent) {
    NodeDirectory directory;
    const SteadyTime start{};
    EXPECT_TRUE(directory.hear({.id = NodeId{1}, .name = "b"}, start));
    EXPECT_TRUE(directory.hear({.id = NodeId{2}, .name = "a"}, start + seconds(20)));
    EXPECT_FALSE(directory.hear({.id = NodeId{2}, .name = "a"}, start + seconds(21)));
    EXPECT_THAT(directory.nodes(start + seconds(25)),
                ElementsAre(Field(&NodeSummary::name, "a"), Field(&NodeSummary::name, "b")));
    EXPECT_THAT(directory.nodes(start + seconds(26)), ElementsAre(Field(&NodeSummary::name, "a")));
    EXPECT_EQ(directory.nodes(start + seconds(47)).size(), 0U);
}

TEST(NodeDirectoryTest, KeepsABoundedNumber) {
    NodeDirectory directory;
    for (std::uint64_t i = 0; i < NodeDirectory::kMaxNodes + 5; ++i)
        (void)directory.hear({.id = NodeId{i}, .name = "n"}, SteadyTime{});
    EXPECT_EQ(directory.nodes(SteadyTime{}).size(), NodeDirectory::kMaxNodes);
}

class NodesTest : public CoreTest {
protected:
    std::vector<NodeSummary> nodes() {
        std::vector<NodeSummary> found;
        const auto asker = static_cast<ShardIndex>(GetParam() - 1);
        hub().shard(asker).client().nodes([&](auto answer) { found = std::move(answer); });
        settle();
        return found;
    }

    void hear(const NodeAnnouncement& announcement) {
        hub();  // starts the broker
        broker_.sink().on_control(encode(announcement));
        settle();
    }
};

INSTANTIATE_CORE_TEST(NodesTest);

TEST_P(NodesTest, ANodeAloneKnowsItself) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    const auto found = nodes();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].name, "node-1");
    EXPECT_EQ(found[0].id, "0000000000000abc");
    EXPECT_EQ(found[0].connections, 2U);
    EXPECT_TRUE(found[0].is_self);
}

TEST_P(NodesTest, AnnouncesItselfAgainAndAgainAndToWhomeverComes) {
    settle();
    const std::size_t before = broker_.control().size();
    pass(kNodeAnnouncePause);
    EXPECT_EQ(broker_.control().size(), before + 1);
    hear({.id = NodeId{7}, .name = "node-2", .connections = 5});
    EXPECT_EQ(broker_.control().size(), before + 2) << "a new node does not know this one yet";
    hear({.id = NodeId{7}, .name = "node-2", .connections = 6});
    EXPECT_EQ(broker_.control().size(), before + 2);
    EXPECT_THAT(
        nodes(),
        ElementsAre(Field(&NodeSummary::is_self, true), Field(&NodeSummary::connections, 6)));
}

TEST_P(NodesTest, ADisconnectReachesAllNodesAndIsDoneOnce) {
    hear({.id = NodeId{7}, .name = "node-2"});
    auto alice = connect("alice");
    Disconnected result;
    hub().shard(0).client().disconnect_user("alice", [&](Disconnected it) { result = it; });
    settle();
    EXPECT_EQ(result.connections, 1U);
    EXPECT_EQ(result.nodes_told, 1U);
    const ControlMessage told = parse_control(broker_.control().back());
    ASSERT_TRUE(std::holds_alternative<DisconnectUser>(told));
    EXPECT_EQ(std::get<DisconnectUser>(told).user_id, "alice");
}

TEST_P(NodesTest, NoNodeIsToldOfADisconnectWhileTheBrokerIsAway) {
    hear({.id = NodeId{7}, .name = "node-2"});
    broker_.set_connected(false);
    Disconnected result;
    hub().shard(0).client().disconnect_user("alice", [&](Disconnected it) { result = it; });
    settle();
    EXPECT_EQ(result.nodes_told, 0U);
}

TEST_P(NodesTest, ClosesWhomAnotherNodeNames) {
    auto alice = connect("alice");
    auto bob = connect("bob");
    broker_.sink().on_control(encode(DisconnectUser{.from = NodeId{7}, .user_id = "alice"}));
    settle();
    EXPECT_EQ(alice->outlet().close_code(), CloseCode::disconnected_by_api);
    EXPECT_FALSE(bob->outlet().close_code());
}

}  // namespace
}  // namespace roomcast
