// SPDX-License-Identifier: Apache-2.0
#include "stores/redis_audit.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "stores/redis_scripts.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{10};
constexpr int kUsersPerPage = 500;
constexpr std::size_t kMaxUnknown = 1'024;
/// What is being written right now is not missing.
constexpr milliseconds kUnderWay{3'000};
/// How much longer than the presence TTL an entry without owner lives: the replaced service has its
/// clients renew within the TTL.
constexpr std::chrono::seconds kForeignExtra{10};

}  // namespace

RedisAuditor::RedisAuditor(RedisPresenceContext& context,
                           RedisLease& lease,
                           RedisMembers& members,
                           RedisWatches& watches)
    : context_(context),
      lease_(lease),
      members_(members),
      watches_(watches) {}

RedisAuditor::~RedisAuditor() {
    for (auto& [channel, timer] : due_)
        context_.loop.timers().cancel(timer);
    context_.loop.timers().cancel(pause_timer_);
}

void RedisAuditor::add(const ChannelName& channel) {
    const auto [found, is_new] = due_.try_emplace(channel);
    if (!is_new) return;
    found->second = context_.loop.timers().add(context_.after_about(context_.times.audit),
                                               [this, channel] { on_due(channel); });
}

void RedisAuditor::on_due(const ChannelName& channel) {
    if (!members_.has_channel(channel) && !watches_.has(channel)) {
        due_.erase(channel);
        return;
    }
    queue_.push_back(channel);
    if (!current_ && !context_.loop.timers().is_set(pause_timer_)) start_next();
}

void RedisAuditor::start_next() {
    if (queue_.empty()) return;
    const ChannelName channel = std::move(queue_.front());
    queue_.pop_front();
    due_.erase(channel);
    add(channel);
    auto audit = std::make_shared<Audit>();
    audit->channel = channel;
    audit->keys = context_.keys_of(channel);
    audit->node = lease_.node();
    audit->started_at = context_.loop.now();
    current_ = audit;
    if (!lease_.is_held()) return finish(audit, false);
    scan_owners(audit, "0");
}

void RedisAuditor::finish(const AuditPtr& audit, bool is_done) {
    if (is_done) watches_.on_audited(audit->channel, audit->has_foreign);
    current_.reset();
    pause_timer_ = context_.loop.timers().add(context_.loop.now() + kPause, [this] {
        if (!current_) start_next();
    });
}

// ---- owners ----

void RedisAuditor::scan_owners(const AuditPtr& audit, const std::string& cursor) {
    scan_page(context_,
              "HSCAN",
              audit->keys.owners,
              cursor,
              kUsersPerPage,
              [this, audit](const Outcome<RedisPage, redis::Error>& page) {
                  if (!page) return finish(audit, false);
                  for (std::size_t i = 0; i + 1 < page->items.size(); i += 2) {
                      read_owners(*audit, page->items[i].text, page->items[i + 1].text);
                  }
                  if (page->cursor != "0") return scan_owners(audit, page->cursor);
                  check_owners(audit);
                  scan_entries(audit, "0");
              });
}

void RedisAuditor::read_owners(Audit& audit,
                               const std::string& user,
                               const std::string& owners) const {
    if (user.empty()) return;  // the sequence number
    if (!audit.owned.insert(user).second) return;
    std::size_t begin = 0;
    while (begin < owners.size()) {
        const std::size_t end = std::min(owners.find(' ', begin), owners.size());
        const std::string node = owners.substr(begin, end - begin);
        begin = end + 1;
        if (node == audit.node) {
            audit.own.insert(user);
        } else if (!node.empty()) {
            audit.others[node].push_back(user);
        }
    }
}

void RedisAuditor::check_owners(const AuditPtr& audit) {
    if (audit->node != lease_.node()) return;  // fenced meanwhile: all is put back anyway
    std::vector<std::string> strays;
    for (const std::string& user : audit->own) {
        if (!members_.knows(audit->channel, user)) strays.push_back(user);
    }
    remove(audit, audit->node, strays, context_.counters.repaired_not_held);
    restore(*audit, audit->own);
    for (const auto& [node, users] : audit->others)
        check_other(audit, node);
}

