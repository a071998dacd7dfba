// SPDX-License-Identifier: Apache-2.0
// Slots as `redis-cli cluster keyslot` of Redis 7.0 gives them.
#include <string>

#include <gtest/gtest.h>

#include "redis/client.hpp"

namespace roomcast::redis {
namespace {

TEST(KeySlotTest, IsWhatRedisComputes) {
    struct Case {
        std::string_view key;
        std::uint16_t slot;
    };

    const Case cases[] = {
        {"", 0},
        {"123456789", 12739},
        {"user1000", 3443},
        {"{user1000}.following", 3443},
        {"presence:{room}:users", 15960},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"foo{bar", 15278},
        {"broadcast.lobby", 3211},
        {"ein Raum mit Ümläuten ☃", 13693},
        {"}{a}", 15495},
        {"{}", 15257},
    };
    for (const Case& expected : cases)
        EXPECT_EQ(key_slot(expected.key), expected.slot) << expected.key;
}

TEST(KeySlotTest, IsOneForKeysWithTheSamePartInBraces) {
    EXPECT_EQ(key_slot("{user1000}.following"), key_slot("user1000"));
    EXPECT_EQ(key_slot("{user1000}.followers"), key_slot("{user1000}.following"));
    EXPECT_NE(key_slot("user1000.followers"), key_slot("user1000.following"));
}

TEST(HashedPartTest, IsWhatStandsInTheFirstBraces) {
    struct Case {
        std::string_view key;
        std::string_view part;
    };

    const Case cases[] = {
        {"", ""},
        {"user1000", "user1000"},
        {"{user1000}.following", "user1000"},
        {"presence:{room}", "room"},
        {"foo{bar}{zap}", "bar"},
        {"foo{}{bar}", "foo{}{bar}"},
        {"foo{{bar}}zap", "{bar"},
        {"foo{bar", "foo{bar"},
        {"foo}bar{", "foo}bar{"},
        {"}{a}", "a"},
        {"{}", "{}"},
    };
    for (const Case& expected : cases)
        EXPECT_EQ(hashed_part(expected.key), expected.part) << expected.key;
}

}  // namespace
}  // namespace roomcast::redis
