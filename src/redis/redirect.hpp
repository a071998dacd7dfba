// SPDX-License-Identifier: Apache-2.0
// What the nodes of a Cluster say about where slots are
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/resp.hpp"
#include "net/loop.hpp"
#include "util/result.hpp"

namespace roomcast::redis {

inline constexpr std::size_t kSlots = 16'384;

/// "MOVED 3999 127.0.0.1:6381" or "ASK …".
struct Redirect {
    bool is_ask = false;  // for this call only
    std::uint16_t slot = 0;
    net::Endpoint to;
};

/// Reads the error of a node at `from`, which an answer without a host means. Nothing: the error is
/// no redirect.
[[nodiscard]] std::optional<Redirect> read_redirect(std::string_view error,
                                                    const net::Endpoint& from);
/// Whether a call that got this error can be repeated a little later: TRYAGAIN, CLUSTERDOWN, …
[[nodiscard]] bool is_passing(std::string_view error);

struct SlotRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    net::Endpoint owner;
};

/// Reads the answer to CLUSTER SLOTS of a node at `from`. Error: what is wrong with it.
[[nodiscard]] Outcome<std::vector<SlotRange>, std::string> read_slots(const resp::Value& answer,
                                                                      const net::Endpoint& from);

}  // namespace roomcast::redis
