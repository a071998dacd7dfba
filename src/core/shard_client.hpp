// SPDX-License-Identifier: Apache-2.0
// HubClient for one shard: asks homes and shards by mail, and puts their answers together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/entries.hpp"
#include "core/hub_client.hpp"
#include "model/ids.hpp"

namespace roomcast {

class ShardClient final : public HubClient {
public:
    explicit ShardClient(Shard& shard) : shard_(shard) {}

    void publish(PublishRequest request, HubCallback<Result<PublishReceipt>> done) override;
    void presence(const ChannelName& channel,
                  HubCallback<Result<std::vector<PresenceEntry>>> done) override;
    void channels(ChannelQuery query, HubCallback<Page<ChannelSummary>> done) override;
    void connections(ConnectionQuery query, HubCallback<Page<ConnectionSummary>> done) override;
    void connection(std::string connection_id,
                    HubCallback<std::optional<ConnectionSummary>> done) override;
    void disconnect_user(std::string user_id, HubCallback<Disconnected> done) override;
    void disconnect(std::string connection_id, HubCallback<bool> done) override;
    void nodes(HubCallback<std::vector<NodeSummary>> done) override;

    // For the shard.
    void on_published(const PublishAnswer& answer);
    void on_presence(std::uint64_t request, Result<std::vector<PresenceEntry>> users);

private:
    template <class Part>
    using Asked = std::unordered_map<std::uint64_t, std::function<void(Part)>>;

    /// Runs `ask` on `shard` and gives what it returns to `done` on this one.
    template <class Part>
    void ask_shard(ShardIndex shard,
                   std::function<Part(Shard&)> ask,
                   Asked<Part> ShardClient::*asked,
                   std::function<void(Part)> done);
    /// Asks all shards; `done` gets the parts in no order.
    template <class Part>
    void ask_all(std::function<Part(Shard&)> ask,
                 Asked<Part> ShardClient::*asked,
                 std::function<void(std::vector<Part>)> done);

    Shard& shard_;
    std::uint64_t requests_ = 0;
    std::unordered_map<std::uint64_t, HubCallback<Result<PublishReceipt>>> publishes_;
    std::unordered_map<std::uint64_t, HubCallback<Result<std::vector<PresenceEntry>>>> presence_;
    Asked<std::vector<ChannelSummary>> channels_;
    Asked<std::vector<ConnectionSummary>> connections_;
    Asked<std::size_t> disconnects_;
    Asked<std::vector<NodeSummary>> nodes_;
};

}  // namespace roomcast
