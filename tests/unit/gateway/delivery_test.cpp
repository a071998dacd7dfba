// SPDX-License-Identifier: Apache-2.0
// The whole way of a publication to its subscribers, without sockets.
#include <gtest/gtest.h>

#include "tests/support/counted_allocations.hpp"
#include "tests/support/gateway_stage.hpp"

namespace roomcast {
namespace {

constexpr char kPublication[] =
    R"({"type":"broadcast","channel":"r","event":"m","payload":"0123"})";

Limits unlimited_rate() {
    Limits limits;
    limits.message_rate = 0;
    return limits;
}

/// What one of a row of publications allocates in all, once there was some traffic.
std::size_t allocations_of_64_publications(std::size_t subscribers) {
    std::size_t counted = 0;
    GatewayStage stage(unlimited_rate());
    stage.run([&] {
        ConnectionDriver& publisher = stage.connect("alice");
        for (std::size_t i = 0; i < subscribers; ++i)
            stage.subscribe(stage.connect("bob"), "r");
        MaskedText publications(kPublication, 64);
        for (int warm = 0; warm < 2; ++warm)
            stage.say(publisher, publications.bytes());
        const std::size_t before = counted_allocations();
        stage.say(publisher, publications.bytes());
        counted = counted_allocations() - before;
    });
    return counted;
}

TEST(DeliveryTest, AllocatesNothingForASubscriber) {
    if (!kAllocationsAreCounted) GTEST_SKIP() << "not under sanitizers";
    const std::size_t for_one = allocations_of_64_publications(1);
    EXPECT_GT(for_one, 0U);
    EXPECT_EQ(allocations_of_64_publications(300), for_one);
}

TEST(DeliveryTest, SendsAllThatIsQueuedInSeveralSlicesAndTurns) {
    constexpr std::size_t kSubscribers = 300;     // more than one slice
    constexpr std::size_t kPublications = 1'000;  // more than 64 KiB for each
    GatewayStage stage(unlimited_rate());
    stage.run([&] {
        ConnectionDriver& publisher = stage.connect("alice");
        for (std::size_t i = 0; i < kSubscribers; ++i)
            stage.subscribe(stage.connect("bob"), "r");
        MaskedText publication(kPublication);
        MaskedText publications(kPublication, kPublications);
        stage.say(publisher, publication.bytes());
        const std::uint64_t once = stage.sent_bytes();
        EXPECT_GT(once, kSubscribers * sizeof kPublication);
        stage.say(publisher, publications.bytes());
        EXPECT_EQ(stage.sent_bytes(), once * (1 + kPublications));
        EXPECT_EQ(stage.metrics().bytes_sent.value(), stage.sent_bytes());
    });
}

}  // namespace
}  // namespace roomcast
