// SPDX-License-Identifier: Apache-2.0
// One publication from the client's bytes to a command, and from the bus to a frame.
#include <string>

#include "codec/websocket.hpp"
#include "micro/cases.hpp"
#include "protocol/native.hpp"
#include "tests/support/gateway_stage.hpp"

namespace roomcast::micro {

void nothing(benchmark::State& state) {
    for (auto _ : state) {
    }
}

void decode(benchmark::State& state) {
    const Limits limits;
    const NativeDialect dialect(limits);
    const websocket::ReaderLimits reader_limits;
    websocket::Reader reader(reader_limits);
    MaskedText frame(kPublication);
    std::string scratch;
    for (auto _ : state) {
        std::span<char> input = frame.bytes();
        const websocket::Event event = reader.next(input);
        const auto command = dialect.parse(std::get<websocket::Message>(event).payload, scratch);
        if (!command) return state.SkipWithError("the publication was not understood");
        benchmark::DoNotOptimize(command->body);
    }
}

void encode(benchmark::State& state) {
    const Limits limits;
    const NativeDialect dialect(limits);
    BusMessage message;
    message.channel = channel_named("r0");
    message.event = "m";
    message.payload = '"' + std::string(126, 'x') + '"';
    message.user_id = "alice";
    message.ts_ms = 1'620'000'000'000;
    for (auto _ : state) {
        benchmark::DoNotOptimize(dialect.encode_broadcast(message));
    }
}

void frame_head(benchmark::State& state) {
    std::size_t size = 190;
    for (auto _ : state) {
        benchmark::DoNotOptimize(size);
        benchmark::DoNotOptimize(websocket::encode_header(websocket::Opcode::text, size));
    }
}

}  // namespace roomcast::micro
