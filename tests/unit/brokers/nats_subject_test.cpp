// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_subject.hpp"

#include <set>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

std::string subject_of(std::string_view name) {
    return NatsSubjects("rc").of(*ChannelName::make(name));
}

TEST(NatsSubjectsTest, ANameIsOneTokenWhateverItsCharacters) {
    EXPECT_EQ(subject_of("room-1_A"), "rc.room-1_A");
    EXPECT_EQ(subject_of("a.b"), "rc.a%2Eb");
    EXPECT_EQ(subject_of("*"), "rc.%2A");
    EXPECT_EQ(subject_of(">"), "rc.%3E");
    EXPECT_EQ(subject_of("a b"), "rc.a%20b");
    EXPECT_EQ(subject_of("%2E"), "rc.%252E");
    EXPECT_EQ(subject_of("\u00fc"), "rc.%C3%BC");
    EXPECT_EQ(subject_of(std::string(256, '#')).size(), 3U + 768U);
}

TEST(NatsSubjectsTest, NoTwoNamesShareASubjectAndNoneIsOurOwn) {
    const NatsSubjects subjects("rc");
    std::set<std::string> seen = {subjects.control(), subjects.probe()};
    const std::vector<std::string> names = {
        "rc.control", "rc%2Econtrol", "a", "A", "%61", "a%", "%", "%25", "rc", "control", " "};
    for (const std::string& name : names)
        EXPECT_TRUE(seen.insert(subject_of(name)).second) << name;
}

TEST(NatsSubjectsTest, APrefixHasTokensOfPlainLetters) {
    for (const std::string_view good : {"roomcast", "a.b-c._", "A1"}) {
        EXPECT_TRUE(NatsSubjects::is_prefix(good)) << good;
    }
    EXPECT_TRUE(NatsSubjects::is_prefix(std::string(128, 'x')));
    EXPECT_FALSE(NatsSubjects::is_prefix(std::string(129, 'x')));
    for (const std::string_view bad :
         {"", ".", ".a", "a.", "a..b", "a.*", ">", "a b", "a\r\nPUB", "%41", "gr\u00fc\u00df"}) {
        EXPECT_FALSE(NatsSubjects::is_prefix(bad)) << bad;
    }
}

}  // namespace
}  // namespace roomcast
