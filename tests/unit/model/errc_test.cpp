// SPDX-License-Identifier: Apache-2.0
#include "model/errc.hpp"

#include <gtest/gtest.h>

namespace roomcast {
namespace {

TEST(ErrcTest, HasTheCodesAndReasonsOfTheProtocol) {
    struct Row {
        Errc errc;
        int code;
        std::string_view reason;
    };

    for (const Row& row : {Row{Errc::bad_message, 4000, "bad_message"},
                           Row{Errc::forbidden, 4003, "forbidden"},
                           Row{Errc::bad_channel, 4004, "bad_channel"},
                           Row{Errc::limit, 4005, "limit"},
                           Row{Errc::rate_limited, 4029, "rate_limited"},
                           Row{Errc::unavailable, 4500, "unavailable"},
                           Row{Errc::broker_blocked, 4500, "broker_blocked"},
                           Row{Errc::invalid_token, 4401, "invalid_token"},
                           Row{Errc::wrong_user, 4403, "wrong_user"}}) {
        EXPECT_EQ(wire_code(row.errc), row.code);
        EXPECT_EQ(wire_reason(row.errc), row.reason);
    }
}

}  // namespace
}  // namespace roomcast
