// SPDX-License-Identifier: Apache-2.0
#include "gateway/byte_queue.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/footprint.hpp"

namespace roomcast {
namespace {

TEST(ByteQueueTest, BytesComeOutAsTheyWentIn) {
    ByteQueue queue;
    EXPECT_TRUE(queue.bytes().empty());
    queue.append("abc");
    queue.append("def");
    EXPECT_EQ(queue.bytes(), "abcdef");
    queue.consume(4);
    EXPECT_EQ(queue.bytes(), "ef");
    queue.append("ghi");
    EXPECT_EQ(queue.bytes(), "efghi");
    queue.consume(5);
    EXPECT_TRUE(queue.bytes().empty());
    queue.append("j");
    EXPECT_EQ(queue.bytes(), "j");
}

TEST(ByteQueueTest, PiecesOfAnySizeKeepTheOrder) {
    ByteQueue queue;
    unsigned char written = 0;
    unsigned char read = 0;
    for (std::size_t step = 1; step < 2'000; ++step) {
        std::string piece;
        for (std::size_t i = 0; i < step % 97; ++i)
            piece += static_cast<char>(written++);
        queue.append(piece);
        const std::string_view taken = queue.bytes().substr(0, step % 89);
        for (const char byte : taken)
            ASSERT_EQ(static_cast<unsigned char>(byte), read++);
        queue.consume(taken.size());
    }
}

TEST(ByteQueueTest, HoldsNoMemoryWhenEmpty) {
    if (!test::kIsHeapMeasurable) GTEST_SKIP() << "not under sanitizers";
    ByteQueue queue;
    const std::size_t before = test::heap_bytes();
    queue.append(std::string(100'000, 'x'));
    EXPECT_GE(test::heap_bytes(), before + 100'000);
    queue.consume(100'000);
    EXPECT_EQ(test::heap_bytes(), before);
}

TEST(ByteQueueTest, OneThatNeverBecomesEmptyDoesNotGrow) {
    if (!test::kIsHeapMeasurable) GTEST_SKIP() << "not under sanitizers";
    ByteQueue queue;
    const std::string piece(10'000, 'x');
    const std::size_t before = test::heap_bytes();
    queue.append(piece);
    for (int i = 0; i < 1'000; ++i) {
        queue.append(piece);
        queue.consume(piece.size());
    }
    EXPECT_EQ(queue.bytes().size(), piece.size());
    EXPECT_LT(test::heap_bytes(), before + 10 * piece.size());
}

}  // namespace
}  // namespace roomcast
