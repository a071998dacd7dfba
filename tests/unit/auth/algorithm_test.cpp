// SPDX-License-Identifier: Apache-2.0
#include "auth/algorithm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::HasSubstr;

TEST(AlgorithmTest, NamesAreComparedByteForByte) {
    EXPECT_EQ(find_algorithm("HS256"), Algorithm::hs256);
    EXPECT_EQ(find_algorithm("EdDSA"), Algorithm::eddsa);
    for (const char* name : {"", "none", "None", "hs256", "HS256 ", "EDDSA", "PS256", "ES384"}) {
        EXPECT_EQ(find_algorithm(name), std::nullopt) << name;
    }
}

TEST(AlgorithmTest, DefaultLeavesLongHmacsOut) {
    EXPECT_TRUE(kDefaultAlgorithms.contains(Algorithm::hs256));
    EXPECT_TRUE(kDefaultAlgorithms.contains(Algorithm::es256));
    EXPECT_FALSE(kDefaultAlgorithms.contains(Algorithm::hs384));
    EXPECT_FALSE(kDefaultAlgorithms.contains(Algorithm::hs512));
}

TEST(AlgorithmTest, ListHoldsWhatItNamesAndNothingElse) {
    const auto algorithms = parse_algorithms("HS256, HS512");
    ASSERT_TRUE(algorithms);
    EXPECT_EQ(*algorithms, (AlgorithmSet{Algorithm::hs256, Algorithm::hs512}));
}

TEST(AlgorithmTest, ListWithAnUnknownNameSaysWhatIsAllowed) {
    for (const char* list : {"none", "HS256,none", "", "HS256,,RS256", "hs256"}) {
        const auto algorithms = parse_algorithms(list);
        ASSERT_FALSE(algorithms) << list;
        EXPECT_THAT(algorithms.error(), HasSubstr("HS256, HS384, HS512, RS256, ES256 and EdDSA"));
    }
}

}  // namespace
}  // namespace roomcast
