// SPDX-License-Identifier: Apache-2.0
// All shards of a node: who is whose home, and how work reaches a shard from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/node_directory.hpp"
#include "core/services.hpp"
#include "core/shard.hpp"
#include "model/channel_name.hpp"
#include "model/home_shard.hpp"
#include "model/ids.hpp"

namespace roomcast {

/// The shards and their mailboxes. Built on one thread, then each Shard is used by its own thread
/// alone; post() may be called from any.
class Hub final : public Executor, private BrokerSink, private PresenceSink {
public:
    /// `wake(shard)` makes that shard's loop call Shard::turn() soon; called from any thread.
    Hub(HubServices services, ShardIndex shard_count, std::function<void(ShardIndex)> wake);
    ~Hub() override;

    /// Starts broker and presence store. Before the first shard's loop runs.
    void start();
    /// Stops broker and store, after all loops have ended. Sessions may outlive it, not the hub.
    void stop();

    [[nodiscard]] const HubServices& services() const { return services_; }

    [[nodiscard]] ShardIndex shard_count() const override { return shard_count_; }

    [[nodiscard]] Shard& shard(ShardIndex index) { return *shards_[index]; }

    [[nodiscard]] ShardIndex home_of(const ChannelName& channel) const {
        return home_shard(channel, shard_count_);
    }

    /// Runs `work` on that shard's thread, in the order of the calls. For rare work.
    void post(ShardIndex shard, std::function<void(Shard&)> work);
    void post(ShardIndex shard, std::function<void()> work) override;

    // For the shards.

    /// The shard that knows the other nodes.
    static constexpr ShardIndex kDirectoryShard = 0;

    /// All nodes, this one too. On that shard's thread, as announce() is.
    [[nodiscard]] std::vector<NodeSummary> nodes();
    /// Tells the other nodes that this one is there.
    void announce();

    void tell_nodes(std::string message) { services_.broker.send_control(std::move(message)); }

    [[nodiscard]] std::uint64_t first_message_id() const { return first_message_id_; }

    void wake(ShardIndex shard) const { wake_(shard); }

private:
    void on_message(BusMessage message) override;
    void on_gap(const ChannelName& channel) override;
    void on_state(bool is_connected, std::string_view detail) override;
    void on_control(std::string_view message) override;
    void on_event(PresenceEvent event) override;
    void on_lost(const ChannelName& channel) override;
    void on_store_state(bool is_connected, std::string_view detail) override;

    [[nodiscard]] NodeAnnouncement describe_self();
    void announce_again_later();
    void hear(NodeAnnouncement announcement);

    const HubServices services_;
    const ShardIndex shard_count_;
    const std::function<void(ShardIndex)> wake_;
    const std::uint64_t first_message_id_;
    std::vector<std::unique_ptr<Shard>> shards_;
    NodeDirectory directory_;
};

}  // namespace roomcast
