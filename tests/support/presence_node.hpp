// SPDX-License-Identifier: Apache-2.0
// A node of a presence cluster without sockets to clients: a bus thread, a Redis presence store,
// its home threads, and what listeners would hear, kept by the rosters that core uses.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/roster.hpp"
#include "net/event_loop.hpp"
#include "stores/redis.hpp"
#include "stores/redis_scripts.hpp"
#include "tests/contract/contract.hpp"

namespace roomcast::test {

inline MetaText meta_text(const std::string& text) {
    return text.empty() ? nullptr : std::make_shared<const std::string>(text);
}

/// A lease of two seconds, the shortest there is.
inline RedisPresenceOptions quick_presence() {
    RedisPresenceOptions options;
    options.presence_ttl = std::chrono::seconds(3);
    options.hand_over_grace = std::chrono::seconds(1);
    return options;
}

inline redis::Address server_at(std::uint16_t port) {
    redis::Address address;
    address.endpoints = {{"127.0.0.1", port}};
    return address;
}

inline std::unique_ptr<redis::Client> make_presence_client(net::Loop& loop,
                                                           redis::Address address) {
    redis::ClientOptions options;
    options.address = std::move(address);
    options.name = "presence";
    options.scripts = redis_presence_script_list();
    return redis::make_client(loop, std::move(options));
}

/// "join alice {…}".
inline std::string brief(const PresenceEvent& event) {
    constexpr const char* kWords[] = {"join ", "update ", "leave "};
    return kWords[static_cast<std::size_t>(event.change)] + event.entry.user_id +
           (event.entry.meta ? ' ' + *event.entry.meta : "");
}

/// What one listener of one channel has got.
struct Hearing {
    bool is_synced = false;
    std::vector<std::string> story;             // since the sync
    std::map<std::string, std::string> roster;  // sync and story, added up
    std::vector<std::string> contradictions;    // a join of somebody present, …
    // Of the store's own stream, before a roster has made a clean story of it.
    std::uint64_t last_sequence = 0;
    bool is_raw_known = false;
    std::set<std::string> raw;
    std::vector<std::string> raw_contradictions;
    int comparisons = 0;  // of a snapshot with the sum of the events before it
};

class PresenceNode final : public PresenceSink {
public:
    PresenceNode(std::uint16_t port, RedisPresenceOptions options)
        : PresenceNode(server_at(port), std::move(options)) {}

    PresenceNode(redis::Address address, RedisPresenceOptions options)
        : store_(make_redis_presence_store(
              std::move(options), loop_, make_presence_client(loop_, std::move(address)))) {
        store_->start(*this, homes_);
    }

    ~PresenceNode() override { crash(); }

    /// As the hub does it: loops first, then the store.
    void stop() {
        homes_.stop();
        store_->stop();
        store_.reset();
    }

    /// As kill -9 does it, as far as the others can see.
    void crash() {
        if (!store_) return;
        homes_.stop();
        store_.reset();
    }

    /// Stops the bus thread in mid-air.
    void stall(std::chrono::milliseconds time) {
        loop_.post([time] { std::this_thread::sleep_for(time); });
    }

    /// Runs one operation until it succeeds, as core does; false: it did not within patience.
    bool join(const ChannelName& channel, const std::string& user, const std::string& meta = "") {
        return call(channel, [=, this](PresenceCallback done) {
            store_->join(channel, user, meta_text(meta), std::move(done));
        });
    }

    bool update(const ChannelName& channel, const std::string& user, const std::string& meta) {
        return call(channel, [=, this](PresenceCallback done) {
            store_->update(channel, user, meta_text(meta), std::move(done));
        });
    }

    bool leave(const ChannelName& channel, const std::string& user) {
        return call(channel, [=, this](PresenceCallback done) {
            store_->leave(channel, user, std::move(done));
        });
    }

