// SPDX-License-Identifier: Apache-2.0
// Shards on real threads, for ThreadSanitizer: sessions come, go, publish and resubscribe.
#include <array>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brokers/memory.hpp"
#include "stores/memory.hpp"
#include "tests/support/json_field.hpp"
#include "tests/support/test_hub.hpp"
#include "tests/support/threaded_hub.hpp"

namespace roomcast {
namespace {

constexpr ShardIndex kShards = 4;
constexpr int kChannels = 5;
constexpr int kRounds = 400;

/// One shard's clients. Only that shard's thread touches them while it runs.
struct Cast {
    struct Client {
        RecordingOutlet outlet;
        std::unique_ptr<Session> session;
    };

    std::mt19937 random;
    Client steady;  // listens to all channels, all the time
    std::array<Client, 6> fleeting;
    int sent = 0;
    int rounds = 0;

    int below(int bound) { return static_cast<int>(random() % static_cast<std::uint32_t>(bound)); }

    void play(Shard& shard) {
        Client& client = fleeting[static_cast<std::size_t>(below(6))];
        const std::string channel = R"(,"channel":"c)" + std::to_string(below(kChannels)) + "\"}";
        if (!client.session) {
            client.session = std::make_unique<Session>(
                shard,
                client.outlet,
                SessionOptions{.identity = {.user_id = "user" + std::to_string(below(5))},
                               .peer = {}});
        }
        switch (below(8)) {
            case 0:
                client.session.reset();
                break;
            case 1:
                say(*client.session,
                    R"({"type":"subscribe","listen":["broadcast","presence"])" + channel);
                break;
            case 2:
                say(*client.session, R"({"type":"unsubscribe")" + channel);
                break;
            case 3:
                say(*client.session, R"({"type":"presence_join")" + channel);
                break;
            case 4:
                say(*client.session, R"({"type":"presence_leave")" + channel);
                break;
            case 5:
                shard.client().channels({}, [](const auto&) {});
                break;
            default:
                say(*client.session, R"({"type":"broadcast","event":"e")" + channel);
                ++sent;
        }
        (void)client.outlet.take();  // what the fleeting ones hear is the model test's concern
    }
};

/// Plays a round on its shard and posts the next one behind it, so that mail gets its turns.
void play_on(Shard& shard, std::shared_ptr<Cast> cast) {
    for (int i = 0; i < 5; ++i)
        cast->play(shard);
    if (++cast->rounds < kRounds) {
        shard.hub().post(shard.index(), [cast](Shard& again) { play_on(again, cast); });
    }
}

TEST(StressTest, NothingIsLostDoubledOrRacedOnFourThreads) {
    MemoryBroker broker;
    const SystemClock clock;
    MemoryPresenceStore store(clock, kShards);
    Limits limits;
    limits.message_rate = 0;
    ThreadedHub hub(broker, store, kShards, limits);
    std::vector<std::shared_ptr<Cast>> casts;
    for (ShardIndex i = 0; i < kShards; ++i) {
        casts.push_back(std::make_shared<Cast>());
        casts[i]->random.seed(i + 1U);
        hub.on_shard(i, [&](Shard& shard) {
            Cast& cast = *casts[i];
            cast.steady.session = std::make_unique<Session>(
                shard,
                cast.steady.outlet,
                SessionOptions{.identity = {.user_id = "steady"}, .peer = {}});
            for (int channel = 0; channel < kChannels; ++channel) {
                say(*cast.steady.session,
                    R"({"type":"subscribe","id":1,"listen":["broadcast"],"channel":"c)" +
                        std::to_string(channel) + "\"}");
            }
        });
    }
    // Every listener is in place before the first message is sent.
    for (ShardIndex i = 0; i < kShards; ++i) {
        std::size_t answers = 0;
        while (answers < kChannels) {
            hub.on_shard(i, [&](Shard&) { answers += casts[i]->steady.outlet.take().size(); });
        }
    }
    for (ShardIndex i = 0; i < kShards; ++i) {
        hub.on_shard(i, [cast = casts[i]](Shard& shard) { play_on(shard, cast); });
    }
    for (ShardIndex i = 0; i < kShards; ++i) {
        bool is_over = false;
        while (!is_over) {
            hub.on_shard(i, [&](Shard&) { is_over = casts[i]->rounds == kRounds; });
        }
    }
    std::size_t sent = 0;
    for (ShardIndex i = 0; i < kShards; ++i) {
        hub.on_shard(i, [&](Shard&) { sent += static_cast<std::size_t>(casts[i]->sent); });
    }
    // In the one order of each channel, which is the same on all shards.
    std::vector<std::map<std::string, std::vector<std::string>>> heard(kShards);
    for (ShardIndex i = 0; i < kShards; ++i) {
        std::vector<std::string> all;
        while (all.size() < sent) {
            hub.on_shard(i, [&](Shard&) {
                for (std::string& each : casts[i]->steady.outlet.take()) {
                    all.push_back(std::move(each));
                }
            });
        }
        EXPECT_EQ(all.size(), sent);
        for (std::string& each : all) {
            heard[i][json_field(each, "channel")].push_back(std::move(each));
        }
        EXPECT_EQ(heard[i], heard[0]);
    }
    for (ShardIndex i = 0; i < kShards; ++i) {
        hub.on_shard(i, [&](Shard&) {
            casts[i]->steady.session.reset();
            for (auto& client : casts[i]->fleeting)
                client.session.reset();
        });
    }
}

}  // namespace
}  // namespace roomcast
