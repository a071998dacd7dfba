// SPDX-License-Identifier: Apache-2.0
// A server's replies in one piece and in many: what is read must be the same, and within the
// limits. The first four bytes of the input are the sizes of the pieces, in turn.
#include "codec/resp.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/feed_both.hpp"
#include "fuzz/require.hpp"

namespace {

using namespace roomcast;

constexpr resp::ReaderLimits kLimits{
    .text_bytes = 300, .total_bytes = 4'000, .items = 24, .depth = 5};

/// The size of a reply as its limit counts it.
std::size_t check(const resp::Value& value, std::size_t depth) {
    REQUIRE(value.text.size() <= kLimits.text_bytes);
    REQUIRE(value.items.size() <= kLimits.items);
    REQUIRE(value.items.empty() || depth < kLimits.depth);
    REQUIRE(value.kind != resp::Kind::map || value.items.size() % 2 == 0);
    std::size_t bytes = sizeof value + value.text.size();
    for (const resp::Value& item : value.items)
        bytes += check(item, depth + 1);
    return bytes;
}

class Feeder {
public:
    void feed(std::string_view piece) {
        reader_.feed(piece);
        while (true) {
            auto reply = reader_.next();
            if (!reply) {
                REQUIRE(!reply.error().empty());
                REQUIRE(error_.empty() || error_ == reply.error());
                error_ = reply.error();
                return;
            }
            REQUIRE(error_.empty());
            if (!*reply) return;
            REQUIRE(check(**reply, 0) <= kLimits.total_bytes);
            replies_.push_back(**std::move(reply));
        }
    }

    [[nodiscard]] const std::vector<resp::Value>& replies() const { return replies_; }

    [[nodiscard]] const std::string& error() const { return error_; }

private:
    resp::Reader reader_{kLimits};
    std::vector<resp::Value> replies_;
    std::string error_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    roomcast::fuzz::feed_both<Feeder>(
        data, size, [](const Feeder& at_once, const Feeder& in_pieces) {
            REQUIRE(at_once.replies() == in_pieces.replies());
            REQUIRE(at_once.error() == in_pieces.error());
        });
    return 0;
}
