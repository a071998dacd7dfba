// SPDX-License-Identifier: Apache-2.0
// Which publications were sent before, by the keys that their senders gave them.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/entries.hpp"
#include "core/hub_client.hpp"
#include "util/clock.hpp"
#include "util/hash.hpp"

namespace roomcast {

/// The idempotency keys of the channels at home on one shard. Only success is remembered: for
/// `ttl`, or until there are more than `capacity` and it is the oldest. A key that is under way is
/// kept.
class IdempotencyTable {
public:
    IdempotencyTable(std::size_t capacity, std::chrono::milliseconds ttl)
        : capacity_(capacity),
          ttl_(ttl) {}

    enum class Verdict { first, repeat, waits, refused };

    /// first: now under way, finish() must follow. repeat: `receipt` is that of the first. waits:
    /// `reply` will be among what finish() returns. refused: too many wait for this key already.
    Verdict begin(const std::string& key,
                  const ReplyTo& reply,
                  SteadyTime now,
                  PublishReceipt& receipt);
    /// Gives those who repeated the key meanwhile. Without a receipt the key is free again.
    std::vector<ReplyTo> finish(const std::string& key,
                                std::optional<PublishReceipt> receipt,
                                SteadyTime now);

    [[nodiscard]] std::size_t size() const { return records_.size(); }

private:
    struct Record {
        PublishReceipt receipt;
        SteadyTime expires;
        bool is_done = false;
        std::vector<ReplyTo> waiting;
    };

    using Records = std::unordered_map<std::string, Record, SeededStringHash, std::equal_to<>>;

    void prune(SteadyTime now);

    const std::size_t capacity_;
    const std::chrono::milliseconds ttl_;
    Records records_;
    std::list<Records::iterator> done_;  // oldest first
};

/// The key as the table knows it: users and API keys of one name are different owners.
[[nodiscard]] std::string idempotency_key(char owner_kind,
                                          std::string_view owner,
                                          const ChannelName& channel,
                                          std::string_view key);

}  // namespace roomcast
