// SPDX-License-Identifier: Apache-2.0
#include "brokers/home_side.hpp"

#include <algorithm>
#include <utility>

#include "brokers/bus_message.hpp"
#include "codec/json.hpp"
#include "model/home_shard.hpp"
#include "util/log.hpp"

namespace roomcast {

namespace {

/// Letters in one piece of work: a home weighs the rest of its turn between two pieces.
constexpr std::size_t kBatchLetters = 16;

}  // namespace

/// Each member belongs to the thread that is named, but for the counts of what is under way.
struct HomeSide::Home {
    explicit Home(ShardIndex number) : index(number) {}

    const ShardIndex index;

    // the home's
    std::vector<PublishCallback> publishes;  // by slot; empty where it is free
    std::vector<std::uint32_t> free_slots;
    std::unordered_map<ChannelName, std::pair<std::uint64_t, SubscribeCallback>, ChannelNameHash>
        subscribes;
    std::uint64_t attempts = 0;

    // the broker's
    Batch batch;
    std::unordered_set<ChannelName, ChannelNameHash> gapped;  // deliveries were dropped

    std::atomic<std::size_t> waiting_deliveries{0};
    std::atomic<std::size_t> waiting_bytes{0};
};

HomeSide::HomeSide(BrokerSink& sink, Executor& executor, HomeSideLimits limits)
    : sink_(sink),
      executor_(executor),
      limits_(limits) {
    for (ShardIndex index = 0; index < executor.shard_count(); ++index)
        homes_.push_back(std::make_unique<Home>(index));
}

HomeSide::~HomeSide() = default;

HomeSide::Home& HomeSide::home_of(const ChannelName& channel) {
    return *homes_[home_shard(channel, executor_.shard_count())];
}

// ---- on the home ----

std::optional<PublishTicket> HomeSide::open(const ChannelName& channel, PublishCallback done) {
    if (pending_publishes_.load(std::memory_order_relaxed) >= limits_.pending_publishes) {
        done(Errc::unavailable);
        return std::nullopt;
    }
    pending_publishes_.fetch_add(1, std::memory_order_relaxed);
    Home& home = home_of(channel);
    if (home.free_slots.empty()) {
        home.free_slots.push_back(static_cast<std::uint32_t>(home.publishes.size()));
        home.publishes.emplace_back();
    }
    const std::uint32_t slot = home.free_slots.back();
    home.free_slots.pop_back();
    home.publishes[slot] = std::move(done);
    return PublishTicket{home.index, slot};
}

std::uint64_t HomeSide::await(const ChannelName& channel, SubscribeCallback confirmed) {
    Home& home = home_of(channel);
    home.subscribes.insert_or_assign(channel, std::pair(++home.attempts, std::move(confirmed)));
    return home.attempts;
}

void HomeSide::forget(const ChannelName& channel) {
    home_of(channel).subscribes.erase(channel);
}

void HomeSide::receive(Home& home, Batch& batch) {
    for (Letter& letter : batch)
        std::visit([&](auto& each) { on(home, each); }, letter);
}

void HomeSide::on(Home& home, Delivery& delivery) {
    home.waiting_deliveries.fetch_sub(1, std::memory_order_relaxed);
    home.waiting_bytes.fetch_sub(delivery.padded_body.size(), std::memory_order_relaxed);
    const std::string_view text = std::string_view(delivery.padded_body)
                                      .substr(0, delivery.padded_body.size() - json::kJsonPadding);
    auto message = decode_bus_message(delivery.channel, text);
    if (message) return sink_.on_message(std::move(*message));
    bad_messages_.fetch_add(1, std::memory_order_relaxed);
    log::warn("a message of the broker is not one of ours: it is passed by",
              {{"channel", delivery.channel.text()}, {"reason", message.error()}});
}

void HomeSide::on(Home& /*home*/, Gap& gap) {
    sink_.on_gap(gap.channel);
}

void HomeSide::on(Home& home, Confirmation& confirmation) {
    const auto found = home.subscribes.find(confirmation.channel);
    if (found == home.subscribes.end() || found->second.first != confirmation.attempt) return;
    const SubscribeCallback confirmed = std::move(found->second.second);
    home.subscribes.erase(found);
    confirmed();
}

void HomeSide::on(Home& home, Answer& answer) {
    const PublishCallback done = std::exchange(home.publishes[answer.slot], nullptr);
    home.free_slots.push_back(answer.slot);
    pending_publishes_.fetch_sub(1, std::memory_order_relaxed);
    done(answer.result);
}

// ---- on the broker's thread ----

void HomeSide::deliver(const ChannelName& channel, std::string_view body) {
    Home& home = home_of(channel);
    const std::size_t bytes = body.size() + json::kJsonPadding;
    if (home.waiting_deliveries.load(std::memory_order_relaxed) >= limits_.mail_entries ||
        home.waiting_bytes.load(std::memory_order_relaxed) + bytes > limits_.mail_bytes) {
        dropped_messages_.fetch_add(1, std::memory_order_relaxed);
        home.gapped.insert(channel);
        return;
    }
    if (home.gapped.erase(channel) > 0) put(home, Gap{channel});
    home.waiting_deliveries.fetch_add(1, std::memory_order_relaxed);
    home.waiting_bytes.fetch_add(bytes, std::memory_order_relaxed);
    std::string padded;
    padded.reserve(bytes);
    padded.append(body).append(json::kJsonPadding, '\0');
    put(home, Delivery{channel, std::move(padded)});
}

bool HomeSide::has_room() const {
    return std::ranges::all_of(homes_, [this](const auto& home) {
        return home->waiting_deliveries.load(std::memory_order_relaxed) <
                   limits_.mail_entries / 2 &&
               home->waiting_bytes.load(std::memory_order_relaxed) < limits_.mail_bytes / 2;
    });
}

void HomeSide::gap(const ChannelName& channel) {
    put(home_of(channel), Gap{channel});
}

void HomeSide::confirm(const ChannelName& channel, std::uint64_t attempt) {
    put(home_of(channel), Confirmation{channel, attempt});
}

void HomeSide::answer(PublishTicket ticket, Result<std::optional<PublishReceipt>> result) {
    put(*homes_[ticket.home], Answer{ticket.slot, result});
}

void HomeSide::put(Home& home, Letter letter) {
    home.batch.push_back(std::move(letter));
    if (home.batch.size() >= kBatchLetters) post(home);
}

void HomeSide::post(Home& home) {
    // Shared, because a std::function must be able to be copied.
    const auto batch = std::make_shared<Batch>(std::exchange(home.batch, {}));
    executor_.post(home.index, [this, &home, batch] { receive(home, *batch); });
}

void HomeSide::hand_over() {
    for (const auto& home : homes_) {
        // Channels whose messages were dropped are told as soon as there is room again.
        if (!home->gapped.empty() &&
            home->waiting_deliveries.load(std::memory_order_relaxed) < limits_.mail_entries / 2) {
            for (const ChannelName& channel : std::exchange(home->gapped, {}))
                put(*home, Gap{channel});
        }
        if (!home->batch.empty()) post(*home);
    }
}

void HomeSide::give_up() {
    for (const auto& home : homes_) {
        for (PublishCallback& waiting : home->publishes) {
            if (waiting) std::exchange(waiting, nullptr)(Errc::unavailable);
        }
        home->subscribes.clear();
    }
    pending_publishes_ = 0;
}

}  // namespace roomcast
