// SPDX-License-Identifier: Apache-2.0
// Feeds `.env` files of any bytes to the parser.
#include "app/dotenv.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "util/assert.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto entries = roomcast::parse_dotenv(text);
    if (!entries) {
        ASSERT(entries.error().line >= 1 && !entries.error().reason.empty());
        return 0;
    }
    std::size_t last_line = 0;
    for (const roomcast::DotenvEntry& entry : *entries) {
        ASSERT(entry.line > last_line);  // one entry a line, in order
        ASSERT(!entry.name.empty() && entry.name.size() + entry.value.size() < size);
        ASSERT(entry.value.find('\0') == std::string::npos);
        last_line = entry.line;
    }
    return 0;
}
