// SPDX-License-Identifier: Apache-2.0
// Presence in a Cluster and with a master that sentinels name, while servers fail and slots move.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "tests/support/presence_node.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/redis_sentinels.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

/// How often each user was let in and taken out.
using Counts = std::map<std::string, int>;

/// A node whose users come and go, one after the other.
class BusyNode {
public:
    BusyNode(const redis::Address& address, const ChannelName& channel, std::string prefix)
        : node_(address, quick_presence()),
          channel_(channel),
          prefix_(std::move(prefix)) {}

    ~BusyNode() { rest(); }

    BusyNode(const BusyNode&) = delete;
    BusyNode& operator=(const BusyNode&) = delete;

    void work() {
        is_over_ = false;
        thread_ = std::thread([this] {
            for (int i = 0; !is_over_; ++i)
                toggle(prefix_ + std::to_string(i % 7));
        });
    }

    void rest() {
        is_over_ = true;
        if (thread_.joinable()) thread_.join();
    }

    [[nodiscard]] int operations() const { return operations_; }

    // While it rests:
    [[nodiscard]] const std::set<std::string>& held() const { return held_; }

    [[nodiscard]] const Counts& leaves() const { return leaves_; }

    [[nodiscard]] PresenceNode& node() { return node_; }

private:
    void toggle(const std::string& user) {
        if (held_.erase(user) > 0) {
            ++leaves_[user];
            EXPECT_TRUE(node_.leave(channel_, user));
        } else {
            held_.insert(user);
            EXPECT_TRUE(node_.join(channel_, user));
        }
        ++operations_;
    }

    PresenceNode node_;
    const ChannelName channel_;
    const std::string prefix_;
    std::set<std::string> held_;
    Counts leaves_;
    std::atomic<int> operations_{0};
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

/// Two busy nodes, somebody who stays, and an observer.
class Scene {
public:
    explicit Scene(const redis::Address& address)
        : one_(address, room, "a"),
          two_(address, room, "b"),
          observer_(address, quick_presence()) {
        EXPECT_TRUE(one_.node().join(room, "alice"));
        observer_.listen(room);
        one_.work();
        two_.work();
        goes_on();
    }

    /// Until both nodes have done some more.
    void goes_on() {
        const int first = one_.operations() + 20;
        const int second = two_.operations() + 20;
        EXPECT_TRUE(
            eventually([&] { return one_.operations() >= first && two_.operations() >= second; }));
    }

    /// Ends the coming and going: what is stored at `master` and was heard is what is true.
    void expect_truth(const std::function<RedisServer&()>& master) {
        one_.rest();
        two_.rest();
        std::set<std::string> truth = {"alice"};
        for (const BusyNode* node : {&one_, &two_})
            truth.insert(node->held().begin(), node->held().end());
        const auto stored = [&] { return stored_at(master()); };
        EXPECT_TRUE(eventually_answered([&] { return stored() == truth; }))
            << testing::PrintToString(stored()) << " for " << testing::PrintToString(truth);
        EXPECT_TRUE(eventually([&] { return heard() == truth; }))
            << testing::PrintToString(heard()) << " for " << testing::PrintToString(truth);
        // No owner is left over; "" is the sequence number.
        EXPECT_TRUE(eventually_answered([&] {
            return master().command({"HLEN", "rc:{presence:room}:own"}).integer ==
                   static_cast<std::int64_t>(truth.size()) + 1;
        }));
        const Hearing hearing = observer_.hearing(room);
        EXPECT_THAT(hearing.contradictions, IsEmpty());
        EXPECT_THAT(hearing.story, Not(Contains("leave alice")));
        for (BusyNode* node : {&one_, &two_})
            expect_no_false_leave(*node, hearing.story);
    }

    const ChannelName room = *ChannelName::make("room");

private:
    static void expect_no_false_leave(const BusyNode& node, const std::vector<std::string>& story) {
        for (const auto& [user, count] : node.leaves())
            EXPECT_LE(std::ranges::count(story, "leave " + user), count) << user;
    }

    static std::set<std::string> stored_at(const RedisServer& server) {
        std::set<std::string> users;
        for (const RedisReply& user : server.command({"HKEYS", "presence:room"}).items)
            users.insert(user.text);
        return users;
    }

    std::set<std::string> heard() {
        std::set<std::string> users;
        for (const auto& [user, meta] : observer_.hearing(room).roster)
            users.insert(user);
        return users;
    }

    BusyNode one_;
    BusyNode two_;
    PresenceNode observer_;
};

class RedisPresenceModesTest : public testing::Test {
protected:
    void SetUp() override { ROOMCAST_SKIP_WITHOUT_REDIS(); }
};

TEST_F(RedisPresenceModesTest, SentinelsReplaceAMasterThatCrashes) {
    RedisSentinels servers;
    Scene scene(servers.address());
    servers.fail_over_by_crash();
    scene.goes_on();
    scene.expect_truth([&]() -> RedisServer& { return servers.master(); });
}

TEST_F(RedisPresenceModesTest, SentinelsReplaceAMasterAsPlanned) {
    RedisSentinels servers;
    Scene scene(servers.address());
    servers.fail_over_as_planned();
    scene.goes_on();
    scene.expect_truth([&]() -> RedisServer& { return servers.master(); });
}

TEST_F(RedisPresenceModesTest, AReplicaTakesThePlaceOfADeadClusterNode) {
    RedisCluster cluster({.has_replicas = true});
    Scene scene(cluster.address());
    // That of the channel, and that of the leases.
    for (const char* key : {"presence:room", "rc:{nodes}:live"}) {
        const std::size_t dead = cluster.fail_over(cluster.slot_of(key));
        scene.goes_on();
        cluster.node(dead).start();  // as a replica
        cluster.wait_until_ready();
        scene.goes_on();
    }
    scene.expect_truth([&]() -> RedisServer& { return cluster.owner_of("presence:room"); });
}

TEST_F(RedisPresenceModesTest, TheSlotsOfAChannelAndOfTheLeasesMoveInACluster) {
    RedisCluster cluster;
    Scene scene(cluster.address());
    for (const char* key : {"presence:room", "rc:{nodes}:live", "presence:room"}) {
        const int slot = cluster.slot_of(key);
        const std::size_t to = (cluster.owner(slot) + 1) % RedisCluster::kNodes;
        cluster.begin_move(slot, to);
        scene.goes_on();
        cluster.move_keys(slot, to);
        scene.goes_on();
        cluster.finish_move(slot, to);
        scene.goes_on();
    }
    scene.expect_truth([&]() -> RedisServer& { return cluster.owner_of("presence:room"); });
}

}  // namespace
}  // namespace roomcast::test
