// SPDX-License-Identifier: Apache-2.0
// The threads of the server: one loop a shard, the hub they share, and how all of it starts, drains
// and stops.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/hub.hpp"
#include "gateway/options.hpp"
#include "gateway/shard_loop.hpp"
#include "util/result.hpp"

namespace roomcast {

/// Owned by `main`'s thread, which calls all of it unless a comment says otherwise.
class Gateway {
public:
    Gateway(GatewayOptions options, HubServices services);
    /// stop()s.
    ~Gateway();

    /// Opens the listening sockets. The error is a sentence for the operator: a port in use, an
    /// unknown host, io_uring asked for and not there.
    [[nodiscard]] Outcome<void, std::string> open();
    /// Starts the threads: connections are accepted from now on.
    void start();

    /// Accepts no more and ends all connections, spread over `spread`, fewer where they are few.
    void drain(std::chrono::seconds spread);

    /// Whether drain() has ended all connections. From any thread.
    [[nodiscard]] bool is_drained() const { return drained_shards_ == loops_.size(); }

    /// Ends the threads; connections that are left are cut. Idempotent.
    void stop();

    /// New connections use it; those that are there keep theirs.
    void set_tls(const std::shared_ptr<const TlsContext>& tls);

    [[nodiscard]] Hub& hub() { return hub_; }

    /// "127.0.0.1:8080": where clients connect. After open().
    [[nodiscard]] const std::string& address() const { return address_; }

    /// Empty without a listener for operators.
    [[nodiscard]] const std::string& operator_address() const { return operator_address_; }

    /// "io_uring" or "send". After open().
    [[nodiscard]] std::string_view send_method() const { return send_method_; }

    /// Client connections now, HTTP ones too. From any thread.
    [[nodiscard]] std::size_t connection_count() const { return state_.connections; }

private:
    [[nodiscard]] std::unique_ptr<SendBatch> make_send_batch() const;

    const GatewayOptions options_;
    GatewayState state_;
    Hub hub_;
    std::vector<std::unique_ptr<ShardLoop>> loops_;
    std::vector<std::thread> threads_;
    std::atomic<std::size_t> drained_shards_{0};
    std::string address_;
    std::string operator_address_;
    std::string_view send_method_;
};

}  // namespace roomcast
