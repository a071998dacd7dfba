// SPDX-License-Identifier: Apache-2.0
#include "gateway/outbox.hpp"

#include <deque>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

LocalFramePtr frame(std::string_view text) {
    return make_local(FramePtr(Frame::make({}, text)));
}

std::string unsent(const Outbox& outbox) {
    std::string text(outbox.bytes(), '\0');
    outbox.copy(outbox.frame_count(), text.data());
    return text;
}

TEST(OutboxTest, GivesFramesInOrderAndSkipsWhatWasSent) {
    Outbox outbox;
    outbox.push_live(frame("abc"));
    outbox.push_live(frame("defg"));
    outbox.consume(4);
    EXPECT_EQ(outbox.front(), "efg");
    EXPECT_EQ(outbox.bytes(), 3U);
    outbox.consume(3);
    EXPECT_TRUE(outbox.is_empty());
    EXPECT_EQ(outbox.front(), "");
}

TEST(OutboxTest, AnswersDoNotCountAsLive) {
    Outbox outbox;
    outbox.push_answer(frame(std::string(1'000, 'a')));
    outbox.push_live(frame("live"));
    EXPECT_EQ(outbox.bytes(), 1'004U);
    EXPECT_EQ(outbox.live_bytes(), 4U);
    outbox.consume(1'002);
    EXPECT_EQ(outbox.live_bytes(), 4U) << "a frame counts until it is wholly sent";
    outbox.consume(2);
    EXPECT_EQ(outbox.live_bytes(), 0U);
}

TEST(OutboxTest, DropsAllButAFrameThatIsPartlySent) {
    Outbox outbox;
    outbox.push_live(frame("abc"));
    outbox.push_live(frame("def"));
    outbox.push_answer(frame("ghi"));
    outbox.consume(1);
    outbox.drop_unsent();
    EXPECT_EQ(unsent(outbox), "bc");
    EXPECT_EQ(outbox.live_bytes(), 3U);
    outbox.consume(2);
    outbox.push_live(frame("jkl"));
    outbox.drop_unsent();
    EXPECT_TRUE(outbox.is_empty());
    EXPECT_EQ(outbox.live_bytes(), 0U);
}

TEST(OutboxTest, MeasuresWholeFramesUpToALimitAndAtLeastOne) {
    Outbox outbox;
    std::size_t bytes = 7;
    EXPECT_EQ(outbox.measure(100, bytes), 0U);
    EXPECT_EQ(bytes, 0U);
    outbox.push_live(frame("0123456789"));
    outbox.push_live(frame("0123456789"));
    outbox.push_live(frame("0123456789"));
    EXPECT_EQ(outbox.measure(25, bytes), 2U);
    EXPECT_EQ(bytes, 20U);
    EXPECT_EQ(outbox.measure(5, bytes), 1U);
    EXPECT_EQ(bytes, 10U);
    outbox.consume(6);
    EXPECT_EQ(outbox.measure(25, bytes), 3U);
    EXPECT_EQ(bytes, 24U);
}

TEST(OutboxTest, KnowsWhenAnotherHasTheSameFramesQueued) {
    const LocalFramePtr first = frame("first");
    const LocalFramePtr second = frame("second");
    Outbox a;
    Outbox b;
    a.push_live(first);
    a.push_live(second);
    b.push_live(first);
    b.push_live(second);
    EXPECT_TRUE(a.starts_like(b, 2));
    b.push_live(first);
    EXPECT_TRUE(a.starts_like(b, 2));
    EXPECT_FALSE(a.starts_like(b, 3));
    b.consume(1);
    EXPECT_FALSE(a.starts_like(b, 2)) << "one is ahead by a byte";
    a.consume(1);
    EXPECT_TRUE(a.starts_like(b, 2));
    Outbox equal_text;
    equal_text.push_live(frame("first"));
    equal_text.consume(1);
    EXPECT_FALSE(a.starts_like(equal_text, 1)) << "the same frame is meant, not the same text";
}

TEST(OutboxTest, BehavesLikeAQueueOfBytesUnderRandomUse) {
    std::mt19937 random(20240607);
    Outbox outbox;
    std::string model;
    for (int step = 0; step < 20'000; ++step) {
        if (random() % 3 != 0) {
            const std::string text(random() % 50 + 1, static_cast<char>('a' + random() % 26));
            outbox.push_live(frame(text));
            model += text;
        } else {
            const std::size_t bytes = model.empty() ? 0 : random() % (model.size() + 1);
            outbox.consume(bytes);
            model.erase(0, bytes);
            if (outbox.is_empty()) outbox.shrink();
        }
        ASSERT_EQ(outbox.bytes(), model.size());
        if (step % 64 == 0) {
            ASSERT_EQ(unsent(outbox), model);
        }
    }
}

}  // namespace
}  // namespace roomcast
