// SPDX-License-Identifier: Apache-2.0
#include "gateway/frame_deflater.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

LocalFramePtr frame(std::string_view text) {
    return make_local(FramePtr(Frame::make("hh", text)));
}

std::string inflated(const LocalFramePtr& frame) {
    websocket::Inflater inflater;
    EXPECT_EQ(static_cast<unsigned char>(frame->bytes().front()), 0xc1);
    return std::string(*inflater.inflate(frame->text(), 1 << 20));
}

class FrameDeflaterTest : public testing::Test {
protected:
    ShardMetrics metrics_;
    FrameDeflater deflater_{metrics_};
};

TEST_F(FrameDeflaterTest, CompressesAFrameOnceForAll) {
    const std::string text(1'000, 'x');
    const LocalFramePtr plain = frame(text);
    const LocalFramePtr first = deflater_.choose(plain, 15);
    EXPECT_EQ(inflated(first), text);
    EXPECT_EQ(deflater_.choose(plain, 15).get(), first.get());
    EXPECT_EQ(deflater_.choose(plain, 10).get(), first.get()) << "the text fits its window";
    EXPECT_EQ(metrics_.deflate_input.value(), 1'000U);
    EXPECT_EQ(metrics_.deflate_output.value(), first->text().size());
    EXPECT_EQ(plain->text(), text) << "the others get it as it was";
}

TEST_F(FrameDeflaterTest, LeavesWhatIsShortOrVeryLong) {
    for (const std::size_t size : {0U, 255U, 262'145U}) {
        const LocalFramePtr plain = frame(std::string(size, 'x'));
        EXPECT_EQ(deflater_.choose(plain, 15).get(), plain.get()) << size;
    }
    for (const std::size_t size : {256U, 262'144U}) {
        EXPECT_EQ(inflated(deflater_.choose(frame(std::string(size, 'x')), 15)).size(), size);
    }
}

TEST_F(FrameDeflaterTest, LeavesWhatExceedsTheWindowOfTheClient) {
    const LocalFramePtr plain = frame(std::string(4'097, 'x'));
    EXPECT_EQ(deflater_.choose(plain, 12).get(), plain.get());
    EXPECT_EQ(inflated(deflater_.choose(plain, 13)).size(), 4'097U);
    const LocalFramePtr fitting = frame(std::string(4'096, 'x'));
    EXPECT_NE(deflater_.choose(fitting, 12).get(), fitting.get());
}

TEST_F(FrameDeflaterTest, TriesOnceWhatDoesNotGetShorter) {
    std::mt19937 random(1);
    std::string noise;
    while (noise.size() < 1'000)
        noise += static_cast<char>(random());
    const LocalFramePtr plain = frame(noise);
    EXPECT_EQ(deflater_.choose(plain, 15).get(), plain.get());
    EXPECT_TRUE(plain->is_deflate_tried());
    EXPECT_EQ(deflater_.choose(plain, 15).get(), plain.get());
    EXPECT_EQ(metrics_.deflate_input.value(), 0U);
}

}  // namespace
}  // namespace roomcast
