// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_reaper.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "stores/redis_scripts.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

/// How long a reaper may be silent before another one takes over.
constexpr milliseconds kClaim{5'000};
constexpr milliseconds kRenewal{2'000};
constexpr int kChannelsPerPage = 200;
constexpr int kUsersPerPage = 500;
/// Channels that are worked on at once.
constexpr std::size_t kOpenChannels = 16;
constexpr std::size_t kMaxQueue = 64;

std::vector<std::string> users_of(const std::string& node, std::vector<resp::Value>& items) {
    std::vector<std::string> users;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (!items[i].text.empty() && items[i + 1].text.find(node) != std::string::npos) {
            users.push_back(std::move(items[i].text));
        }
    }
    return users;
}

}  // namespace

RedisReaper::~RedisReaper() {
    context_.loop.timers().cancel(renew_timer_);
}

void RedisReaper::consider(const std::vector<std::string>& nodes) {
    for (const std::string& node : nodes) {
        const bool is_queued = std::ranges::find(queue_, node) != queue_.end();
        if (!is_queued && queue_.size() < kMaxQueue) queue_.push_back(node);
    }
    if (!is_busy_) start_next();
}

void RedisReaper::start_next() {
    if (queue_.empty()) return;
    is_busy_ = true;
    const std::string node = std::move(queue_.front());
    queue_.pop_front();
    const std::vector<std::string> arguments = {node, std::to_string(kClaim.count())};
    context_.client.eval(redis_presence_scripts().claim,
                         redis_script_keys(context_.nodes),
                         arguments,
                         [this, node](redis::Reply reply) { on_claimed(node, reply); });
}

void RedisReaper::on_claimed(const std::string& node, redis::Reply& reply) {
    if (!reply) queue_.clear();  // those that are still due come with a later beat
    if (!reply || reply->items.size() != 3) return end(nullptr);
    auto pass = std::make_shared<Pass>();
    current_ = pass;
    pass->node = node;
    pass->claim = std::move(reply->items[0].text);
    pass->is_second = reply->items[1].integer != 0;
    if (!pass->is_second) {
        const auto late =
            static_cast<std::uint64_t>(std::max<std::int64_t>(reply->items[2].integer, 0));
        context_.counters.reap_delay_ms.store(late);
        context_.counters.reaped_nodes.add();
        log::info("presence: the users of a node that is gone leave", {{"node", node}});
    }
    renew_timer_ =
        context_.loop.timers().add(context_.loop.now() + kRenewal, [this, pass] { renew(pass); });
    read_channels(pass);
}

void RedisReaper::renew(const PassPtr& pass) {
    const std::vector<std::string> arguments = {
        pass->node, pass->claim, std::to_string(kClaim.count())};
    context_.client.eval(redis_presence_scripts().renew,
                         redis_script_keys(context_.nodes),
                         arguments,
                         [this, pass](redis::Reply reply) {
                             if (current_ != pass || pass->has_failed) return;
                             if (!reply || reply->kind != resp::Kind::string) {
                                 pass->has_failed = true;
                                 return;
                             }
                             pass->claim = std::move(reply->text);
                             renew_timer_ = context_.loop.timers().add(
                                 context_.loop.now() + kRenewal, [this, pass] { renew(pass); });
                         });
}

void RedisReaper::read_channels(const PassPtr& pass) {
    scan_page(context_,
              "SSCAN",
              redis_channels_key(context_.options.prefix, pass->node),
              pass->cursor,
              kChannelsPerPage,
              [this, pass](Outcome<RedisPage, redis::Error> page) {
                  on_channels(pass, std::move(page));
              });
}

void RedisReaper::on_channels(const PassPtr& pass, Outcome<RedisPage, redis::Error> page) {
    if (!page) return end(pass);
    pass->cursor = page->cursor;
    for (const resp::Value& item : page->items) {
        if (auto channel = ChannelName::make(item.text)) pass->waiting_channels.push_back(*channel);
    }
    start_channels(pass);
}

void RedisReaper::start_channels(const PassPtr& pass) {
    while (!pass->has_failed && !pass->waiting_channels.empty() &&
           pass->open_channels < kOpenChannels) {
        const ChannelName channel = std::move(pass->waiting_channels.back());
        pass->waiting_channels.pop_back();
        ++pass->open_channels;
        read_users(pass, channel, "0");
    }
    if (pass->open_channels > 0) return;
    if (pass->has_failed) return end(pass);
    if (pass->cursor != "0") return read_channels(pass);
    finish(pass);
}

void RedisReaper::read_users(const PassPtr& pass,
                             const ChannelName& channel,
                             const std::string& cursor) {
    scan_page(context_,
              "HSCAN",
              context_.keys_of(channel).owners,
              cursor,
              kUsersPerPage,
              [this, pass, channel](Outcome<RedisPage, redis::Error> page) {
                  if (!page) return on_channel_done(pass, true);
                  remove(pass, channel, users_of(pass->node, page->items), page->cursor);
              });
}

void RedisReaper::remove(const PassPtr& pass,
                         const ChannelName& channel,
                         std::vector<std::string> users,
                         const std::string& cursor) {
    if (pass->has_failed) return on_channel_done(pass, true);
    if (users.empty()) {
        if (cursor == "0") return on_channel_done(pass, false);
        return read_users(pass, channel, cursor);
    }
    const std::size_t count = std::min(users.size(), kMaxUsersPerScript);
    const std::vector<std::string> batch(users.end() - static_cast<std::ptrdiff_t>(count),
                                         users.end());
    users.resize(users.size() - count);
    leave_presence(
        context_,
        channel,
        pass->node,
        batch,
        [this, pass, channel, users = std::move(users), cursor](const redis::Reply& reply) mutable {
            if (!reply) return on_channel_done(pass, true);
            context_.counters.reaped_users.add(static_cast<std::uint64_t>(reply->integer));
            remove(pass, channel, std::move(users), cursor);
        });
}

void RedisReaper::on_channel_done(const PassPtr& pass, bool has_failed) {
    --pass->open_channels;
    pass->has_failed = pass->has_failed || has_failed;
    start_channels(pass);
}

void RedisReaper::finish(const PassPtr& pass) {
    if (pass->is_second) {
        const std::string key = redis_channels_key(context_.options.prefix, pass->node);
        context_.client.call(key, resp::Command{"DEL", key}, [](const redis::Reply&) {});
    }
    const std::vector<std::string> arguments = {
        pass->node, pass->claim, std::to_string(context_.times.lease.count())};
    context_.client.eval(redis_presence_scripts().settle,
                         redis_script_keys(context_.nodes),
                         arguments,
                         [this, pass](const redis::Reply&) { end(pass); });
}

void RedisReaper::end(const PassPtr& pass) {
    if (current_ != pass) return;
    current_.reset();
    context_.loop.timers().cancel(renew_timer_);
    is_busy_ = false;
    start_next();
}

}  // namespace roomcast
