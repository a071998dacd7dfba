// SPDX-License-Identifier: Apache-2.0
// A Redis Cluster: one connection to each master, calls to the owner of their slot, and after it
// when it moves.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/loop.hpp"
#include "redis/cluster_node.hpp"
#include "redis/redirect.hpp"
#include "redis/request_client.hpp"
#include "redis/slot_gates.hpp"
#include "util/hash.hpp"

namespace roomcast::redis {

class ClusterClient final : public RequestClient, private ClusterNodeSink {
public:
    ClusterClient(net::Loop& loop, ClientOptions options);
    ~ClusterClient() override;
    ClusterClient(const ClusterClient&) = delete;
    ClusterClient& operator=(const ClusterClient&) = delete;

    void start(ClientSink& sink) override;
    void stop() override;

    /// Every slot has an owner, and each owner is connected.
    [[nodiscard]] bool is_connected() const override { return is_connected_; }

    [[nodiscard]] std::string_view publish_command() const override {
        return is_sharded_ ? "SPUBLISH" : "PUBLISH";
    }

    void publish(std::string_view channel, std::string_view payload, ReplyCallback done) override;
    void subscribe(const std::string& channel, std::string_view key) override;
    void unsubscribe(const std::string& channel) override;
    void reconnect(std::string_view reason) override;

private:
    struct Channel {
        std::string key;
        std::uint16_t slot = 0;
        ClusterNode* node = nullptr;  // where it is subscribed to; null: the slot has no owner
        std::uint64_t move = 0;       // not 0: heard elsewhere before, and not yet here
    };

    /// A call that nobody has done, to be sent again.
    struct Delayed {
        Request request;
        ClusterNode* to = nullptr;  // null: to the owner of the slot
        TimerId timer;
    };

    // ClusterNodeSink
    void on_node_ready(ClusterNode& node) override;
    void on_node_lost(ClusterNode& node, const std::string& detail) override;
    bool on_node_refused(ClusterNode& node, Request& request, const std::string& error) override;
    void on_node_subscribed(ClusterNode& node,
                            const std::string& channel,
                            bool may_have_missed) override;
    void on_node_subscribe_refused(ClusterNode& node,
                                   const std::string& channel,
                                   std::string_view error) override;
    void on_node_message(ClusterNode& node,
                         std::string_view channel,
                         std::string_view payload) override;
    void on_node_mark(ClusterNode& node, std::string_view text) override;
    void on_node_batch_end() override;

    // Calls
    void send(std::string_view key, Request request) override;
    void hold(Request request);
    void close_gates(ClusterNode& old_owner, std::vector<std::uint16_t> slots);
    void open_gate(std::uint16_t slot);
    void follow(Request request);
    void follow(Request request, ClusterNode& node);
    void delay(Request request, ClusterNode* to);
    void on_delay_over(std::list<Delayed>::iterator delayed);

    // The map of slots
    [[nodiscard]] ClusterNode& node_at(const net::Endpoint& endpoint);
    void open_seeds();
    void arm_refresh();
    void on_refresh_due();
    void refresh(ClusterNode* asked);
    void on_slots(const net::Endpoint& from, const Reply& reply);
    void apply(const std::vector<SlotRange>& ranges);
    void set_owners(std::vector<ClusterNode*> owners);
    void set_owner(std::uint16_t slot, ClusterNode& node);
    void remove_strangers();
    void update_state();
    void tell(std::string detail);

    // Channels
    [[nodiscard]] std::uint16_t slot_of(const std::string& channel, std::string_view key) const;
    void move(const std::string& name, Channel& channel);
    void move_channels();
    void begin_handover(ClusterNode& node);
    void end_handover(ClusterNode& node);

    net::Loop& loop_;
    const ClientOptions options_;
    ClientSink* sink_ = nullptr;                                 // while started
    std::map<std::string, std::unique_ptr<ClusterNode>> nodes_;  // by "host:port"
    std::vector<ClusterNode*> owners_;                           // by slot
    ClusterNode* redirected_to_ = nullptr;  // since the last question for the map
    std::unordered_map<std::string, Channel, SeededStringHash, std::equal_to<>> channels_;
    std::uint64_t moves_ = 0;
    std::list<Delayed> delayed_;
    SlotGates gates_;
    bool is_sharded_ = false;
    bool is_sharding_known_ = false;
    bool is_asking_for_slots_ = false;
    bool has_slot_map_ = false;
    bool have_owners_changed_ = false;  // by a redirect: channels follow with the next map
    bool is_connected_ = false;
    bool is_told_connected_ = false;
    std::string told_detail_;
    std::string problem_;  // why it is not connected
    TimerId refresh_timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for posted work, which may outlive
    std::vector<std::string> strangers_;  // nodes without a slot at the last look
};

}  // namespace roomcast::redis
