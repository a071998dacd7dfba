// SPDX-License-Identifier: Apache-2.0
// The checker checked: a benchmark whose checker is blind would praise a server that loses
// messages. `script/bench --self-test` goes on where this ends, with servers that lose, double and
// reorder.
#include <cstdio>
#include <initializer_list>
#include <string>
#include <vector>

#include "load/cases.hpp"
#include "load/histogram.hpp"
#include "load/http_client.hpp"
#include "load/inflater.hpp"
#include "load/ledger.hpp"
#include "load/protocol.hpp"
#include "load/stamp.hpp"
#include "load/websocket.hpp"

namespace roomcast::bench {

namespace {

class SelfTest {
public:
    void expect(bool holds, std::string_view what) {
        if (holds) return;
        std::printf("self-test: NOT SO: %.*s\n", static_cast<int>(what.size()), what.data());
        ++failures_;
    }

    [[nodiscard]] int failures() const { return failures_; }

private:
    int failures_ = 0;
};

Tally tally_of(Track track, std::initializer_list<std::uint32_t> sequences, std::uint32_t end) {
    Tally tally;
    for (const std::uint32_t sequence : sequences)
        track.record(sequence, tally);
    track.finish(end, tally);
    return tally;
}

void test_track(SelfTest& test) {
    const Tally good = tally_of({}, {0, 1, 2, 3}, 4);
    test.expect(good.is_clean() && good.delivered == 4, "a whole stream is clean");
    test.expect(tally_of({}, {0, 1, 3}, 4).lost == 1, "one missing in the middle is lost");
    test.expect(tally_of({}, {1, 2, 3}, 4).lost == 1, "one missing at the start is lost");
    test.expect(tally_of({}, {0, 1}, 4).lost == 2, "two missing at the end are lost");
    test.expect(tally_of({}, {}, 4).lost == 4, "a reader that got nothing lost all");
    test.expect(tally_of({}, {0, 1, 1, 2, 3}, 4).doubled == 1, "a second copy is doubled");

    const Tally swapped = tally_of({}, {0, 2, 1, 3}, 4);
    test.expect(swapped.out_of_order == 1 && swapped.lost == 0 && swapped.doubled == 0,
                "a swapped pair is out of order, not lost");
    const Tally mixed = tally_of({}, {0, 6, 3, 3, 9, 4, 0}, 10);
    test.expect(mixed.out_of_order == 2 && mixed.doubled == 2 && mixed.lost == 5,
                "late ones fill their gap once");
}

void test_late_start(SelfTest& test) {
    Track before_confirmation;
    before_confirmation.open_start();
    test.expect(tally_of(before_confirmation, {7, 8}, 9).is_clean(), "a reader may start at 7");
    Track confirmed = before_confirmation;
    confirmed.confirm_start(9);
    test.expect(tally_of(confirmed, {8, 9}, 10).is_clean(), "it may start before its confirmation");
    test.expect(tally_of(confirmed, {10, 11}, 12).lost == 1,
                "what follows the confirmation must come");
    test.expect(tally_of(confirmed, {8, 10}, 11).lost == 1, "and without a gap");
    test.expect(tally_of(confirmed, {8, 9, 8}, 10).doubled == 1, "and once");
}

void test_in_flight(SelfTest& test) {
    InFlight in_flight(2);
    const std::uint32_t first = in_flight.publish(1, 2);
    test.expect(first == 0 && in_flight.publish(1, 2) == 1, "sequences count up");
    in_flight.delivered(1, first);
    test.expect(in_flight.count() == 2, "half delivered is in flight");
    in_flight.delivered(1, first);
    in_flight.delivered(1, first);
    test.expect(in_flight.count() == 1, "delivered to all is not, and only once");
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        const std::uint32_t sequence = in_flight.publish(0, 1);
        test.expect(sequence == i, "a sequence survives the forgetting of the front");
        in_flight.delivered(0, sequence);
    }
    test.expect(in_flight.count() == 1 && in_flight.published(0) == 20'000, "the count is exact");
}

void test_stamp(SelfTest& test) {
    const Stamp stamp{.stream = 0xabcdef, .sequence = 0x12345678, .sent = 0x123456789abc};
    const std::string payload = make_payload(stamp, 128);
    test.expect(payload.size() == 128, "a payload has its size");
    StampReader reader(128);
    test.expect(reader.find("{\"payload\":\"" + payload + "\"}") == stamp, "a stamp is read back");
    test.expect(reader.find("{\"a\":1,\"payload\":\"" + payload + "\"}") == stamp,
                "at another place too");
    test.expect(!reader.find(payload.substr(0, 127)), "a payload cut short is none");
    test.expect(!reader.find(payload.substr(0, 100) + std::string(28, 'y')), "nor a damaged one");
    test.expect(!reader.find(std::string(200, '@')), "nor a text without a stamp");
}

void test_frames(SelfTest& test) {
    for (const std::size_t size : {0u, 125u, 126u, 65535u, 65536u}) {
        const std::string payload(size, 'p');
        std::string header = "\x81";
        if (size < 126) {
            header += static_cast<char>(size);
        } else {
            const unsigned bytes = size <= 0xffff ? 2 : 8;
            header += static_cast<char>(bytes == 2 ? 126 : 127);
            for (unsigned i = bytes; i-- > 0;)
                header += static_cast<char>(size >> (8 * i) & 0xff);
        }
        Frame frame;
        const std::string bytes = header + payload;
        test.expect(read_frame(bytes + "more", frame) == FrameResult::complete &&
                        frame.payload == payload && frame.frame_bytes == bytes.size(),
                    "a frame of " + std::to_string(size) + " bytes is read");
        test.expect(read_frame(bytes.substr(0, bytes.size() - 1), frame) == FrameResult::incomplete,
                    "and not before its last byte");
    }
    Frame frame;
    std::string own;
    append_frame(own, Opcode::text, "hello, world");
    test.expect(read_frame(own, frame) == FrameResult::broken, "a masked frame is refused");
    test.expect(read_frame(std::string("\x01\x00", 2), frame) == FrameResult::broken,
                "a fragment is refused");
    test.expect(own.find("hello") == std::string::npos, "an own frame is masked");
    test.expect(read_frame("\xc1\x01x", frame) == FrameResult::complete && frame.is_deflated,
                "a compressed frame is read");
    test.expect(read_frame("\xa1\x01x", frame) == FrameResult::broken, "other bits are refused");
    Inflater inflater;
    test.expect(inflater.inflate({"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}) == "Hello",
                "a compressed message is read (RFC 7692 §7.2.3.1)");
    test.expect(!inflater.inflate("\x07"), "and a broken one is refused");
}

void test_answers(SelfTest& test) {
    const std::string head = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n";
    test.expect(answer_size(head + "12345HTTP/1.1") == head.size() + 5, "an HTTP answer is read");
    test.expect(!answer_size(head + "1234"), "and not before its last byte");
    test.expect(!answer_size(head.substr(0, 20)), "nor its head");
}

/// Counts what a protocol makes of a frame.
class Heard final : public Incoming {
public:
    void on_confirmed() override { ++confirmed; }

    void on_message(std::string_view message) override { messages.emplace_back(message); }

    void on_refused(std::string_view /*reason*/) override { ++refused; }

    int confirmed = 0;
    int refused = 0;
    std::vector<std::string> messages;
};

Heard heard(std::string_view protocol, std::string_view frame) {
    Heard heard;
    std::string rest;
    make_protocol(protocol)->read(rest, frame, heard);
    return heard;
}

void test_protocols(SelfTest& test) {
    const Heard replies = heard("centrifugo",
                                "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{}}\n"
                                "{\"push\":{\"channel\":\"r0\"}}\n{}\n{\"push\":{}}");
    test.expect(replies.confirmed == 1 && replies.messages.size() == 2 && replies.refused == 0,
                "the lines of a frame are read one by one");
    test.expect(heard("centrifugo", R"({"id":2,"error":{"code":103}})").refused == 1,
                "a refusal is read");
    test.expect(heard("presence", R"({"type":"ack","id":1})").confirmed == 1,
                "the answer to a join confirms it");
    test.expect(heard("presence", R"({"type":"presence_update","meta":{}})").messages.size() == 1,
                "an update is a message");
    test.expect(heard("presence", R"({"type":"presence_join","meta":{"name":"A User"}})")
                        .messages.empty() &&
                    heard("presence", R"({"type":"presence_sync","users":[]})").messages.empty(),
                "a reader's join and a roster are none");
}

void test_histogram(SelfTest& test) {
    Histogram histogram;
    test.expect(histogram.quantile(0.5) == 0, "an empty histogram has no quantile");
    for (Nanoseconds i = 1; i <= 100'000; ++i)
        histogram.record(i * 1000);
    const auto is_near = [&](double share, double expected) {
        const auto value = static_cast<double>(histogram.quantile(share));
        return value >= expected && value <= expected * 1.02;
    };
    test.expect(is_near(0.5, 50e6) && is_near(0.99, 99e6) && is_near(0.999, 99.9e6),
                "quantiles are within 2 %");
}

}  // namespace

int run_self_test() {
    SelfTest test;
    test_track(test);
    test_late_start(test);
    test_in_flight(test);
    test_stamp(test);
    test_frames(test);
    test_answers(test);
    test_protocols(test);
    test_histogram(test);
    if (test.failures() == 0) std::puts("self-test: the checker is right");
    return test.failures();
}

}  // namespace roomcast::bench
