// SPDX-License-Identifier: Apache-2.0
#include "app/backends.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "brokers/kafka.hpp"
#include "brokers/memory.hpp"
#include "brokers/nats.hpp"
#include "brokers/rabbitmq.hpp"
#include "brokers/redis.hpp"
#include "redis/client.hpp"
#include "stores/memory.hpp"
#include "stores/redis.hpp"
#include "stores/redis_context.hpp"
#include "stores/redis_scripts.hpp"
#include "util/assert.hpp"

namespace roomcast {

namespace {

/// A setting that cannot be served; its text is one line for the operator.
struct BadBackend {
    std::string message;
};

std::shared_ptr<const net::TlsTrust> load_trust(const std::string& ca_file,
                                                std::string_view ca_variable) {
    try {
        return net::load_tls_trust(ca_file);
    } catch (const std::runtime_error& error) {
        throw BadBackend{std::string(ca_variable) + ": " + error.what()};
    }
}

redis::ClientOptions client_options(const RedisSettings& settings,
                                    std::string_view ca_variable,
                                    std::string name) {
    redis::ClientOptions options{.address = settings.address, .name = std::move(name)};
    if (settings.address.is_tls) options.tls = load_trust(settings.ca_file, ca_variable);
    return options;
}

HomeSideLimits home_limits(const Limits& limits) {
    return {.mail_entries = limits.mailbox_entries, .mail_bytes = limits.mailbox_bytes};
}

/// The library reads these files itself, at each connection: here they are looked at once.
void check_nats_files(const NatsSettings& nats) {
    if (!nats.ca_file.empty()) (void)load_trust(nats.ca_file, "BROADCAST_NATS_CA_FILE");
    if (nats.creds_file.empty()) return;
    const std::string name = "BROADCAST_NATS_CREDS_FILE: ";
    const auto text = read_small_file(nats.creds_file);
    if (!text) throw BadBackend{name + nats.creds_file + ": " + text.error().reason};
    for (const char* const part : {"BEGIN NATS USER JWT", "BEGIN USER NKEY SEED"}) {
        if (text->find(part) != std::string::npos) continue;
        throw BadBackend{name + nats.creds_file + " has no \"" + part + "\""};
    }
}

NatsBrokerOptions nats_options(const Settings& settings) {
    const NatsSettings& nats = settings.nats;
    check_nats_files(nats);
    NatsBrokerOptions options;
    options.servers = nats.servers;
    for (NatsServer& server : options.servers) {
        if (nats.login != NatsLogin{}) server.login = nats.login;
    }
    options.prefix = nats.prefix;
    options.creds_file = nats.creds_file;
    options.ca_file = nats.ca_file;
    options.publish_timeout = settings.limits.publish_timeout;
    options.limits = home_limits(settings.limits);
    options.pending_messages = options.limits.pending_publishes + options.limits.mail_entries;
    return options;
}

RabbitmqBrokerOptions rabbitmq_options(const Settings& settings) {
    if (settings.rabbitmq.is_tls) {
        // The library reads the file itself, at each connection: here it is looked at once.
        (void)load_trust(settings.rabbitmq_ca_file, "BROADCAST_RABBITMQ_CA_FILE");
    }
    return {.address = settings.rabbitmq,
            .topology = settings.rabbitmq_topology,
            .ca_file = settings.rabbitmq_ca_file,
            .publish_timeout = settings.limits.publish_timeout,
            .limits = home_limits(settings.limits)};
}

KafkaBrokerOptions kafka_options(const Settings& settings) {
    if (settings.kafka.tls.is_on) {
        // The library reads the file itself: here it is looked at before the start.
        (void)load_trust(settings.kafka.tls.ca_file, "BROADCAST_KAFKA_TLS_CA_FILE");
    }
    KafkaBrokerOptions options;
    options.access = settings.kafka;
    options.publish_timeout = settings.limits.publish_timeout;
    options.limits = home_limits(settings.limits);
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
            options.limits = home_limits(settings.limits);
            return std::make_unique<RedisBroker>(std::move(options), *bus);
        }
        case BrokerKind::rabbitmq:
            return std::make_unique<RabbitmqBroker>(rabbitmq_options(settings), *bus);
        case BrokerKind::nats:
            return std::make_unique<NatsBroker>(nats_options(settings), *bus);
        case BrokerKind::kafka:
            return std::make_unique<KafkaBroker>(kafka_options(settings));
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
    // After a loss of data nodes wait a lease for each other: all must be back by then.
    client.longest_pause =
        std::min(client.longest_pause, RedisPresenceTimes(settings.presence_ttl).lease / 2);
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
