// SPDX-License-Identifier: Apache-2.0
#include "util/hash.hpp"

#include <string>
#include <unordered_map>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

/// Bytes 00 01 02 …, as the SipHash paper's test vectors use them.
std::string counting_bytes(std::size_t size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i)
        bytes += static_cast<char>(i);
    return bytes;
}

struct Vector {
    std::size_t size;
    std::uint64_t hash;
};

// Made with CPython's str hash (SipHash-1-3, PYTHONHASHSEED=0 gives the key of zeros).
TEST(SipHashTest, AgreesWithAnotherImplementationForTheKeyOfZeros) {
    for (const auto& [size, hash] : {Vector{1, 0x68a914128e01e473},
                                     Vector{7, 0x2f098ab0c751325a},
                                     Vector{8, 0xead411e67ebe2eea},
                                     Vector{15, 0xf30eb725bb91c9ea},
                                     Vector{63, 0x385d3e39e5f37359}}) {
        EXPECT_EQ(sip_hash({0, 0}, counting_bytes(size)), hash) << size << " bytes";
    }
}

TEST(SipHashTest, AgreesWithTheReferenceVectorForTheKeyOfCountingBytes) {
    const HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    EXPECT_EQ(sip_hash(key, ""), 0xabac0158050fc4dcU);
}

TEST(SipHashTest, DependsOnEachHalfOfTheKey) {
    EXPECT_NE(sip_hash({0, 0}, "lobby"), sip_hash({1, 0}, "lobby"));
    EXPECT_NE(sip_hash({0, 0}, "lobby"), sip_hash({0, 1}, "lobby"));
}

TEST(SeededStringHashTest, FindsAStringByAView) {
    std::unordered_map<std::string, int, SeededStringHash, std::equal_to<>> numbers;
    numbers["lobby"] = 7;
    const auto found = numbers.find(std::string_view("lobby, and more").substr(0, 5));
    ASSERT_NE(found, numbers.end());
    EXPECT_EQ(found->second, 7);
}

}  // namespace
}  // namespace roomcast
