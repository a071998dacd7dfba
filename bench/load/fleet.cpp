// SPDX-License-Identifier: Apache-2.0
#include "load/fleet.hpp"

#include "load/poll_until.hpp"

namespace roomcast::bench {

namespace {

constexpr std::uint32_t kOpeningAtOnce = 64;

}  // namespace

std::vector<std::string> channel_names(std::string_view prefix, std::uint32_t count) {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < count; ++i) {
        names.push_back(std::string(prefix) + std::to_string(i));
    }
    return names;
}

void Fleet::open(std::uint32_t readers) {
    readers_.reserve(readers);
    const auto keep_opening = [&] {
        while (size() < readers && size() - ready_ < plan_.at_once)
            start_one();
        return ready_;
    };
    is_opening_ = true;
    poll_until(target_.loop, keep_opening, readers, "opening readers");
    is_opening_ = false;
}

void Fleet::start_one() {
    const std::uint32_t index = size();
    const std::string resource =
        target_.protocol.reader_resource("user-" + std::to_string(index), channel_of(index, 0));
    Target target = target_;
    if (!plan_.ports.empty()) target.port = plan_.ports[index % plan_.ports.size()];
    const Nanoseconds started = now_ns();
    readers_.push_back({make_client(target, *this, resource, index), started, plan_.subscriptions});
}

void Fleet::abort_all() {
    for (const Reader& reader : readers_)
        reader.client->abort();
}

void Fleet::on_open(Client& client) {
    for (std::uint32_t nth = 0; nth < plan_.subscriptions; ++nth) {
        const std::string& channel = channel_of(client.index(), nth);
        const std::string text = target_.protocol.subscribe(channel);
        if (text.empty()) {
            on_confirmed(client);
            continue;
        }
        client.queue_text(text);
        if (const std::string join = target_.protocol.join(channel); !join.empty())
            client.queue_text(join);
    }
}

void Fleet::on_confirmed(Client& client) {
    Reader& reader = readers_[client.index()];
    if (reader.unconfirmed == 0 || --reader.unconfirmed > 0) return;
    ++ready_;
    waits_.record(now_ns() - reader.started);
}

void Fleet::on_closed(Client& client, std::string_view reason) {
    if (is_opening_) give_up(std::string("a reader does not get in: ").append(reason));
    events_.on_reader_closed(client.index(), reason);
}

Publishers::Publishers(Target target, std::vector<std::string> channels, std::uint32_t per_channel)
    : target_(target),
      channels_(std::move(channels)),
      per_channel_(per_channel) {}

void Publishers::open() {
    const std::size_t count =
        target_.protocol.is_publisher_shared() ? per_channel_ : per_channel_ * channels_.size();
    const auto keep_opening = [&] {
        while (clients_.size() < count && clients_.size() - open_ < kOpeningAtOnce) {
            const std::string& channel = channels_[clients_.size() / per_channel_];
            const auto index = static_cast<std::uint32_t>(clients_.size());
            const std::string resource =
                target_.protocol.publisher_resource("publisher-" + std::to_string(index), channel);
            clients_.push_back(make_client(target_, *this, resource, index));
        }
        return open_;
    };
    poll_until(target_.loop, keep_opening, count, "opening publishers");
}

void Publishers::abort_all() {
    for (const auto& client : clients_)
        client->abort();
}

Client& Publishers::client_of(std::uint32_t channel, std::uint32_t slot) {
    const bool is_shared = target_.protocol.is_publisher_shared();
    return *clients_[is_shared ? slot : channel * per_channel_ + slot];
}

void Publishers::publish(std::uint32_t channel, std::uint32_t slot, std::string_view payload) {
    Client& client = client_of(channel, slot);
    client.queue_text(target_.protocol.publish(channels_[channel], payload));
    if (dirty_.empty() || dirty_.back() != &client) dirty_.push_back(&client);
}

void Publishers::flush() {
    for (Client* client : dirty_)
        client->flush();
    dirty_.clear();
}

void Publishers::on_closed(Client& /*client*/, std::string_view reason) {
    give_up(std::string("the server closed a publisher: ").append(reason));
}

}  // namespace roomcast::bench
