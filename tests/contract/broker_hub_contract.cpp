// SPDX-License-Identifier: Apache-2.0
// What core relies on in every broker, asked through a real hub whose shards run on threads.
#include <map>

#include <gmock/gmock.h>

#include "core/session.hpp"
#include "stores/memory.hpp"
#include "tests/contract/contract.hpp"
#include "tests/support/json_field.hpp"
#include "tests/support/test_hub.hpp"
#include "tests/support/threaded_hub.hpp"

namespace roomcast {
namespace {

/// A client on one shard of a running hub; used on that shard's thread.
struct Client {
    RecordingOutlet outlet;
    std::unique_ptr<Session> session;
    std::vector<std::string> heard;

    void listen_in() {
        for (std::string& each : outlet.take())
            heard.push_back(std::move(each));
    }
};

class SeamContract {
public:
    explicit SeamContract(const BrokerCase& backend)
        : shards_(backend.shards),
          broker_(backend.make()),
          store_(clock_, backend.shards),
          hub_(*broker_, store_, backend.shards, limits()) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!broker_->is_connected() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
    }

    ~SeamContract() {
        for (auto& [client, shard] : clients_) {
            hub_.on_shard(shard, [&](Shard&) { client->session.reset(); });
        }
    }

    Client& connect(ShardIndex shard) {
        clients_.emplace_back(std::make_unique<Client>(), shard);
        Client& client = *clients_.back().first;
        hub_.on_shard(shard, [&](Shard& on) {
            client.session = std::make_unique<Session>(
                on, client.outlet, SessionOptions{.identity = {.user_id = "user"}, .peer = {}});
        });
        return client;
    }

    void say(ShardIndex shard, Client& client, const std::string& text) {
        hub_.on_shard(shard, [&](Shard&) { roomcast::say(*client.session, text); });
    }

    /// Waits until something that contains `text` was heard.
    bool hears(ShardIndex shard, Client& client, std::string_view text) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        bool has_heard = false;
        while (!has_heard && std::chrono::steady_clock::now() < deadline) {
            hub_.on_shard(shard, [&](Shard&) {
                client.listen_in();
                for (const auto& each : client.heard) {
                    has_heard = has_heard || each.find(text) != std::string::npos;
                }
            });
        }
        return has_heard;
    }

    ThreadedHub& hub() { return hub_; }

    [[nodiscard]] ShardIndex last_shard() const { return static_cast<ShardIndex>(shards_ - 1); }

private:
    static Limits limits() {
        Limits limits;
        limits.message_rate = 0;
        return limits;
    }

    const ShardIndex shards_;
    SystemClock clock_;
    std::unique_ptr<Broker> broker_;
    MemoryPresenceStore store_;
    ThreadedHub hub_;
    std::vector<std::pair<std::unique_ptr<Client>, ShardIndex>> clients_;
};

std::string broadcast(int number) {
    return R"({"type":"broadcast","channel":"seam","event":"e","payload":)" +
           std::to_string(number) + '}';
}

TEST_P(BrokerContract, WhoSubscribesAndThenBroadcastsHearsItsEcho) {
    SeamContract seam(GetParam());
    for (int i = 0; i < 20; ++i) {
        const auto shard = static_cast<ShardIndex>(i % GetParam().shards);
        Client& client = seam.connect(shard);
        const std::string channel = R"("channel":"echo)" + std::to_string(i) + '"';
        seam.hub().on_shard(shard, [&](Shard&) {
            say(*client.session, R"({"type":"subscribe","listen":["broadcast"],)" + channel + '}');
            say(*client.session, R"({"type":"broadcast","event":"mine",)" + channel + '}');
        });
        EXPECT_TRUE(seam.hears(shard, client, R"("event":"mine")")) << i;
    }
}

TEST_P(BrokerContract, FromTheAnswerToASubscribeOnEveryMessageArrivesOnceAndInOrder) {
    SeamContract seam(GetParam());
    Client& publisher = seam.connect(0);
    const ShardIndex shard = seam.last_shard();
    // Somebody keeps listening, so that the others join a channel that is already busy.
    Client& tap = seam.connect(shard);
    seam.say(shard, tap, R"({"type":"subscribe","id":1,"channel":"seam","listen":["broadcast"]})");
    ASSERT_TRUE(seam.hears(shard, tap, "subscribed"));
    int sent = 0;
    for (int round = 0; round < 20; ++round) {
        Client& late = seam.connect(shard);
        for (int i = 0; i < 20; ++i)
            seam.say(0, publisher, broadcast(++sent));
        seam.say(
            shard, late, R"({"type":"subscribe","id":1,"channel":"seam","listen":["broadcast"]})");
        for (int i = 0; i < 20; ++i) {
            seam.say(0, publisher, broadcast(++sent));
            // Set again while messages pass: nothing may be lost or doubled by that.
            if (i % 5 == 0) {
                seam.say(
                    shard, late, R"({"type":"subscribe","channel":"seam","listen":["broadcast"]})");
            }
        }
        ASSERT_TRUE(seam.hears(shard, late, "subscribed"));
        seam.say(0, publisher, broadcast(++sent));
        ASSERT_TRUE(seam.hears(shard, late, "\"payload\":" + std::to_string(sent) + ','));
        std::vector<int> numbers;
        seam.hub().on_shard(shard, [&](Shard&) {
            EXPECT_NE(late.heard.front().find("subscribed"), std::string::npos);
            for (std::size_t i = 1; i < late.heard.size(); ++i) {
                numbers.push_back(std::stoi(json_field(late.heard[i], "payload")));
            }
            late.session.reset();
        });
        for (std::size_t i = 1; i < numbers.size(); ++i) {
            ASSERT_EQ(numbers[i], numbers[i - 1] + 1) << "round " << round;
        }
        EXPECT_EQ(numbers.back(), sent);
    }
}

TEST_P(BrokerContract, QuickUnsubscribesAndSubscribesOfClientsEndSubscribed) {
    SeamContract seam(GetParam());
    const ShardIndex shard = seam.last_shard();
    Client& client = seam.connect(shard);
    for (int i = 0; i < 50; ++i) {
        seam.say(shard, client, R"({"type":"subscribe","channel":"seam","listen":["broadcast"]})");
        seam.say(shard, client, R"({"type":"unsubscribe","channel":"seam"})");
    }
    seam.say(shard,
             client,
             R"({"type":"subscribe","id":"last","channel":"seam","listen":["broadcast"]})");
    ASSERT_TRUE(seam.hears(shard, client, R"("id":"last")"));
    Client& publisher = seam.connect(0);
    seam.say(0, publisher, broadcast(1));
    EXPECT_TRUE(seam.hears(shard, client, R"("payload":1,)"));
}

}  // namespace
}  // namespace roomcast
