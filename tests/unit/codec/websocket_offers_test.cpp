// SPDX-License-Identifier: Apache-2.0
// What is answered to which offer (RFC 7692, section 7.1).
#include <string>

#include <gtest/gtest.h>

#include "codec/websocket_deflate.hpp"

namespace roomcast::websocket {
namespace {

constexpr const char* kAnswer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

struct Case {
    const char* offers;
    int window_bits;                                     // 0: declined
    bool is_told = window_bits < 15 && window_bits > 0;  // in the answer
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
    return out << one.offers;
}

class WebSocketOffersTest : public testing::TestWithParam<Case> {};

TEST_P(WebSocketOffersTest, AreJudgedAsTheRfcSays) {
    const auto& [offers, window_bits, is_told] = GetParam();
    const auto agreement = agree_on_deflate(offers);
    ASSERT_EQ(agreement.has_value(), window_bits != 0);
    if (!agreement) return;
    EXPECT_EQ(agreement->server_window_bits, window_bits);
    const std::string window = "; server_max_window_bits=" + std::to_string(window_bits);
    EXPECT_EQ(agreement->response, kAnswer + (is_told ? window : ""));
}

constexpr Case kCases[] = {
    {"permessage-deflate", 15},
    {"  permessage-deflate\t", 15},
    {"permessage-deflate; client_max_window_bits", 15},
    {"permessage-deflate;client_max_window_bits=8", 15},
    {"permessage-deflate; client_max_window_bits = \"15\"", 15},
    {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", 15},
    {"permessage-deflate; server_max_window_bits=8", 8},
    {"permessage-deflate; server_max_window_bits=9; client_max_window_bits=9", 9},
    {"permessage-deflate; server_max_window_bits=10", 10},
    {"permessage-deflate; server_max_window_bits=\"12\"", 12},
    {"permessage-deflate; server_max_window_bits=\"1\\2\"", 12},
    {"permessage-deflate; server_max_window_bits=15", 15, true},
    // Several offers: the first that can be accepted.
    {"permessage-deflate; server_max_window_bits=10, permessage-deflate", 10},
    {"permessage-deflate; server_max_window_bits=7, permessage-deflate; fallback, "
     "permessage-deflate",
     15},
    {"x-webkit-deflate-frame, bbf-usp-protocol; a=\"b\", permessage-deflate", 15},
    {", ,permessage-deflate,,", 15},
    // Wrong values.
    {"permessage-deflate; server_max_window_bits", 0},
    {"permessage-deflate; server_max_window_bits=7", 0},
    {"permessage-deflate; server_max_window_bits=16", 0},
    {"permessage-deflate; server_max_window_bits=08", 0},
    {"permessage-deflate; server_max_window_bits=010", 0},
    {"permessage-deflate; server_max_window_bits=1", 0},
    {"permessage-deflate; server_max_window_bits=1x", 0},
    {"permessage-deflate; server_max_window_bits=+9", 0},
    {"permessage-deflate; client_max_window_bits=7", 0},
    {"permessage-deflate; client_max_window_bits=16", 0},
    {"permessage-deflate; client_max_window_bits=ten", 0},
    {"permessage-deflate; server_no_context_takeover=1", 0},
    {"permessage-deflate; client_no_context_takeover=true", 0},
    // Unknown or repeated parameters.
    {"permessage-deflate; unknown", 0},
    {"permessage-deflate; Client_Max_Window_Bits", 0},
    {"permessage-deflate; client_max_window_bits; client_max_window_bits", 0},
    {"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", 0},
    {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", 0},
    // Other extensions.
    {"", 0},
    {"permessage-bzip2", 0},
    {"permessage-deflate2", 0},
    // A broken syntax offers nothing, wherever it is broken.
    {"permessage-deflate;", 0},
    {"permessage-deflate; =1", 0},
    {"permessage-deflate; client_max_window_bits=", 0},
    {"permessage-deflate; client_max_window_bits=\"\"", 0},
    {"permessage-deflate; client_max_window_bits=\"10", 0},
    {"permessage-deflate; client_max_window_bits=\"10\\", 0},
    {"permessage-deflate; client_max_window_bits=\"1 0\"", 0},
    {"permessage-deflate client_max_window_bits", 0},
    {"permessage-deflate, a b", 0},
    {"permessage-deflate, \"x\"", 0},
    {"permessage-deflate, ;x", 0},
    {"per/message", 0},
};

INSTANTIATE_TEST_SUITE_P(Table, WebSocketOffersTest, testing::ValuesIn(kCases));

}  // namespace
}  // namespace roomcast::websocket
