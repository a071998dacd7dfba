// SPDX-License-Identifier: Apache-2.0
#include "model/errc.hpp"

#include "util/assert.hpp"

namespace roomcast {

int wire_code(Errc errc) {
    switch (errc) {
        case Errc::bad_message:
            return 4000;
        case Errc::forbidden:
            return 4003;
        case Errc::bad_channel:
            return 4004;
        case Errc::limit:
            return 4005;
        case Errc::rate_limited:
            return 4029;
        case Errc::unavailable:
        case Errc::broker_blocked:
            return 4500;
        case Errc::invalid_token:
            return 4401;
        case Errc::wrong_user:
            return 4403;
    }
    ASSERT(false);
}

std::string_view wire_reason(Errc errc) {
    switch (errc) {
        case Errc::bad_message:
            return "bad_message";
        case Errc::forbidden:
            return "forbidden";
        case Errc::bad_channel:
            return "bad_channel";
        case Errc::limit:
            return "limit";
        case Errc::rate_limited:
            return "rate_limited";
        case Errc::unavailable:
            return "unavailable";
        case Errc::broker_blocked:
            return "broker_blocked";
        case Errc::invalid_token:
            return "invalid_token";
        case Errc::wrong_user:
            return "wrong_user";
    }
    ASSERT(false);
}

}  // namespace roomcast
