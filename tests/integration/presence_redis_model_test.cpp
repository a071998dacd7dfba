// SPDX-License-Identifier: Apache-2.0
// Random nodes, users and faults on a real Redis. Whatever happens, the stream of events tells no
// lies, and in the end events, Redis and truth agree.
//
// ROOMCAST_MODEL_SECONDS (10) is how long it goes on, ROOMCAST_MODEL_SEED repeats what a seed has
// chosen (threads make no two runs equal).
#include <atomic>
#include <cstdlib>
#include <random>

#include <gmock/gmock.h>

#include "tests/support/presence_node.hpp"
#include "tests/support/redis_server.hpp"
#include "util/random.hpp"

namespace roomcast::test {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

RedisPresenceOptions quick() {
    RedisPresenceOptions options;
    options.presence_ttl = 3s;  // a lease of 2 s
    options.hand_over_grace = 500ms;
    return options;
}

using Held = std::set<std::pair<std::size_t, std::string>>;  // channel and user

class World {
public:
    explicit World(std::uint16_t redis_port) : port(redis_port) {
        for (const char* name : {"red", "blue"})
            channels.push_back(*ChannelName::make(name));
    }

    const std::uint16_t port;
    std::vector<ChannelName> channels;
    std::atomic<bool> is_over{false};
    std::atomic<int> operations{0};
    std::atomic<int> faults{0};
};

/// One node at a time, and what it holds. Runs on a thread of its own.
class Actor {
public:
    Actor(World& world, std::uint64_t seed)
        : world_(world),
          random_(seed),
          node_(std::make_unique<PresenceNode>(world.port, quick())) {}

    void run() {
        while (!world_.is_over) {
            const auto dice = random_() % 1'000;
            if (dice < 985) {
                operate();
            } else {
                fail(dice);
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 8));
        }
    }

    [[nodiscard]] const Held& held() const { return held_; }

private:
    void operate() {
        const std::size_t channel = random_() % world_.channels.size();
        const std::string user = "user" + std::to_string(random_() % 5);
        const std::string meta = "{\"n\":" + std::to_string(random_() % 3) + '}';
        const ChannelName& name = world_.channels[channel];
        const bool is_held = held_.contains({channel, user});
        bool is_done = true;
        if (!is_held) {
            is_done = node_->join(name, user, meta);
            held_.insert({channel, user});
        } else if (random_() % 3 == 0) {
            is_done = node_->update(name, user, meta);
        } else {
            is_done = node_->leave(name, user);
            held_.erase({channel, user});
        }
        EXPECT_TRUE(is_done) << "an operation was refused for too long";
        ++world_.operations;
    }

    void fail(std::uint64_t dice) {
        ++world_.faults;
        if (dice < 990) {
            node_->stall(3s);  // one and a half leases
        } else {
            if (dice < 996) {
                node_->crash();
            } else {
                node_->stop();
            }
            held_.clear();
            node_ = std::make_unique<PresenceNode>(world_.port, quick());
        }
    }

    World& world_;
    std::mt19937_64 random_;
    std::unique_ptr<PresenceNode> node_;
    Held held_;
};

class RedisPresenceModelTest : public testing::Test {
protected:
    void SetUp() override {
        ROOMCAST_SKIP_WITHOUT_REDIS();
        server_ = std::make_unique<RedisServer>();
        world_ = std::make_unique<World>(server_->port());
        observer_ = std::make_unique<PresenceNode>(server_->port(), quick());
        const std::uint64_t seed =
            from_environment("ROOMCAST_MODEL_SEED", random_u64() % 1'000'000);
        std::cout << "ROOMCAST_MODEL_SEED=" << seed << '\n';
        for (std::uint64_t i = 0; i < 3; ++i)
            actors_.push_back(std::make_unique<Actor>(*world_, seed + i));
        for (const ChannelName& channel : world_->channels)
            observer_->listen(channel);
    }

