// SPDX-License-Identifier: Apache-2.0
// A Redis Cluster of three masters, each with a replica if asked for.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "redis/address.hpp"
#include "tests/support/redis_server.hpp"

namespace roomcast::test {

struct RedisClusterOptions {
    RedisOptions each = {};  // but for the port
    /// Node 3 follows node 0, 4 follows 1, 5 follows 2, and takes its place about 2 s after its
    /// death. Without replicas the cluster refuses commands while a node is down.
    bool has_replicas = false;
};

/// Started by the constructor, which returns when every node says that all is well: about 2 s.
class RedisCluster {
public:
    static constexpr std::size_t kNodes = 3;
    static constexpr int kSlots = 16'384;

    explicit RedisCluster(const RedisClusterOptions& options = {}) {
        const std::size_t count = options.has_replicas ? 2 * kNodes : kNodes;
        for (std::size_t index = 0; index < count; ++index) {
            nodes_.push_back(std::make_unique<RedisServer>(options_of_next(options.each)));
            ids_.push_back(ask(*nodes_.back(), {"CLUSTER", "MYID"}).text);
        }
        for (std::size_t index = 0; index < kNodes; ++index)
            give_slots(index);
        for (std::size_t index = 1; index < count; ++index)
            meet(index);
        wait_until_ready();
        for (std::size_t index = kNodes; index < count; ++index)
            ask(*nodes_[index], {"CLUSTER", "REPLICATE", ids_[index - kNodes]});
        wait_until_ready();
    }

    /// Of the first node.
    [[nodiscard]] redis::Address address() const {
        redis::Address address;
        address.mode = redis::Mode::cluster;
        address.endpoints = {{"127.0.0.1", nodes_[0]->port()}};
        return address;
    }

    /// What a client of a TLS Cluster must trust.
    [[nodiscard]] std::string ca_file() const { return nodes_[0]->ca_file(); }

    [[nodiscard]] RedisServer& node(std::size_t index) { return *nodes_[index]; }

    /// Returns when each running node knows all nodes and says that all slots are served, and
    /// replicas follow their masters.
    void wait_until_ready() const {
        const bool is_ready = eventually_answered([this] {
            for (const auto& node : nodes_) {
                if (node->is_running() && !is_well(*node)) return false;
            }
            return true;
        });
        if (!is_ready) throw std::runtime_error("the cluster is not well: " + nodes_[0]->log());
    }

    [[nodiscard]] int slot_of(const std::string& key) const {
        return static_cast<int>(ask(any(), {"CLUSTER", "KEYSLOT", key}).integer);
    }

    /// The index of the node that serves `slot`, as the first running node says.
    [[nodiscard]] std::size_t owner(int slot) const {
        for (const RedisReply& range : ask(any(), {"CLUSTER", "SLOTS"}).items) {
            if (slot < range.items.at(0).integer || slot > range.items.at(1).integer) continue;
            for (std::size_t index = 0; index < nodes_.size(); ++index) {
                if (ids_[index] == range.items.at(2).items.at(2).text) return index;
            }
        }
        throw std::runtime_error("nobody serves slot " + std::to_string(slot));
    }

    [[nodiscard]] RedisServer& owner_of(const std::string& key) {
        return *nodes_[owner(slot_of(key))];
    }

    /// With replicas: ends the master of `slot` at once and returns its index when another node
    /// serves the slot.
    std::size_t fail_over(int slot) {
        const std::size_t dead = owner(slot);
        nodes_[dead]->crash();
        const bool is_done = eventually_answered([&] { return owner(slot) != dead; });
        if (!is_done) throw std::runtime_error("no failover: " + any().log());
        wait_until_ready();
        return dead;
    }

    /// Moves a slot to another node as an operator does, while clients go on: begin, keys, finish.
    void move_slot(int slot, std::size_t to) {
        begin_move(slot, to);
        move_keys(slot, to);
        finish_move(slot, to);
    }