void RedisAuditor::check_other(const AuditPtr& audit, const std::string& node) {
    const RedisNodeKeys& nodes = context_.nodes;
    context_.client.transaction(
        nodes.live,
        {resp::Command{"ZSCORE", nodes.live, node}, resp::Command{"ZSCORE", nodes.dead, node}},
        [this, audit, node](const redis::Reply& reply) {
            if (!reply || reply->items.size() != 2) return;
            const bool is_known = std::ranges::any_of(reply->items, [](const resp::Value& score) {
                return score.kind != resp::Kind::null;
            });
            if (!is_known) return on_unknown(audit, node);
            unknown_.erase(node);
        });
}

void RedisAuditor::on_unknown(const AuditPtr& audit, const std::string& node) {
    const SteadyTime now = context_.loop.now();
    // What is no longer seen is of no interest: better than to keep it for ever.
    if (unknown_.size() >= kMaxUnknown) unknown_.clear();
    const auto [found, is_new] = unknown_.try_emplace(node, now);
    if (is_new || now - found->second < context_.times.lease) return;
    log::warn("presence: users of a node that nobody knows leave",
              {{"node", node}, {"channel", audit->channel.text()}});
    remove(audit, node, audit->others[node], context_.counters.repaired_unknown_owner);
}

void RedisAuditor::remove(const AuditPtr& audit,
                          const std::string& node,
                          const std::vector<std::string>& users,
                          Counter& repaired) {
    for (std::size_t begin = 0; begin < users.size(); begin += kMaxUsersPerScript) {
        const std::size_t count = std::min(kMaxUsersPerScript, users.size() - begin);
        repaired.add(count);
        leave_presence(context_,
                       audit->channel,
                       node,
                       std::span(users).subspan(begin, count),
                       [](const redis::Reply&) {});
    }
}

void RedisAuditor::restore(const Audit& audit, const Names& listed) {
    const auto missing = members_.missing(audit.channel, listed, audit.started_at - kUnderWay);
    context_.counters.repaired_missing.add(missing.size());
    for (const std::string& user : missing)
        members_.restore(audit.channel, user);
}

// ---- entries ----

void RedisAuditor::scan_entries(const AuditPtr& audit, const std::string& cursor) {
    scan_page(context_,
              "HSCAN",
              audit->keys.presence,
              cursor,
              kUsersPerPage,
              [this, audit](const Outcome<RedisPage, redis::Error>& page) {
                  if (!page) return finish(audit, false);
                  for (std::size_t i = 0; i + 1 < page->items.size(); i += 2) {
                      const std::string& user = page->items[i].text;
                      if (members_.holds(audit->channel, user)) audit->listed.insert(user);
                  }
                  expire_foreign(audit, page->items);
                  if (page->cursor != "0") return scan_entries(audit, page->cursor);
                  restore(*audit, audit->listed);
                  finish(audit, true);
              });
}

void RedisAuditor::expire_foreign(const AuditPtr& audit, const std::vector<resp::Value>& fields) {
    const auto age =
        std::chrono::duration_cast<std::chrono::seconds>(context_.times.ttl) + kForeignExtra;
    const std::vector<std::string> common = {audit->node,
                                             audit->keys.bus,
                                             redis_leave_head(audit->channel),
                                             std::string(redis_leave_tail()),
                                             std::to_string(age.count())};
    std::vector<std::string> arguments = common;
    const auto send = [&] {
        if (arguments.size() == common.size()) return;
        audit->has_foreign = true;
        const std::string keys[] = {audit->keys.presence, audit->keys.owners};
        context_.client.eval(
            redis_presence_scripts().expire,
            keys,
            std::exchange(arguments, common),
            [this](const redis::Reply& reply) {
                if (!reply || reply->integer <= 0) return;
                context_.counters.repaired_foreign.add(static_cast<std::uint64_t>(reply->integer));
            });
    };
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        const std::string& user = fields[i].text;
        if (audit->owned.contains(user) || members_.holds(audit->channel, user)) continue;
        const auto entry = read_redis_value(user, fields[i + 1].text);
        if (!entry) continue;
        arguments.insert(
            arguments.end(),
            {user, redis_quoted(user), fields[i + 1].text, std::to_string(entry->updated_at)});
        if (arguments.size() >= common.size() + 4 * kMaxUsersPerScript) send();
    }
    send();
}

}  // namespace roomcast