    /// Lets the actors act for that long, `disturb` being called now and then.
    void act(std::chrono::milliseconds time, const std::function<void(int round)>& disturb) {
        world_->is_over = false;
        std::vector<std::thread> threads;
        for (const auto& actor : actors_)
            threads.emplace_back([&actor] { actor->run(); });
        const auto end = std::chrono::steady_clock::now() + time;
        for (int round = 1; std::chrono::steady_clock::now() < end; ++round) {
            std::this_thread::sleep_for(200ms);
            disturb(round);
        }
        world_->is_over = true;
        for (std::thread& thread : threads)
            thread.join();
    }

    [[nodiscard]] std::set<std::string> truth(std::size_t channel) const {
        std::set<std::string> users;
        for (const auto& actor : actors_) {
            for (const auto& [at, user] : actor->held()) {
                if (at == channel) users.insert(user);
            }
        }
        return users;
    }

    [[nodiscard]] std::set<std::string> stored(std::size_t channel) const {
        const std::string name(world_->channels[channel].text());
        std::set<std::string> users;
        for (const RedisReply& user : server_->command({"HKEYS", "presence:" + name}).items)
            users.insert(user.text);
        return users;
    }

    [[nodiscard]] std::set<std::string> heard(std::size_t channel) const {
        std::set<std::string> users;
        for (const auto& [user, meta] : observer_->hearing(world_->channels[channel]).roster)
            users.insert(user);
        return users;
    }

    [[nodiscard]] std::int64_t owner_fields(std::size_t channel) const {
        const std::string name(world_->channels[channel].text());
        return server_->command({"HLEN", "rc:{presence:" + name + "}:own"}).integer;
    }

    /// All leases have run their course, and nobody waits to be reaped.
    void expect_agreement() {
        EXPECT_TRUE(eventually([&] {
            return server_->command({"ZCARD", "rc:{nodes}:dead"}).integer == 0;
        }));
        for (std::size_t channel = 0; channel < world_->channels.size(); ++channel) {
            const auto users = truth(channel);
            EXPECT_TRUE(eventually([&] { return stored(channel) == users; }))
                << testing::PrintToString(stored(channel)) << " for "
                << testing::PrintToString(users);
            EXPECT_TRUE(eventually([&] { return heard(channel) == users; }))
                << testing::PrintToString(heard(channel)) << " for "
                << testing::PrintToString(users);
            // Each user has an owner, and no owner is left over: "" is the sequence number.
            EXPECT_LE(owner_fields(channel), static_cast<std::int64_t>(users.size()) + 1);
        }
    }

    void expect_no_lies() {
        for (const ChannelName& channel : world_->channels) {
            const Hearing hearing = observer_->hearing(channel);
            EXPECT_THAT(hearing.contradictions, IsEmpty());
            EXPECT_THAT(hearing.raw_contradictions, IsEmpty());
            events_ += hearing.story.size();
            comparisons_ += hearing.comparisons;
        }
    }

    std::unique_ptr<RedisServer> server_;
    std::unique_ptr<World> world_;
    std::unique_ptr<PresenceNode> observer_;
    std::vector<std::unique_ptr<Actor>> actors_;
    std::size_t events_ = 0;
    int comparisons_ = 0;
};

TEST_F(RedisPresenceModelTest, EventsRedisAndTruthAgreeWhateverHappens) {
    const std::chrono::seconds time(from_environment("ROOMCAST_MODEL_SECONDS", 10));
    act(time, [&](int round) {
        const ChannelName& channel = world_->channels[static_cast<std::size_t>(round) % 2];
        observer_->compare(channel);
        if (round % 13 == 0) (void)server_->command({"CLIENT", "KILL", "TYPE", "pubsub"});
        if (round % 37 == 0) (void)server_->command({"SCRIPT", "FLUSH"});
    });
    expect_agreement();
    expect_no_lies();
    // A phase of its own: joins are announced again then, which the rosters must hide.
    act(time / 5, [&](int round) {
        if (round % 5 == 3) (void)server_->command({"FLUSHALL"});
    });
    expect_agreement();
    for (const ChannelName& channel : world_->channels)
        EXPECT_THAT(observer_->hearing(channel).contradictions, IsEmpty());
    std::cout << world_->operations << " operations, " << world_->faults << " faults, " << events_
              << " events, " << comparisons_ << " snapshots compared\n";
}

}  // namespace
}  // namespace roomcast::test
