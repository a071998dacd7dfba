// SPDX-License-Identifier: Apache-2.0
#include "codec/utf8.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace roomcast {
namespace {

const std::string_view kValid[] = {
    "",
    "plain",
    "\x7f",
    "\xc2\x80",          // U+0080, the first of two bytes
    "\xdf\xbf",          // U+07FF, the last
    "\xe0\xa0\x80",      // U+0800, the first of three
    "\xed\x9f\xbf",      // U+D7FF, before the surrogates
    "\xee\x80\x80",      // U+E000, behind them
    "\xef\xbf\xbf",      // U+FFFF
    "\xf0\x90\x80\x80",  // U+10000, the first of four
    "\xf4\x8f\xbf\xbf",  // U+10FFFF, the last of all
    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
};

struct Invalid {
    std::string_view text;
    std::size_t offending;  // the byte that rules out every continuation
};

const Invalid kInvalid[] = {
    {"\x80", 0},  // a continuation without a start
    {"a\xbf", 1},
    {"\xc0\x80", 0},  // overlong NUL
    {"\xc1\xbf", 0},  // overlong U+007F
    {"\xc2\x41", 1},  // a start without a continuation
    {"\xc2\xc2", 1},
    {"\xe0\x9f\xbf", 1},      // overlong U+07FF
    {"\xed\xa0\x80", 1},      // U+D800, a surrogate
    {"\xed\xbf\xbf", 1},      // U+DFFF
    {"\xf0\x8f\xbf\xbf", 1},  // overlong U+FFFF
    {"\xf4\x90\x80\x80", 1},  // U+110000
    {"\xf5\x80\x80\x80", 0},
    {"\xf8\x88\x80\x80\x80", 0},
    {"\xff", 0},
    {"\xe2\x82\x41", 2},
    {"\xf0\x9f\x98\xe2", 3},
};

/// Texts around the validator's block sizes, with `text` in the middle.
std::string embedded(std::string_view text, std::size_t before, std::size_t behind) {
    return std::string(before, 'a') + std::string(text) + std::string(behind, 'z');
}

TEST(Utf8Test, TakesEveryBoundaryOfRfc3629) {
    for (const auto text : kValid) {
        for (const std::size_t before : {0U, 1U, 29U, 31U, 32U, 63U, 64U, 200U}) {
            EXPECT_TRUE(is_valid_utf8(embedded(text, before, 3))) << text << " behind " << before;
        }
    }
}

TEST(Utf8Test, RefusesWhatRfc3629Excludes) {
    for (const auto& [text, offending] : kInvalid) {
        EXPECT_FALSE(is_valid_utf8(text)) << text;
        EXPECT_FALSE(is_valid_utf8(embedded(text, 70, 70))) << text;
    }
    for (const std::string_view cut : {"\xc2", "\xe2\x82", "\xf0\x9f\x98"}) {
        EXPECT_FALSE(is_valid_utf8(cut)) << cut;
    }
}

TEST(Utf8ValidatorTest, TakesValidTextInTwoChunksCutAnywhere) {
    for (const auto text : kValid) {
        const std::string whole = embedded(text, 33, 33);
        for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
            Utf8Validator validator;
            EXPECT_TRUE(validator.consume(std::string_view(whole).substr(0, cut)));
            EXPECT_TRUE(validator.consume(std::string_view(whole).substr(cut))) << cut;
            EXPECT_TRUE(validator.is_complete());
        }
    }
}

TEST(Utf8ValidatorTest, FailsAtTheOffendingByteAndNotBefore) {
    for (const auto& [text, offending] : kInvalid) {
        for (const std::size_t before : {0U, 40U}) {
            const std::string whole = embedded(text, before, 0);
            Utf8Validator validator;
            for (std::size_t i = 0; i < before + offending; ++i) {
                ASSERT_TRUE(validator.consume(whole.substr(i, 1))) << text << " at " << i;
            }
            EXPECT_FALSE(validator.consume(whole.substr(before + offending, 1))) << text;

            Utf8Validator at_once;
            EXPECT_FALSE(at_once.consume(whole.substr(0, before + offending + 1))) << text;
        }
    }
}

TEST(Utf8ValidatorTest, KnowsThatACharacterIsUnfinished) {
    for (const std::string_view cut : {"\xc2", "\xe2\x82", "\xf0\x9f\x98"}) {
        Utf8Validator validator;
        EXPECT_TRUE(validator.consume(embedded(cut, 64, 0)));
        EXPECT_FALSE(validator.is_complete());
    }
}

}  // namespace
}  // namespace roomcast
