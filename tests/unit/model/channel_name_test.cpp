// SPDX-License-Identifier: Apache-2.0
#include "model/channel_name.hpp"

#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

ChannelName name(std::string_view text) {
    const auto made = ChannelName::make(text);
    return *made;
}

void expect_refused(std::string_view text) {
    const auto made = ChannelName::make(text);
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error(), Errc::bad_channel);
}

TEST(ChannelNameTest, KeepsItsTextAsItCame) {
    for (const std::string text :
         {"a", " a b ", "room:1", "*", "a/b?c#d%00", "räume🎈", "\u200b"}) {
        EXPECT_EQ(name(text).text(), text);
    }
}

TEST(ChannelNameTest, HasAtMost256Bytes) {
    EXPECT_EQ(name(std::string(256, 'x')).text().size(), 256U);
    expect_refused(std::string(257, 'x'));
}

TEST(ChannelNameTest, IsNeverMadeEmpty) {
    expect_refused("");
}

TEST(ChannelNameTest, HasNoControlCharacters) {
    for (int c = 0; c < 0x20; ++c)
        expect_refused(std::string("a") + static_cast<char>(c) + "b");
    expect_refused("\x7f");
    expect_refused("a\u0080");
    expect_refused("a\u009f");
    EXPECT_EQ(name("a\u00a0").text(), "a\u00a0");
}

TEST(ChannelNameTest, MayHoldBytesOfC1RangeWithinOtherCharacters) {
    // U+0105 is C4 85 and U+4085 is E4 82 85: no control characters.
    EXPECT_EQ(name("\u0105\u4085").text(), "\u0105\u4085");
}

TEST(ChannelNameTest, IsEqualByTextAndHash) {
    const ChannelName one = name("lobby");
    const ChannelName other = name("lobby");
    EXPECT_EQ(one, other);
    EXPECT_EQ(one.hash(), other.hash());
    EXPECT_FALSE(one == name("Lobby"));
}

TEST(ChannelNameTest, NamesNothingByDefault) {
    const ChannelName none;
    EXPECT_TRUE(none.is_empty());
    EXPECT_EQ(none.text(), "");
    EXPECT_EQ(none, ChannelName());
    EXPECT_FALSE(none == name("a"));
}

TEST(ChannelNameTest, LivesAsLongAsItsLastCopy) {
    ChannelName copy;
    {
        const ChannelName original = name("lobby");
        copy = original;
    }
    EXPECT_EQ(copy.text(), "lobby");
    const ChannelName moved = std::move(copy);
    EXPECT_EQ(moved.text(), "lobby");
}

TEST(ChannelNameTest, MayBeAssignedToItself) {
    ChannelName channel = name("lobby");
    const ChannelName& same = channel;
    channel = same;
    EXPECT_EQ(channel.text(), "lobby");
}

TEST(ChannelNameTest, MayBeCopiedByManyThreads) {
    const ChannelName shared = name("lobby");
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([shared] {
            for (int i = 0; i < 1'000; ++i) {
                const ChannelName copy = shared;
                ASSERT_EQ(copy.text(), "lobby");
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
}

TEST(ChannelNameTest, IsAKeyOfContainers) {
    std::unordered_set<ChannelName, ChannelNameHash> names = {name("a"), name("b"), name("a")};
    EXPECT_EQ(names.size(), 2U);
    EXPECT_TRUE(names.contains(name("b")));
}

}  // namespace
}  // namespace roomcast