    PresenceSnapshot snapshot(const ChannelName& channel) {
        auto result = std::make_shared<Notes<PresenceSnapshot>>();
        for (int attempt = 0; attempt < 200; ++attempt) {
            auto failed = std::make_shared<Notes<bool>>();
            homes_.post(channel, [this, channel, result, failed] {
                store_->snapshot(channel, [result, failed](Result<PresenceSnapshot> snapshot) {
                    if (snapshot) result->add(*snapshot);
                    failed->add(!snapshot);
                });
            });
            if (failed->wait_for(1) && !failed->all().front()) return result->all().front();
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        ADD_FAILURE() << "no snapshot";
        return {};
    }

    /// Begins to listen, as core does for the first listener of a channel.
    void listen(const ChannelName& channel) {
        homes_.run(channel, [&] {
            const std::lock_guard lock(mutex_);
            rosters_[channel];
            store_->watch(channel);
            load(channel);
        });
        EXPECT_TRUE(wait_until(channel, [](const Hearing& hearing) { return hearing.is_synced; }));
    }

    [[nodiscard]] Hearing hearing(const ChannelName& channel) {
        const std::lock_guard lock(mutex_);
        return hearings_[channel];
    }

    template <class Condition>
    [[nodiscard]] bool wait_until(const ChannelName& channel, Condition is_so) {
        for (int i = 0; i < 6'000; ++i) {
            if (is_so(hearing(channel))) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

    [[nodiscard]] bool hears(const ChannelName& channel, const std::string& what) {
        return wait_until(channel, [&](const Hearing& hearing) {
            return std::ranges::count(hearing.story, what) > 0;
        });
    }

    [[nodiscard]] bool sees(const ChannelName& channel,
                            const std::map<std::string, std::string>& roster) {
        return wait_until(channel,
                          [&](const Hearing& hearing) { return hearing.roster == roster; });
    }

    [[nodiscard]] double figure(std::string_view name, std::string_view label = "") const {
        for (const Figure& figure : store_->figures()) {
            if (figure.name == name && figure.label_value == label) return figure.value;
        }
        ADD_FAILURE() << "no figure " << name;
        return 0;
    }

    [[nodiscard]] PresenceStore& store() { return *store_; }

    [[nodiscard]] HomeThreads& homes() { return homes_; }

    void on_event(PresenceEvent event) override {
        const std::lock_guard lock(mutex_);
        const auto roster = rosters_.find(event.channel);
        if (roster == rosters_.end()) return;
        Hearing& hearing = hearings_[event.channel];
        check_raw(hearing, event);
        const auto change = roster->second.apply(event);
        if (!change) return;
        event.change = *change;
        tell(hearing, event);
    }

    void on_lost(const ChannelName& channel) override {
        const std::lock_guard lock(mutex_);
        if (!rosters_.contains(channel)) return;
        hearings_[channel].is_raw_known = false;
        load(channel);
    }

    /// Takes a new snapshot although nothing was lost: it must be the sum of what was heard.
    void compare(const ChannelName& channel) {
        homes_.run(channel, [&] {
            const std::lock_guard lock(mutex_);
            load(channel);
        });
    }

    void on_store_state(bool, std::string_view) override {}

private:
    bool call(const ChannelName& channel, const std::function<void(PresenceCallback)>& operation) {
        for (int attempt = 0; attempt < 200; ++attempt) {
            auto done = std::make_shared<Notes<bool>>();
            homes_.post(channel, [operation, done] {
                operation([done](Result<void> result) { done->add(result.has_value()); });
            });
            if (!done->wait_for(1)) return false;
            if (done->all().front()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }

    /// On the home of the channel, under the lock.
    void load(const ChannelName& channel) {
        rosters_[channel].start_loading();
        const std::uint64_t attempt = ++attempts_[channel];
        store_->snapshot(channel, [this, channel, attempt](Result<PresenceSnapshot> snapshot) {
            const std::lock_guard lock(mutex_);
            if (attempt != attempts_[channel]) return;
            if (!snapshot) {
                // Core waits for a second; here a failed one asks again through the queue.
                homes_.post(channel, [this, channel, attempt] {
                    std::this_thread::sleep_for(std::chrono::milliseconds(20));
                    const std::lock_guard again(mutex_);
                    if (attempt == attempts_[channel] && store_) load(channel);
                });
                return;
            }
            Hearing& hearing = hearings_[channel];
            compare_raw(hearing, *snapshot);
            const auto changes = rosters_[channel].load(std::move(*snapshot), channel, 1);
            ASSERT_TRUE(changes);
            if (!std::exchange(hearing.is_synced, true)) {
                for (const PresenceEntry& entry : rosters_[channel].users()) {
                    hearing.roster[entry.user_id] = entry.meta ? *entry.meta : "";
                }
            }
            for (const PresenceEvent& event : *changes)
                tell(hearing, event);
        });
    }

    static void check_raw(Hearing& hearing, const PresenceEvent& event) {
        const std::string& user = event.entry.user_id;
        // A gateway of the replaced service gives no numbers and no promises.
        if (event.sequence == 0) hearing.is_raw_known = false;
        const bool is_present = hearing.raw.contains(user);
        const bool is_wrong = event.sequence <= hearing.last_sequence ||
                              is_present == (event.change == PresenceChange::join);
        if (hearing.is_raw_known && is_wrong) {
            hearing.raw_contradictions.push_back(brief(event) + " #" +
                                                 std::to_string(event.sequence));
        }
        hearing.last_sequence = event.sequence;
        if (event.change == PresenceChange::leave) {
            hearing.raw.erase(user);
        } else {
            hearing.raw.insert(user);
        }
    }

    static void compare_raw(Hearing& hearing, const PresenceSnapshot& snapshot) {
        std::set<std::string> users;
        for (const PresenceEntry& entry : snapshot.users)
            users.insert(entry.user_id);
        if (hearing.is_raw_known && snapshot.sequence == hearing.last_sequence) {
            ++hearing.comparisons;
            if (users != hearing.raw) hearing.raw_contradictions.emplace_back("a snapshot");
        }
        hearing.is_raw_known = true;
        hearing.raw = std::move(users);
        hearing.last_sequence = snapshot.sequence;
    }

    static void tell(Hearing& hearing, const PresenceEvent& event) {
        const std::string& user = event.entry.user_id;
        const bool is_present = hearing.roster.contains(user);
        if (is_present == (event.change == PresenceChange::join)) {
            hearing.contradictions.push_back(brief(event));
        }
        hearing.story.push_back(brief(event));
        if (event.change == PresenceChange::leave) {
            hearing.roster.erase(user);
        } else {
            hearing.roster[user] = event.entry.meta ? *event.entry.meta : "";
        }
    }

    std::mutex mutex_;
    std::unordered_map<ChannelName, Roster, ChannelNameHash> rosters_;
    std::unordered_map<ChannelName, std::uint64_t, ChannelNameHash> attempts_;
    std::unordered_map<ChannelName, Hearing, ChannelNameHash> hearings_;
    net::EventLoop loop_{"bus"};
    HomeThreads homes_{2};
    std::unique_ptr<PresenceStore> store_;
};

}  // namespace roomcast::test
