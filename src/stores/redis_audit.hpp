// SPDX-License-Identifier: Apache-2.0
// Looks through the channels of this node in Redis now and then, and repairs what is wrong.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "stores/redis_context.hpp"
#include "stores/redis_lease.hpp"
#include "stores/redis_members.hpp"
#include "stores/redis_watches.hpp"
#include "util/hash.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {

/// Each channel with users or listeners of this node is read once a presence TTL, one after the
/// other. Repaired are: users of this node whom Redis has lost, users whom Redis lists under this
/// node although it does not hold them, users of nodes that nobody knows, and entries that a
/// gateway of the replaced service has left behind. In good order it finds nothing: its counters
/// are an early warning. Bus thread only.
class RedisAuditor {
public:
    RedisAuditor(RedisPresenceContext& context,
                 RedisLease& lease,
                 RedisMembers& members,
                 RedisWatches& watches);
    ~RedisAuditor();
    RedisAuditor(const RedisAuditor&) = delete;
    RedisAuditor& operator=(const RedisAuditor&) = delete;

    /// Audits `channel` from now on, for as long as it has users or listeners of this node.
    void add(const ChannelName& channel);

private:
    using Names = std::unordered_set<std::string, SeededStringHash, std::equal_to<>>;

    /// One look at one channel.
    struct Audit {
        ChannelName channel;
        RedisChannelKeys keys;
        std::string node;
        SteadyTime started_at;
        Names owned;   // users with any owner
        Names own;     // users whom this node owns in Redis
        Names listed;  // users of this node in the presence hash
        bool has_foreign = false;
        std::unordered_map<std::string, std::vector<std::string>> others;  // node to users
    };

    using AuditPtr = std::shared_ptr<Audit>;

    void on_due(const ChannelName& channel);
    void start_next();
    void scan_owners(const AuditPtr& audit, const std::string& cursor);
    void read_owners(Audit& audit, const std::string& user, const std::string& owners) const;
    void check_owners(const AuditPtr& audit);
    void check_other(const AuditPtr& audit, const std::string& node);
    void on_unknown(const AuditPtr& audit, const std::string& node);
    void scan_entries(const AuditPtr& audit, const std::string& cursor);
    void expire_foreign(const AuditPtr& audit, const std::vector<resp::Value>& fields);
    void restore(const Audit& audit, const Names& listed);
    void remove(const AuditPtr& audit,
                const std::string& node,
                const std::vector<std::string>& users,
                Counter& repaired);
    void finish(const AuditPtr& audit, bool is_done);

    RedisPresenceContext& context_;
    RedisLease& lease_;
    RedisMembers& members_;
    RedisWatches& watches_;
    std::unordered_map<ChannelName, TimerId, ChannelNameHash> due_;
    std::deque<ChannelName> queue_;
    AuditPtr current_;
    TimerId pause_timer_;
    /// Nodes that are neither alive nor dead, and when that was seen first.
    std::unordered_map<std::string, SteadyTime> unknown_;
};

}  // namespace roomcast
