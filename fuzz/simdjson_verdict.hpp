// SPDX-License-Identifier: Apache-2.0
// simdjson's DOM parser as a second opinion.
#pragma once

#include <string_view>

#include <simdjson.h>

/// Whether it objects to nothing but the size of a number: it wants each to fit in a machine word
/// or a double, where RFC 8259 has no limit. (Versions from 3.2 on have a code of their own for
/// that, which older ones lack: hence the text.)
inline bool is_number_problem(simdjson::error_code error) {
    const std::string_view text = simdjson::error_message(error);
    return error == simdjson::NUMBER_ERROR || text.find("integer") != std::string_view::npos;
}
