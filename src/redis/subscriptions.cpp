// SPDX-License-Identifier: Apache-2.0
#include "redis/subscriptions.hpp"

#include <utility>

namespace roomcast::redis {

namespace {

constexpr std::size_t kChannelsPerCommand = 512;
constexpr std::size_t kBytesPerCommand = 32'768;
/// Beyond, commands wait for confirmations: calls shall not queue behind a million channels, nor a
/// deadline pass because of them.
constexpr std::size_t kChannelsUnderWay = 4'096;
constexpr std::chrono::seconds kRetry{2};

}  // namespace

Subscriptions::Subscriptions(net::Loop& loop, SubscriptionsSink& sink)
    : loop_(loop),
      sink_(sink),
      self_(std::make_shared<Subscriptions*>(this)) {}

Subscriptions::~Subscriptions() {
    loop_.timers().cancel(retry_timer_);
}

void Subscriptions::add(const std::string& channel, bool was_live) {
    const auto [found, is_new] = channels_.try_emplace(channel);
    if (!is_new && found->second.is_wanted) return;
    found->second.is_wanted = true;
    found->second.was_live = was_live;
    queue(*found);
}

bool Subscriptions::remove(const std::string& channel) {
    const auto found = channels_.find(channel);
    if (found == channels_.end() || !found->second.is_wanted) return false;
    Channel& removed = found->second;
    const bool was_live = std::exchange(removed.was_live, false);
    removed.is_wanted = false;
    removed.is_live = false;
    if (removed.is_asked) {
        queue(*found);
    } else if (removed.unconfirmed == 0) {
        channels_.erase(found);
    }
    return was_live;
}

void Subscriptions::clear() {
    on_disconnected();
    channels_.clear();
}

void Subscriptions::on_connected(Connection& connection, bool is_sharded) {
    connection_ = &connection;
    is_sharded_ = is_sharded;
    for (auto& entry : channels_)
        queue(entry);
}

void Subscriptions::on_disconnected() {
    connection_ = nullptr;
    queue_.clear();
    refused_.clear();
    under_way_ = 0;
    std::erase_if(channels_, [](const auto& entry) { return !entry.second.is_wanted; });
    for (auto& [name, channel] : channels_) {
        channel.is_asked = channel.is_live = channel.is_queued = false;
        channel.unconfirmed = 0;
    }
}

void Subscriptions::queue(Table::value_type& entry) {
    if (!connection_ || entry.second.is_queued) return;
    entry.second.is_queued = true;
    queue_.push_back(entry.first);
    if (std::exchange(is_flush_posted_, true)) return;
    loop_.post([weak = std::weak_ptr<Subscriptions*>(self_)] {
        const auto self = weak.lock();
        if (!self) return;
        (*self)->is_flush_posted_ = false;
        (*self)->flush();
    });
}

void Subscriptions::flush() {
    // A connection that ends answers its calls first, and who is answered may call again.
    while (connection_ && connection_->is_ready() && !queue_.empty() &&
           under_way_ < kChannelsUnderWay) {
        send_one_batch();
    }
}

void Subscriptions::send_one_batch() {
    std::vector<std::string> wanted;
    std::vector<std::string> unwanted;
    const std::size_t most = is_sharded_ ? 1 : kChannelsPerCommand;
    std::size_t bytes = 0;
    bool is_full = false;
    while (!is_full && !queue_.empty()) {
        const auto found = channels_.find(queue_.front());
        if (found == channels_.end() || !found->second.is_queued) {
            queue_.pop_front();
            continue;
        }
        Channel& channel = found->second;
        if (channel.is_alone && !wanted.empty()) break;  // begins the next batch
        channel.is_queued = false;
        // Ended and begun again meanwhile: a new confirmation is due, so it is asked for again.
        const bool is_change = channel.is_wanted ? !channel.is_live : channel.is_asked;
        if (is_change) {
            channel.is_asked = channel.is_wanted;
            ++channel.unconfirmed;
            auto& list = channel.is_wanted ? wanted : unwanted;
            list.push_back(std::move(queue_.front()));
            bytes += list.back().size();
            is_full = wanted.size() + unwanted.size() >= most || bytes >= kBytesPerCommand ||
                      std::exchange(channel.is_alone, false);
        }
        queue_.pop_front();
    }
    under_way_ += wanted.size() + unwanted.size();
    const Verb begin = is_sharded_ ? Verb::ssubscribe : Verb::subscribe;
    const Verb end = is_sharded_ ? Verb::sunsubscribe : Verb::unsubscribe;
    if (!unwanted.empty()) connection_->subscribe(end, std::move(unwanted));
    if (!wanted.empty()) connection_->subscribe(begin, std::move(wanted));
}

void Subscriptions::on_confirmed(Verb verb, const std::string& channel, bool is_asked) {
    const auto found = channels_.find(channel);
    if (is_asked) {
        --under_way_;
        if (found != channels_.end()) on_answer(found, verb);
        return flush();
    }
    // Ended by the server. With a command under way, the answer to that one says how it stands.
    if (found == channels_.end() || found->second.unconfirmed > 0) return;
    found->second.is_asked = found->second.is_live = false;
    if (found->second.is_wanted)
        queue(*found);  // refused now, by an error that names the new owner
}

/// Only the answer to the last command for a channel counts: an older one is of a subscription that
/// was ended since.
void Subscriptions::on_answer(Table::iterator found, Verb verb) {
    Channel& channel = found->second;
    if (channel.unconfirmed == 0 || --channel.unconfirmed > 0) return;
    const bool is_begun = verb == Verb::subscribe || verb == Verb::ssubscribe;
    if (!is_begun) {
        if (!channel.is_wanted) channels_.erase(found);
        return;
    }
    // Not asked for any more, or ended and begun again: the next command is in the queue.
    if (!channel.is_wanted || channel.is_queued) return;
    channel.is_live = true;
    const bool may_have_missed = std::exchange(channel.was_live, true);
    const std::string name = found->first;  // the sink may remove it
    sink_.on_subscribed(name, may_have_missed);
}

void Subscriptions::on_refused(const std::vector<std::string>& channels, const std::string& error) {
    under_way_ -= channels.size();
    for (const std::string& name : channels) {
        const auto found = channels_.find(name);
        if (found == channels_.end()) continue;
        Channel& channel = found->second;
        if (channel.unconfirmed > 0) --channel.unconfirmed;
        if (channel.unconfirmed > 0) continue;
        channel.is_asked = false;
        if (!channel.is_wanted) {
            channels_.erase(found);
        } else if (channels.size() > 1) {
            // One of them is the reason: the others shall not suffer for it.
            channel.is_alone = true;
            queue(*found);
        } else {
            retry_later(name);
            sink_.on_subscribe_refused(name, error);
        }
    }
    flush();
}

void Subscriptions::retry_later(const std::string& channel) {
    refused_.push_back(channel);
    if (loop_.timers().is_set(retry_timer_)) return;
    retry_timer_ = loop_.timers().add(loop_.now() + kRetry, [this] {
        for (const std::string& name : std::exchange(refused_, {})) {
            const auto found = channels_.find(name);
            if (found != channels_.end() && found->second.is_wanted && !found->second.is_live) {
                queue(*found);
            }
        }
    });
}

}  // namespace roomcast::redis