    /// From here on the owner answers ASK for keys that it does not have.
    void begin_move(int slot, std::size_t to) {
        const std::size_t from = owner(slot);
        const std::string number = std::to_string(slot);
        ask(*nodes_[to], {"CLUSTER", "SETSLOT", number, "IMPORTING", ids_[from]});
        ask(*nodes_[from], {"CLUSTER", "SETSLOT", number, "MIGRATING", ids_[to]});
    }

    void move_keys(int slot, std::size_t to) {
        const RedisServer& from = *nodes_[owner(slot)];
        for (;;) {
            const RedisReply keys =
                ask(from, {"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), "100"});
            if (keys.items.empty()) return;
            std::vector<std::string> words = {"MIGRATE",
                                              "127.0.0.1",
                                              std::to_string(nodes_[to]->port()),
                                              "",
                                              "0",
                                              "5000",
                                              "AUTH2",
                                              RedisServer::kHarnessUser,
                                              "any",
                                              "KEYS"};
            for (const RedisReply& key : keys.items)
                words.push_back(key.text);
            ask(from, words);
        }
    }

    /// From here on the old owner answers MOVED.
    void finish_move(int slot, std::size_t to) {
        const std::size_t from = owner(slot);
        // The new owner first: so at no time does everyone point to another.
        std::vector<std::size_t> told = {to, from};
        for (std::size_t index = 0; index < kNodes; ++index) {
            if (index != to && index != from) told.push_back(index);
        }
        for (const std::size_t index : told)
            ask(*nodes_[index], {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", ids_[to]});
    }

private:
    /// An error is an exception: these commands must work.
    static RedisReply ask(const RedisServer& node, const std::vector<std::string>& words) {
        RedisReply reply = node.command(words);
        if (reply.is_error()) throw std::runtime_error(words.front() + ": " + reply.text);
        return reply;
    }

    [[nodiscard]] RedisServer& any() const {
        for (const auto& node : nodes_) {
            if (node->is_running()) return *node;
        }
        throw std::runtime_error("no node is running");
    }

    [[nodiscard]] RedisOptions options_of_next(RedisOptions options) const {
        for (const char* argument : {"--cluster-enabled",
                                     "yes",
                                     "--cluster-config-file",
                                     "nodes.conf",
                                     "--cluster-node-timeout",
                                     "1000",
                                     "--repl-diskless-sync-delay",
                                     "0"}) {
            options.arguments.emplace_back(argument);
        }
        if (!options.is_tls) return options;
        for (const char* argument : {"--tls-cluster", "yes", "--tls-replication", "yes"})
            options.arguments.emplace_back(argument);
        if (nodes_.empty()) return options;
        // One certificate for all, as they must trust each other.
        for (const char* name : {"--tls-cert-file", "--tls-ca-cert-file"}) {
            options.arguments.emplace_back(name);
            options.arguments.push_back(nodes_[0]->ca_file());
        }
        options.arguments.emplace_back("--tls-key-file");
        options.arguments.push_back(nodes_[0]->key_file());
        return options;
    }

    void give_slots(std::size_t index) const {
        const int share = kSlots / static_cast<int>(kNodes);
        const int first = share * static_cast<int>(index);
        const int last = index + 1 == kNodes ? kSlots - 1 : first + share - 1;
        const RedisServer& node = *nodes_[index];
        ask(node, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
        ask(node, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(index + 1)});
    }

    void meet(std::size_t index) const {
        ask(*nodes_[index], {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[0]->port())});
    }

    [[nodiscard]] bool is_well(const RedisServer& node) const {
        const std::vector<std::string> words = {"CLUSTER", "INFO"};
        const std::vector<std::string> replication = {"INFO", "replication"};
        return node.info(words, "cluster_state") == "ok" &&
               node.info(words, "cluster_known_nodes") == std::to_string(nodes_.size()) &&
               node.info(words, "cluster_slots_ok") == std::to_string(kSlots) &&
               (node.info(replication, "role") == "master" ||
                node.info(replication, "master_link_status") == "up");
    }

    std::vector<std::unique_ptr<RedisServer>> nodes_;
    std::vector<std::string> ids_;
};

}  // namespace roomcast::test
