// SPDX-License-Identifier: Apache-2.0
#include "auth/api_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ApiKeysTest, SecretFindsItsNameAndRole) {
    const auto keys = ApiKeys::parse("web:s3cret,ops:0p3ratr:admin, ci:b0t:service");
    ASSERT_TRUE(keys);
    ASSERT_NE(keys->find("s3cret"), nullptr);
    EXPECT_EQ(keys->find("s3cret")->name, "web");
    EXPECT_EQ(keys->find("s3cret")->role, "service");
    ASSERT_NE(keys->find("0p3ratr"), nullptr);
    EXPECT_EQ(keys->find("0p3ratr")->role, "admin");
    ASSERT_NE(keys->find("b0t"), nullptr);
    EXPECT_EQ(keys->find("b0t")->name, "ci");
}

TEST(ApiKeysTest, OtherTextsFindNothing) {
    const auto keys = ApiKeys::parse("web:s3cret");
    ASSERT_TRUE(keys);
    for (const char* secret : {"", "web", "s3cre", "s3cret ", "S3cret", "web:s3cret", "s3cret1"}) {
        EXPECT_EQ(keys->find(secret), nullptr) << secret;
    }
}

TEST(ApiKeysTest, WithoutKeysNothingIsFound) {
    EXPECT_TRUE(ApiKeys().is_empty());
    EXPECT_EQ(ApiKeys().find(""), nullptr);
}

struct BadKeys {
    const char* text;
    const char* problem;
};

class BadApiKeysTest : public testing::TestWithParam<BadKeys> {};

TEST_P(BadApiKeysTest, ErrorNamesTheEntryAndPrintsNoSecret) {
    const auto keys = ApiKeys::parse(GetParam().text);
    ASSERT_FALSE(keys);
    EXPECT_THAT(keys.error(), HasSubstr(GetParam().problem));
    EXPECT_THAT(keys.error(), Not(HasSubstr("hush")));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BadApiKeysTest,
    testing::Values(BadKeys{"", "entry 1 is empty"},
                    BadKeys{"web:hush,,b:hush2", "entry 2 is empty"},
                    BadKeys{"hush", "entry 1 has no \":\""},
                    BadKeys{":hush", "entry 1 has no name"},
                    BadKeys{"web:", "entry 1 has no secret"},
                    BadKeys{"web::admin", "entry 1 has no secret"},
                    BadKeys{"a:hush1,web:hush2:root", "entry 2 has a role other than"},
                    BadKeys{"web:hush:hush:admin", "entry 1 has a role other than"},
                    BadKeys{"web:hush:", "entry 1 has a role other than"},
                    BadKeys{"web:hush1,web:hush2", "entry 2 has the name of another"},
                    BadKeys{"a:hush,b:hush:admin", "entry 2 has the secret of another"}));

}  // namespace
}  // namespace roomcast
