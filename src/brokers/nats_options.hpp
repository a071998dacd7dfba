// SPDX-License-Identifier: Apache-2.0
// What a broker on NATS is made with.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "brokers/home_side.hpp"
#include "brokers/nats_address.hpp"

namespace roomcast {

struct NatsBrokerOptions {
    std::vector<NatsServer> servers;  // at least one; tried in turn
    std::string prefix = "roomcast";  // NatsSubjects::is_prefix()
    std::string creds_file;           // empty: none
    std::string ca_file;              // PEM; empty: the certificates of the system
    /// How long a publish may take, and each round trip.
    std::chrono::milliseconds publish_timeout{2'000};
    /// A round trip after so long a silence of ours.
    std::chrono::milliseconds ping_interval{3'000};
    /// How often channels are asked for on which the server refuses this login.
    std::chrono::milliseconds retry_refused{10'000};
    /// Messages of one channel that may wait in the library: its thread can lag behind the answers
    /// to what this node has published itself.
    std::size_t pending_messages = 131'072;
    HomeSideLimits limits;
};

}  // namespace roomcast
