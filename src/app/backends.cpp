// SPDX-License-Identifier: Apache-2.0
#include "app/backends.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

#include "brokers/memory.hpp"
#include "brokers/redis.hpp"
#include "redis/client.hpp"
#include "stores/memory.hpp"
#include "stores/redis.hpp"
#include "stores/redis_scripts.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

/// A setting that cannot be served; its text is one line for the operator.
struct BadBackend {
    std::string message;
};

redis::ClientOptions client_options(const RedisSettings& settings,
                                    std::string_view ca_variable,
                                    std::string name) {
    redis::ClientOptions options{.address = settings.address, .name = std::move(name)};
    if (!settings.address.is_tls) return options;
    try {
        options.tls = net::load_tls_trust(settings.ca_file);
    } catch (const std::runtime_error& error) {
        throw BadBackend{std::string(ca_variable) + ": " + error.what()};
    }
    return options;
}

std::unique_ptr<Broker> make_broker(const Settings& settings, net::EventLoop* bus) {
    switch (settings.broker) {
        case BrokerKind::memory:
            return std::make_unique<MemoryBroker>();
        case BrokerKind::redis: {
            RedisBrokerOptions options;
            options.client =
                client_options(settings.broker_redis, "BROADCAST_MQ_CA_FILE", "roomcast-broker");
            options.client.call_deadline = settings.limits.publish_timeout;
            options.idempotency_ttl = settings.limits.idempotency_ttl;
            options.limits.mail_entries = settings.limits.mailbox_entries;
            options.limits.mail_bytes = settings.limits.mailbox_bytes;
            return std::make_unique<RedisBroker>(std::move(options), *bus);
        }
        case BrokerKind::nats:
        case BrokerKind::rabbitmq:
        case BrokerKind::kafka:
            break;  // refused with the settings
    }
    ASSERT(false);
}

std::unique_ptr<PresenceStore> make_presence_store(const Settings& settings,
                                                   const Clock& clock,
                                                   net::EventLoop* bus) {
    if (settings.presence_store == StoreKind::memory) {
        return std::make_unique<MemoryPresenceStore>(clock, settings.shards);
    }
    redis::ClientOptions client =
        client_options(settings.redis, "REDIS_CA_FILE", "roomcast-presence");
    client.scripts = redis_presence_script_list();
    RedisPresenceOptions options;
    options.presence_ttl = settings.presence_ttl;
    options.hand_over_grace = settings.limits.presence_lost_grace;
    options.mailbox_entries = settings.limits.mailbox_entries;
    options.mailbox_bytes = settings.limits.mailbox_bytes;
    return make_redis_presence_store(
        std::move(options), *bus, redis::make_client(*bus, std::move(client)));
}

}  // namespace

Outcome<Backends, std::string> make_backends(const Settings& settings, const Clock& clock) {
    Backends backends;
    if (settings.broker != BrokerKind::memory || settings.presence_store != StoreKind::memory) {
        backends.bus = std::make_unique<net::EventLoop>("roomcast-bus");
    }
    try {
        backends.broker = make_broker(settings, backends.bus.get());
        backends.store = make_presence_store(settings, clock, backends.bus.get());
    } catch (const BadBackend& bad) {
        return bad.message;
    }
    return backends;
}

}  // namespace roomcast
