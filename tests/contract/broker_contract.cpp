// SPDX-License-Identifier: Apache-2.0
// What core relies on in every broker (brokers/broker.hpp), asked of the interface itself.
#include <atomic>
#include <map>

#include <gmock/gmock.h>

#include "tests/contract/contract.hpp"

namespace roomcast {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ChannelName named(std::string_view name) {
    return *ChannelName::make(name);
}

/// One process of a cluster: a broker, its home threads, and what arrived.
class Node final : public BrokerSink {
public:
    explicit Node(const BrokerCase& backend) : broker_(backend.make()), homes_(backend.shards) {
        broker_->start(*this, homes_);
    }

    ~Node() override { stop(); }

    void stop() {
        if (!std::exchange(is_stopped_, true)) {
            homes_.stop();  // as the hub does: loops first, then the broker
            broker_->stop();
        }
    }

    void on_message(BusMessage message) override { arrived_.add(std::move(message)); }

    void on_gap(const ChannelName& channel) override { gaps_.add(std::string(channel.text())); }

    void on_state(bool, std::string_view) override {}

    void on_control(std::string_view message) override { control_.add(std::string(message)); }

    /// Waits until the broker has confirmed.
    void subscribe(const ChannelName& channel) {
        Notes<bool> confirmed;
        homes_.run(channel,
                   [&] { broker_->subscribe(channel, [&confirmed] { confirmed.add(true); }); });
        ASSERT_TRUE(confirmed.wait_for(1));
    }

    /// From any thread. `done` gets the result.
    void publish(const ChannelName& channel, std::string event, PublishCallback done) {
        homes_.post(channel, [this, channel, event = std::move(event), done = std::move(done)] {
            BusMessage message;
            message.channel = channel;
            message.event = event;
            message.payload = R"({"n":12345678901234567890,"text":"gr\u00fc\u00df"})";
            message.user_id = "alice";
            message.ts_ms = 1'620'000'000'123;
            message.message_id = 9'007'199'254'740'991;
            message.origin_node = NodeId{0xfedcba9876543210};
            message.origin = make_session_id(3, 99);
            message.is_echoed = false;
            broker_->publish(std::move(message), done);
        });
    }

    bool publish_and_wait(const ChannelName& channel, std::string event) {
        auto results = std::make_shared<Notes<bool>>();
        publish(channel, std::move(event), [results](const auto& result) {
            results->add(result.has_value());
        });
        return results->wait_for(1) && results->all().front();
    }

    std::vector<std::string> events_of(const ChannelName& channel) {
        std::vector<std::string> events;
        for (const BusMessage& message : arrived_.all()) {
            if (message.channel == channel) events.push_back(message.event);
        }
        return events;
    }

    Broker& broker() { return *broker_; }

    HomeThreads& homes() { return homes_; }

    Notes<BusMessage>& arrived() { return arrived_; }

    Notes<std::string>& gaps() { return gaps_; }

