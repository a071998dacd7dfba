// SPDX-License-Identifier: Apache-2.0
#include "model/frame.hpp"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

TEST(FrameTest, HoldsHeaderAndTextBehindEachOther) {
    const FramePtr frame(Frame::make("hh", "text"));
    EXPECT_EQ(frame->bytes(), "hhtext");
    EXPECT_EQ(frame->text(), "text");
}

TEST(FrameTest, MayBeEmpty) {
    const FramePtr frame(Frame::make("", ""));
    EXPECT_EQ(frame->bytes(), "");
    EXPECT_EQ(frame->text(), "");
}

TEST(FrameTest, CopiesWhatItIsMadeFrom) {
    std::string text = "before";
    const FramePtr frame(Frame::make("h", text));
    text = "after!";
    EXPECT_EQ(frame->text(), "before");
}

TEST(FrameTest, LivesAsLongAsItsLastReference) {
    FramePtr last;
    {
        const FramePtr first(Frame::make("h", "text"));
        last = first;
    }
    EXPECT_EQ(last->text(), "text");
}

TEST(FrameTest, MayBeSharedBetweenThreads) {
    const FramePtr frame(Frame::make("h", "text"));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([frame] {
            for (int i = 0; i < 1'000; ++i) {
                const FramePtr copy = frame;
                ASSERT_EQ(copy->text(), "text");
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
}

TEST(LocalFrameTest, KeepsTheSharedFrameAlive) {
    LocalFramePtr local = make_local(FramePtr(Frame::make("h", "text")));
    const LocalFramePtr copy = local;
    local = LocalFramePtr();
    EXPECT_EQ(copy->bytes(), "htext");
    EXPECT_EQ(copy->text(), "text");
}

TEST(RefTest, GivesItsReferenceAway) {
    FramePtr frame(Frame::make("h", "text"));
    Frame* const detached = frame.detach();
    EXPECT_FALSE(frame);
    EXPECT_EQ(detached->text(), "text");
    detached->release();
}

}  // namespace
}  // namespace roomcast
