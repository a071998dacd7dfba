// SPDX-License-Identifier: Apache-2.0
// What the HTTP routes tell about the whole process: readiness, metrics, statistics, settings.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.hpp"
#include "core/hub.hpp"
#include "http/router.hpp"

namespace roomcast {

/// Made before the hub, which it is shown before the first request.
class NodeView final : public http::ServerView {
public:
    NodeView(const LoadedSettings& loaded, const Broker& broker, const PresenceStore& store);

    void watch(Hub& hub);

    /// From now on it is not ready, and says that it drains.
    void set_draining() { is_draining_ = true; }

    [[nodiscard]] std::string unready_reason() const override;
    [[nodiscard]] std::string metrics() const override;
    [[nodiscard]] std::string stats() const override;

    [[nodiscard]] std::string config() const override { return config_; }

private:
    const Broker& broker_;
    const PresenceStore& store_;
    const std::string node_name_;
    const std::string config_;
    std::vector<const ShardMetrics*> shards_;
    std::atomic<bool> is_draining_{false};
};

}  // namespace roomcast
