// SPDX-License-Identifier: Apache-2.0
#include "core/idempotency.hpp"

#include <utility>

#include "util/assert.hpp"

namespace roomcast {

namespace {

/// Repeats of one key that may wait for the first.
constexpr std::size_t kMaxWaiting = 1'024;

}  // namespace

IdempotencyTable::Verdict IdempotencyTable::begin(const std::string& key,
                                                  const ReplyTo& reply,
                                                  SteadyTime now,
                                                  PublishReceipt& receipt) {
    prune(now);
    const auto [record, is_new] = records_.try_emplace(key);
    if (is_new) return Verdict::first;
    if (record->second.is_done) {
        receipt = record->second.receipt;
        return Verdict::repeat;
    }
    if (record->second.waiting.size() >= kMaxWaiting) return Verdict::refused;
    record->second.waiting.push_back(reply);
    return Verdict::waits;
}

std::vector<ReplyTo> IdempotencyTable::finish(const std::string& key,
                                              std::optional<PublishReceipt> receipt,
                                              SteadyTime now) {
    const auto found = records_.find(key);
    ASSERT(found != records_.end() && !found->second.is_done);
    std::vector<ReplyTo> waiting = std::move(found->second.waiting);
    if (!receipt || capacity_ == 0) {
        records_.erase(found);
        return waiting;
    }
    found->second.receipt = *receipt;
    found->second.expires = now + ttl_;
    found->second.is_done = true;
    found->second.waiting = {};
    done_.push_back(found);
    prune(now);
    return waiting;
}

void IdempotencyTable::prune(SteadyTime now) {
    while (!done_.empty() && (done_.size() > capacity_ || done_.front()->second.expires <= now)) {
        records_.erase(done_.front());
        done_.pop_front();
    }
}

std::string idempotency_key(char owner_kind,
                            std::string_view owner,
                            const ChannelName& channel,
                            std::string_view key) {
    std::string text;
    text.reserve(owner.size() + channel.text().size() + key.size() + 3);
    text += owner_kind;
    text += owner;
    text += '\0';
    text += channel.text();
    text += '\0';
    text += key;
    return text;
}

}  // namespace roomcast