    Notes<std::string>& control() { return control_; }

private:
    Notes<std::string> control_;
    Notes<BusMessage> arrived_;
    Notes<std::string> gaps_;
    std::unique_ptr<Broker> broker_;
    HomeThreads homes_;
    bool is_stopped_ = false;
};

TEST_P(BrokerContract, DeclaresTheOrderThatItsDocumentationPromises) {
    EXPECT_EQ(GetParam().make()->order(), GetParam().order);
}

TEST_P(BrokerContract, APublisherHearsItsOwnMessageUnchanged) {
    Node node(GetParam());
    const ChannelName channel = named("echo");
    node.subscribe(channel);
    EXPECT_TRUE(node.publish_and_wait(channel, "event"));
    ASSERT_TRUE(node.arrived().wait_for(1));
    const BusMessage message = node.arrived().all().front();
    EXPECT_EQ(message.channel, channel);
    EXPECT_EQ(message.event, "event");
    EXPECT_EQ(message.payload, R"({"n":12345678901234567890,"text":"gr\u00fc\u00df"})");
    EXPECT_EQ(message.user_id, "alice");
    EXPECT_EQ(message.ts_ms, 1'620'000'000'123);
    EXPECT_EQ(message.message_id, 9'007'199'254'740'991U);
    EXPECT_EQ(message.origin_node, NodeId{0xfedcba9876543210});
    EXPECT_EQ(message.origin, make_session_id(3, 99));
    EXPECT_FALSE(message.is_echoed);
}

TEST_P(BrokerContract, FourPublishersAtOnceAreHeardInThePromisedOrder) {
    constexpr int kPublishers = 4;
    constexpr std::size_t kEach = 250;
    std::vector<std::unique_ptr<Node>> nodes;
    const ChannelName channel = named("order");
    for (int i = 0; i < GetParam().nodes; ++i) {
        nodes.push_back(std::make_unique<Node>(GetParam()));
        nodes.back()->subscribe(channel);
    }
    Notes<bool> done;
    std::vector<std::thread> publishers;
    for (int publisher = 0; publisher < kPublishers; ++publisher) {
        Node& node = *nodes[static_cast<std::size_t>(publisher) % nodes.size()];
        publishers.emplace_back([&node, &done, &channel, publisher] {
            for (std::size_t i = 0; i < kEach; ++i) {
                node.publish(channel,
                             std::to_string(publisher) + ' ' + std::to_string(i),
                             [&done](const auto& result) { done.add(result.has_value()); });
            }
        });
    }
    for (std::thread& thread : publishers)
        thread.join();
    ASSERT_TRUE(done.wait_for(kPublishers * kEach));
    EXPECT_THAT(done.all(), testing::Each(true));
    for (const auto& node : nodes) {
        ASSERT_TRUE(node->arrived().wait_for(kPublishers * kEach));
        const auto events = node->events_of(channel);
        EXPECT_EQ(events.size(), kPublishers * kEach);
        std::map<std::string, std::size_t> next;  // of each publisher: its own order, nothing twice
        for (const std::string& event : events) {
            const auto space = event.find(' ');
            EXPECT_EQ(event.substr(space + 1), std::to_string(next[event.substr(0, space)]++));
        }
        if (GetParam().order == BrokerOrder::per_channel) {
            EXPECT_EQ(events, nodes.front()->events_of(channel)) << "two nodes saw two orders";
        }
        EXPECT_THAT(node->gaps().all(), IsEmpty());
    }
}

TEST_P(BrokerContract, QuickUnsubscribesAndSubscribesEndSubscribed) {
    Node node(GetParam());
    const ChannelName channel = named("quick");
    std::atomic<int> confirmed = 0;
    for (int i = 0; i < 50; ++i) {
        node.homes().run(channel, [&] {
            node.broker().subscribe(channel, [&] { ++confirmed; });
            node.broker().unsubscribe(channel);
            node.broker().unsubscribe(channel);  // idempotent
        });
    }
    node.subscribe(channel);
    EXPECT_TRUE(node.publish_and_wait(channel, "last"));
    ASSERT_TRUE(node.arrived().wait_for(1));
    EXPECT_THAT(node.events_of(channel), ElementsAre("last"));
    EXPECT_LE(confirmed, 50);
}

TEST_P(BrokerContract, ARepeatedSubscribeDoublesNothing) {
    Node node(GetParam());
    const ChannelName channel = named("twice");
    node.subscribe(channel);
    node.subscribe(channel);
    EXPECT_TRUE(node.publish_and_wait(channel, "1"));
    EXPECT_TRUE(node.publish_and_wait(channel, "2"));
    ASSERT_TRUE(node.arrived().wait_for(2));
    EXPECT_THAT(node.events_of(channel), ElementsAre("1", "2"));
}

TEST_P(BrokerContract, EveryPublishOfABurstIsAnsweredOnceAndHeardIfItWasTaken) {
    Node node(GetParam());
    const ChannelName channel = named("burst");
    node.subscribe(channel);
    // More than may be pending (Limits): some may be refused, none may be forgotten.
    constexpr std::size_t kBurst = 80'000;
    std::vector<std::atomic<int>> answers(kBurst);
    Notes<bool> done;
    for (std::size_t i = 0; i < kBurst; ++i) {
        node.publish(channel, "e", [&answers, &done, i](const auto& result) {
            ++answers[i];
            if (!result) {
                EXPECT_EQ(result.error(), Errc::unavailable);
            }
            done.add(result.has_value());
        });
    }
    ASSERT_TRUE(done.wait_for(kBurst));
    const auto results = done.all();
    const auto taken = static_cast<std::size_t>(std::ranges::count(results, true));
    ASSERT_TRUE(node.arrived().wait_for(taken))
        << "a home has room for all that it may publish; " << node.arrived().all().size()
        << " arrived of " << taken << ", gaps: " << node.gaps().all().size();
    node.stop();
    for (const auto& count : answers)
        EXPECT_EQ(count, 1);
    EXPECT_EQ(node.arrived().all().size(), taken);
    EXPECT_THAT(node.gaps().all(), IsEmpty());
}

TEST_P(BrokerContract, StopAnswersWhatIsPendingAndIsSilentAfterwards) {
    constexpr std::size_t kPending = 2'000;
    std::vector<std::atomic<int>> answers(kPending);
    auto node = std::make_unique<Node>(GetParam());
    const ChannelName channel = named("stop");
    node->subscribe(channel);
    for (std::size_t i = 0; i < kPending; ++i) {
        node->publish(channel, "e", [&answers, i](const auto& result) {
            ++answers[i];
            if (!result) {
                EXPECT_EQ(result.error(), Errc::unavailable);
            }
        });
    }
    node->stop();
    for (const auto& count : answers)
        EXPECT_EQ(count, 1);
    const std::size_t arrived = node->arrived().all().size();
    EXPECT_FALSE(node->broker().is_connected());
    EXPECT_EQ(node->arrived().all().size(), arrived);
}

TEST_P(BrokerContract, NamesAreData) {
    Node node(GetParam());
    const std::vector<std::string> names = {"plain",
                                            "with space",
                                            "a.b.c",
                                            "*",
                                            "a.*",
                                            ">",
                                            "a.>",
                                            "#",
                                            "a.#",
                                            "[ab]?",
                                            "100%",
                                            "%2e",
                                            "a/b",
                                            "..",
                                            "__proto__",
                                            "gr\u00fc\u00df \u4f60\u597d \U0001f600",
                                            "{tag}x",
                                            "}{",
                                            "$SYS",
                                            "\\",
                                            "\"'",
                                            "A",
                                            "a",
                                            " ",
                                            std::string(256, 'x'),
                                            std::string(255, 'x'),
                                            std::string(256, '*'),
                                            std::string(253, '\'') + "\u20ac",
                                            "%00",
                                            "a%0D%0APUB",
                                            "rc.control",
                                            std::string(85, '*') + "\u20ac"};
    for (const std::string& name : names)
        node.subscribe(named(name));
    for (const std::string& name : names) {
        EXPECT_TRUE(node.publish_and_wait(named(name), name)) << name;
    }
    ASSERT_TRUE(node.arrived().wait_for(names.size()));
    for (const std::string& name : names) {
        EXPECT_THAT(node.events_of(named(name)), ElementsAre(name));
    }
    EXPECT_EQ(node.arrived().all().size(), names.size()) << "a wildcard has matched";
    for (const std::string_view refused :
         {std::string_view("a\0b", 3), std::string_view("a\rb"), std::string_view("a\nb")}) {
        EXPECT_FALSE(ChannelName::make(refused));
    }
}

TEST_P(BrokerContract, WhatOneNodeTellsAllNodesReachesEachOnce) {
    std::vector<std::unique_ptr<Node>> nodes;
    for (int i = 0; i < GetParam().nodes; ++i)
        nodes.push_back(std::make_unique<Node>(GetParam()));
    for (const auto& node : nodes) {
        // A node hears control messages once it hears any.
        node->subscribe(named("any"));
    }
    nodes.front()->broker().send_control(R"({"type":"node"})");
    for (const auto& node : nodes) {
        ASSERT_TRUE(node->control().wait_for(1));
        EXPECT_THAT(node->control().all(), ElementsAre(R"({"type":"node"})"));
    }
}

TEST_P(BrokerContract, NothingIsReportedMissingWhileNothingIs) {
    Node node(GetParam());
    EXPECT_TRUE(node.broker().is_connected() || GetParam().nodes > 1);
    for (int i = 0; i < 20; ++i) {
        const ChannelName channel = named("calm" + std::to_string(i));
        node.subscribe(channel);
        EXPECT_TRUE(node.publish_and_wait(channel, "e"));
        node.homes().run(channel, [&] { node.broker().unsubscribe(channel); });
    }
    EXPECT_THAT(node.gaps().all(), IsEmpty());
}

}  // namespace
}  // namespace roomcast
