// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "redis/client.hpp"
#include "redis/cluster_client.hpp"
#include "redis/direct_client.hpp"

namespace roomcast::redis {

std::unique_ptr<Client> make_client(net::Loop& loop, ClientOptions options) {
    if (options.address.mode == Mode::cluster) {
        return std::make_unique<ClusterClient>(loop, std::move(options));
    }
    return std::make_unique<DirectClient>(loop, std::move(options));
}

}  // namespace roomcast::redis
