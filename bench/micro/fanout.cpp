// SPDX-License-Identifier: Apache-2.0
// A publication's way to its subscribers: through core alone, and through the whole gateway with
// everything but the system calls.
#include <memory>
#include <string>
#include <vector>

#include "brokers/memory.hpp"
#include "micro/cases.hpp"
#include "stores/memory.hpp"
#include "tests/support/gateway_stage.hpp"
#include "tests/support/test_hub.hpp"

namespace roomcast::micro {

namespace {

Limits unlimited_rate() {
    Limits limits;
    limits.message_rate = 0;
    return limits;
}

struct CountingOutlet final : Outlet {
    void push(const LocalFramePtr&) override { ++frames; }

    void push_answer(LocalFramePtr) override {}

    void close(CloseCode, std::string_view) override {}

    void set_reading(bool) override {}

    [[nodiscard]] std::size_t queued_bytes() const override { return 0; }

    std::uint64_t frames = 0;
};

std::string publication_in(const std::string& channel) {
    std::string text(kPublication);
    text.replace(text.find("r0"), 2, channel);
    return text;
}

/// Ends the benchmark as failed unless all was delivered.
void check_deliveries(benchmark::State& state, std::uint64_t delivered, std::uint64_t each) {
    const auto expected = static_cast<std::uint64_t>(state.iterations()) * each;
    if (delivered != expected) state.SkipWithError("a delivery is missing");
}

/// `publications` are read at once, again and again.
void publish_to_all(benchmark::State& state, std::uint32_t publications) {
    GatewayStage stage(unlimited_rate());
    stage.run([&] {
        ConnectionDriver& publisher = stage.connect("alice");
        for (std::uint32_t i = 0; i < kSubscribers; ++i)
            stage.subscribe(stage.connect("bob"), "r0");
        MaskedText frames(kPublication, publications);
        const std::uint64_t before = stage.metrics().deliveries.value();
        for (auto _ : state)
            stage.say(publisher, frames.bytes());
        check_deliveries(state,
                         stage.metrics().deliveries.value() - before,
                         std::uint64_t{publications} * kSubscribers);
    });
}

}  // namespace

void core_fan_out(benchmark::State& state) {
    const ManualClock clock;
    MemoryBroker broker;
    MemoryPresenceStore store(clock, 1);
    TestHub hub(broker, store, clock, unlimited_rate(), 1);
    std::vector<CountingOutlet> outlets(kSubscribers);
    std::vector<std::unique_ptr<Session>> sessions;
    for (CountingOutlet& outlet : outlets) {
        sessions.push_back(std::make_unique<Session>(hub.shard(0), outlet, SessionOptions{}));
        say(*sessions.back(), R"({"type":"subscribe","channel":"r0","listen":["broadcast"]})");
        hub.settle();
    }
    const json::PaddedString publication(kPublication);
    for (auto _ : state) {
        sessions.front()->on_text(publication.text());
        hub.turn(0);
    }
    check_deliveries(state, outlets.back().frames, 1);
}

void gateway_fan_out(benchmark::State& state) {
    publish_to_all(state, 1);
}

void gateway_window(benchmark::State& state) {
    publish_to_all(state, kWindow);
}

/// One publication in each of many small channels, read and sent in turns of 64.
void gateway_channels(benchmark::State& state) {
    GatewayStage stage(unlimited_rate());
    stage.run([&] {
        ConnectionDriver& publisher = stage.connect("alice");
        std::vector<MaskedText> publications;
        for (std::uint32_t i = 0; i < kChannels; ++i) {
            const std::string channel = "room-" + std::to_string(i);
            publications.emplace_back(publication_in(channel));
            for (std::uint32_t member = 0; member < kMembers; ++member)
                stage.subscribe(stage.connect("bob"), channel);
        }
        const std::uint64_t before = stage.metrics().deliveries.value();
        for (auto _ : state) {
            std::uint32_t read = 0;
            for (MaskedText& publication : publications) {
                (void)publisher.on_bytes(publication.bytes());
                if (++read % kWindow == 0) stage.turn();
            }
            stage.turn();
        }
        check_deliveries(state,
                         stage.metrics().deliveries.value() - before,
                         std::uint64_t{kChannels} * kMembers);
    });
}

}  // namespace roomcast::micro
