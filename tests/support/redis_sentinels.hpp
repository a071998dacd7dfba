// SPDX-License-Identifier: Apache-2.0
// A master, its replica and three sentinels that watch over them.
#pragma once

#include <array>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "redis/address.hpp"
#include "tests/support/redis_server.hpp"

namespace roomcast::test {

/// One sentinel, which watches the master at `master_port` under RedisSentinels::kName.
class RedisSentinel final : public RedisProcess {
public:
    RedisSentinel(const std::string& name, std::uint16_t master_port) : port_(free_port()) {
        // Down after 2 s: they ping once a second, and with 1 s a busy machine's sentinels depose a
        // master that is well.
        const std::string file = dir_.file("sentinel.conf");  // which it rewrites
        std::ofstream(file) << "port " << port_ << "\nbind 127.0.0.1\ndir " << dir_.path().string()
                            << "\nsentinel monitor " << name << " 127.0.0.1 " << master_port
                            << " 2\nsentinel down-after-milliseconds " << name
                            << " 2000\nsentinel failover-timeout " << name
                            << " 3000\nsentinel parallel-syncs " << name << " 1\n";
        set_up({file, "--sentinel"}, port_, false);
        start();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    const std::uint16_t port_;
};

/// Started by the constructor, which returns when the sentinels agree and know the replica: about
/// 3 s.
class RedisSentinels {
public:
    static constexpr const char* kName = "primary";

    RedisSentinels()
        : servers_{std::make_unique<RedisServer>(RedisOptions{.arguments = {kQuickSync, "0"}}),
                   nullptr} {
        servers_[1] = std::make_unique<RedisServer>(RedisOptions{
            .arguments = {
                kQuickSync, "0", "--replicaof", "127.0.0.1", std::to_string(servers_[0]->port())}});
        for (auto& sentinel : sentinels_)
            sentinel = std::make_unique<RedisSentinel>(kName, servers_[0]->port());
        wait_until_ready();
    }

    [[nodiscard]] redis::Address address() const {
        redis::Address address;
        address.mode = redis::Mode::sentinel;
        address.master_name = kName;
        for (const auto& sentinel : sentinels_)
            address.endpoints.push_back({"127.0.0.1", sentinel->port()});
        return address;
    }

    [[nodiscard]] RedisSentinel& sentinel(std::size_t index) { return *sentinels_[index]; }

    /// As the first running sentinel says.
    [[nodiscard]] RedisServer& master() { return server(is_master(*servers_[0])); }

    /// The other one.
    [[nodiscard]] RedisServer& replica() { return server(!is_master(*servers_[0])); }

    /// Returns when all running sentinels agree on the master, which knows that it is, and know of
    /// its replica. Throws when they do not come to it.
    void wait_until_ready() {
        if (!eventually_answered([this] { return is_ready(); })) {
            throw std::runtime_error("the sentinels do not agree: " + sentinels_[0]->log());
        }
    }

    /// Ends the master at once and returns when the replica has been promoted: about 4 s. The old
    /// master stays down until its start(), and then becomes the replica.
    void fail_over_by_crash() {
        RedisServer& old = master();
        RedisServer& next = replica();
        old.crash();
        wait_for_master(next);
    }

    /// Lets the sentinels promote the replica while all is well, and returns when they have. The
    /// old master lives on: it does not know for about 10 s that it is none.
    void fail_over_as_planned() {
        RedisServer& next = replica();
        const std::string next_port = std::to_string(next.port());
        const auto has_switched = [&] { return master_port(*sentinels_[0]) == next_port; };
        // Told again: it refuses while an earlier failover is being finished, and gives up after 3
        // s where the replica has only just become one.
        const bool is_done = eventually_answered([&] {
            const bool is_begun =
                !sentinels_[0]->command({"SENTINEL", "FAILOVER", kName}).is_error();
            return is_begun && eventually(has_switched, std::chrono::seconds(6));
        });
        if (!is_done) throw std::runtime_error("no failover: " + sentinels_[0]->log());
        wait_for_master(next);
    }

private:
    static constexpr const char* kQuickSync = "--repl-diskless-sync-delay";

    [[nodiscard]] RedisServer& server(bool is_first) { return *servers_[is_first ? 0 : 1]; }

    [[nodiscard]] static std::string master_port(const RedisSentinel& sentinel) {
        const RedisReply reply = sentinel.command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", kName});
        return reply.items.size() == 2 ? reply.items[1].text : "";
    }

    [[nodiscard]] bool is_master(const RedisServer& server) const {
        for (const auto& sentinel : sentinels_) {
            if (sentinel->is_running())
                return master_port(*sentinel) == std::to_string(server.port());
        }
        throw std::runtime_error("no sentinel is running");
    }

    void wait_for_master(const RedisServer& next) const {
        const bool is_done = eventually_answered([&] {
            for (const auto& sentinel : sentinels_) {
                if (sentinel->is_running() &&
                    master_port(*sentinel) != std::to_string(next.port())) {
                    return false;
                }
            }
            return next.info({"INFO", "replication"}, "role") == "master";
        });
        if (!is_done) throw std::runtime_error("no failover: " + sentinels_[0]->log());
    }

    [[nodiscard]] bool is_ready() {
        RedisServer& current = master();
        for (const auto& sentinel : sentinels_) {
            if (sentinel->is_running() && !knows_all(*sentinel, current)) return false;
        }
        return current.info({"INFO", "replication"}, "role") == "master" &&
               replica().info({"INFO", "replication"}, "master_link_status") == "up";
    }

    [[nodiscard]] static bool knows_all(const RedisSentinel& sentinel, const RedisServer& master) {
        const std::string quorum = sentinel.command({"SENTINEL", "CKQUORUM", kName}).text;
        const RedisReply replicas = sentinel.command({"SENTINEL", "REPLICAS", kName});
        return quorum.starts_with("OK 3") && replicas.items.size() == 1 &&
               is_healthy(replicas.items[0]) &&
               master_port(sentinel) == std::to_string(master.port());
    }

    /// A sentinel that has last heard a replica call itself a master may be about to demote it,
    /// even if a failover promotes it meanwhile.
    [[nodiscard]] static bool is_healthy(const RedisReply& replica) {
        return value_of(replica, "flags") == "slave" &&
               value_of(replica, "role-reported") == "slave";
    }

    /// From a list of names and values.
    [[nodiscard]] static std::string value_of(const RedisReply& list, const std::string& name) {
        for (std::size_t i = 0; i + 1 < list.items.size(); i += 2) {
            if (list.items[i].text == name) return list.items[i + 1].text;
        }
        return {};
    }

    std::array<std::unique_ptr<RedisServer>, 2> servers_;
    std::array<std::unique_ptr<RedisSentinel>, 3> sentinels_;
};

}  // namespace roomcast::test
