// SPDX-License-Identifier: Apache-2.0
// A Redis Cluster of three masters.
#pragma once

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/redis_server.hpp"

namespace roomcast::test {

/// Started by the constructor, which returns when every node says that all is well: about 2 s.
/// There are no replicas: while a node is down the cluster refuses commands.
class RedisCluster {
public:
    static constexpr std::size_t kNodes = 3;
    static constexpr int kSlots = 16'384;

    RedisCluster() : RedisCluster(RedisOptions{}) {}

    /// `options` are for each node, but for the port. Not for TLS.
    explicit RedisCluster(RedisOptions options) {
        for (const char* argument : {"--cluster-enabled",
                                     "yes",
                                     "--cluster-config-file",
                                     "nodes.conf",
                                     "--cluster-node-timeout",
                                     "1000"}) {
            options.arguments.emplace_back(argument);
        }
        for (auto& node : nodes_)
            node = std::make_unique<RedisServer>(options);
        for (std::size_t index = 0; index < kNodes; ++index)
            introduce(index);
        wait_until_ready();
    }

    [[nodiscard]] RedisServer& node(std::size_t index) { return *nodes_[index]; }

    /// Returns when each node knows all nodes and says that all slots are served.
    void wait_until_ready() const {
        const bool is_ready = eventually_answered([this] {
            for (const auto& node : nodes_) {
                if (!is_well(*node)) return false;
            }
            return true;
        });
        if (!is_ready) throw std::runtime_error("the cluster is not well: " + nodes_[0]->log());
    }

    [[nodiscard]] int slot_of(const std::string& key) const {
        return static_cast<int>(ask(*nodes_[0], {"CLUSTER", "KEYSLOT", key}).integer);
    }

    /// The index of the node that serves `slot`, as the first node says.
    [[nodiscard]] std::size_t owner(int slot) const {
        for (const RedisReply& range : ask(*nodes_[0], {"CLUSTER", "SLOTS"}).items) {
            if (slot < range.items.at(0).integer || slot > range.items.at(1).integer) continue;
            for (std::size_t index = 0; index < kNodes; ++index) {
                if (nodes_[index]->port() == range.items.at(2).items.at(1).integer) return index;
            }
        }
        throw std::runtime_error("nobody serves slot " + std::to_string(slot));
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
        ask(*nodes_[to], {"CLUSTER", "SETSLOT", number, "IMPORTING", id_of(from)});
        ask(*nodes_[from], {"CLUSTER", "SETSLOT", number, "MIGRATING", id_of(to)});
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
        const std::string id = id_of(to);
        // The new owner first: so at no time does everyone point to another.
        for (const std::size_t index : {to, from, kNodes - to - from})
            ask(*nodes_[index], {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", id});
    }

private:
    /// An error is an exception: these commands must work.
    static RedisReply ask(const RedisServer& node, const std::vector<std::string>& words) {
        RedisReply reply = node.command(words);
        if (reply.is_error()) throw std::runtime_error(words.front() + ": " + reply.text);
        return reply;
    }

    [[nodiscard]] std::string id_of(std::size_t index) const {
        return ask(*nodes_[index], {"CLUSTER", "MYID"}).text;
    }

    void introduce(std::size_t index) const {
        const RedisServer& node = *nodes_[index];
        const int share = kSlots / static_cast<int>(kNodes);
        const int first = share * static_cast<int>(index);
        const int last = index + 1 == kNodes ? kSlots - 1 : first + share - 1;
        ask(node, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
        ask(node, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(index + 1)});
        if (index == 0) return;
        ask(node, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[0]->port())});
    }

    [[nodiscard]] static bool is_well(const RedisServer& node) {
        const std::vector<std::string> words = {"CLUSTER", "INFO"};
        return node.info(words, "cluster_state") == "ok" &&
               node.info(words, "cluster_known_nodes") == std::to_string(kNodes) &&
               node.info(words, "cluster_slots_ok") == std::to_string(kSlots);
    }

    std::array<std::unique_ptr<RedisServer>, kNodes> nodes_;
};

}  // namespace roomcast::test
