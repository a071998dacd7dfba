// SPDX-License-Identifier: Apache-2.0
// What core relies on in every presence store (stores/presence_store.hpp).
#include <algorithm>
#include <map>

#include <gmock/gmock.h>

#include "tests/contract/contract.hpp"
#include "util/hex.hpp"
#include "util/random.hpp"

namespace roomcast {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A store, its home threads, and what it announced.
class Scene final : public PresenceSink {
public:
    explicit Scene(const StoreCase& backend)
        : store_(backend.make(clock_)),
          homes_(backend.shards) {
        store_->start(*this, homes_);
        watch(channel_);
    }

    ~Scene() override {
        homes_.stop();
        store_->stop();
    }

    void on_event(PresenceEvent event) override { events_.add(std::move(event)); }

    void on_lost(const ChannelName&) override { ADD_FAILURE() << "nothing was lost"; }

    void on_store_state(bool, std::string_view) override {}

    /// As core does it: events are sure to come from behind a snapshot on.
    void watch(const ChannelName& channel) {
        homes_.run(channel, [&] { store_->watch(channel); });
        (void)snapshot_of(channel);
    }

    void unwatch(const ChannelName& channel) {
        homes_.run(channel, [&] { store_->unwatch(channel); });
    }

    bool join(const std::string& user, const char* meta = nullptr) {
        return join_on(channel_, user, meta);
    }

    bool join_on(const ChannelName& channel, const std::string& user, const char* meta = nullptr) {
        return call(channel, [&](PresenceCallback done) {
            store_->join(channel, user, text(meta), std::move(done));
        });
    }

    bool update(const std::string& user, const char* meta) {
        return call(channel_, [&](PresenceCallback done) {
            store_->update(channel_, user, text(meta), std::move(done));
        });
    }

    bool leave(const std::string& user) {
        return call(channel_,
                    [&](PresenceCallback done) { store_->leave(channel_, user, std::move(done)); });
    }

    PresenceSnapshot snapshot() { return snapshot_of(channel_); }

    PresenceSnapshot snapshot_of(const ChannelName& channel) {
        Notes<PresenceSnapshot> notes;
        homes_.run(channel, [&] {
            store_->snapshot(channel, [&](Result<PresenceSnapshot> result) {
                EXPECT_TRUE(result);
                notes.add(result ? *result : PresenceSnapshot());
            });
        });
        EXPECT_TRUE(notes.wait_for(1));
        return notes.all().at(0);
    }

    /// Waits for that many, and gives them as "join alice {...}".
    std::vector<std::string> events(std::size_t count) {
        EXPECT_TRUE(count == 0 || events_.wait_for(count));
        std::vector<std::string> all;
        for (const PresenceEvent& event : events_.all()) {
            constexpr const char* kWords[] = {"join ", "update ", "leave "};
            all.push_back(kWords[static_cast<std::size_t>(event.change)] + event.entry.user_id +
                          (event.entry.meta ? ' ' + *event.entry.meta : ""));
        }
        return all;
    }

    std::vector<PresenceEvent> raw_events() { return events_.all(); }

    PresenceStore& store() { return *store_; }

    HomeThreads& homes() { return homes_; }

    [[nodiscard]] const ChannelName& channel() const { return channel_; }

private:
    static MetaText text(const char* meta) {
        return meta ? std::make_shared<const std::string>(meta) : nullptr;
    }

    bool call(const ChannelName& channel, const std::function<void(PresenceCallback)>& operation) {
        Notes<bool> done;
        homes_.run(channel, [&] {
            operation([&done](Result<void> result) { done.add(result.has_value()); });
        });
        EXPECT_TRUE(done.wait_for(1));
        EXPECT_EQ(done.all().size(), 1U);
        return done.all().at(0);
    }

    const SystemClock clock_;
    // Of its own for each test: a store with a server behind it may hold what an earlier run left.
    const ChannelName channel_ = *ChannelName::make("contract-" + to_hex(random_u64()));
    Notes<PresenceEvent> events_;
    std::unique_ptr<PresenceStore> store_;
    HomeThreads homes_;
};

TEST_P(PresenceStoreContract, AnnouncesEachChangeOnce) {
    Scene scene(GetParam());
    EXPECT_TRUE(scene.join("alice", R"({"n":1})"));
    EXPECT_TRUE(scene.join("alice", R"({"n":1})"));  // changes nothing
    EXPECT_TRUE(scene.join("alice", R"({"n":2})"));
    EXPECT_TRUE(scene.update("alice", R"({"n":2})"));  // an update is always told
    EXPECT_TRUE(scene.leave("alice"));
    EXPECT_TRUE(scene.leave("alice"));  // changes nothing
    EXPECT_TRUE(scene.leave("nobody"));
    EXPECT_TRUE(scene.join("bob"));
    EXPECT_THAT(scene.events(5),
                ElementsAre("join alice {\"n\":1}",
                            "update alice {\"n\":2}",
                            "update alice {\"n\":2}",
                            "leave alice",
                            "join bob"));
}

TEST_P(PresenceStoreContract, AnUpdateOfAnAbsentUserIsAJoin) {
    Scene scene(GetParam());
    EXPECT_TRUE(scene.update("alice", R"({"n":1})"));
    EXPECT_THAT(scene.events(1), ElementsAre("join alice {\"n\":1}"));
}

TEST_P(PresenceStoreContract, KeepsMetaByteForByte) {
    Scene scene(GetParam());
    const char* meta = R"({ "b":1, "a":12345678901234567890, "b":2, "s":"\u00e9é\/" })";
    EXPECT_TRUE(scene.join("alice", meta));
    EXPECT_TRUE(scene.join("without"));
    auto users = scene.snapshot().users;
    std::ranges::sort(users, {}, &PresenceEntry::user_id);
    ASSERT_EQ(users.size(), 2U);
    ASSERT_TRUE(users[0].meta);
    EXPECT_EQ(*users[0].meta, meta);
    EXPECT_FALSE(users[1].meta);
    ASSERT_EQ(scene.events(2).size(), 2U);
    EXPECT_EQ(*scene.raw_events()[0].entry.meta, meta);
}

TEST_P(PresenceStoreContract, StampsWhatItStoresAndTells) {
    const std::int64_t before = SystemClock().wall_ms();
    Scene scene(GetParam());
    EXPECT_TRUE(scene.join("alice"));
    (void)scene.events(1);
    const PresenceEvent event = scene.raw_events().at(0);
    EXPECT_NEAR(static_cast<double>(event.ts_ms), static_cast<double>(before), 60'000);
    EXPECT_NEAR(
        static_cast<double>(event.entry.updated_at), static_cast<double>(before) / 1000, 60);
    EXPECT_EQ(scene.snapshot().users.at(0).updated_at, event.entry.updated_at);
}

TEST_P(PresenceStoreContract, SequencesGrowAlsoWhenTheChannelWasEmptyInBetween) {
    Scene scene(GetParam());
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(scene.join("alice"));
        EXPECT_TRUE(scene.leave("alice"));
    }
    (void)scene.events(6);
    std::uint64_t last = 0;
    for (const PresenceEvent& event : scene.raw_events()) {
        EXPECT_GT(event.sequence, last);
        last = event.sequence;
    }
    EXPECT_GE(scene.snapshot().sequence, last);
}

TEST_P(PresenceStoreContract, ASnapshotAndTheEventsBehindItAddUp) {
    Scene scene(GetParam());
    constexpr int kUsers = 30;
    Notes<bool> done;
    std::vector<PresenceSnapshot> snapshots;
    std::map<std::string, std::string> truth;
    for (int i = 0; i < 300; ++i) {
        const std::string user = "user" + std::to_string(i * 7 % kUsers);
        const bool is_leave = i % 3 == 2;
        const std::string meta = "{\"n\":" + std::to_string(i) + '}';
        scene.homes().post(scene.channel(), [&scene, &done, user, is_leave, meta] {
            const auto note = [&done](Result<void> result) { done.add(result.has_value()); };
            if (is_leave) {
                scene.store().leave(scene.channel(), user, note);
            } else {
                scene.store().join(
                    scene.channel(), user, std::make_shared<const std::string>(meta), note);
            }
        });
        if (is_leave) {
            truth.erase(user);
        } else {
            truth[user] = meta;
        }
        if (i % 50 == 25) snapshots.push_back(scene.snapshot());
    }
    ASSERT_TRUE(done.wait_for(300));
    EXPECT_THAT(done.all(), testing::Each(true));
    snapshots.push_back(scene.snapshot());
    // The store may still be telling: the last event is that of a user of our own.
    EXPECT_TRUE(scene.join("end"));
    truth["end"] = "";
    const auto is_told = [&] {
        const auto all = scene.raw_events();
        return !all.empty() && all.back().entry.user_id == "end";
    };
    for (std::size_t count = 1; !is_told(); ++count)
        ASSERT_FALSE(scene.events(count).empty());
    for (const PresenceSnapshot& snapshot : snapshots) {
        std::map<std::string, std::string> view;
        for (const PresenceEntry& entry : snapshot.users) {
            view[entry.user_id] = entry.meta ? *entry.meta : "";
        }
        for (const PresenceEvent& event : scene.raw_events()) {
            if (event.sequence <= snapshot.sequence) continue;
            const std::string& user = event.entry.user_id;
            if (event.change == PresenceChange::leave) {
                EXPECT_EQ(view.erase(user), 1U);
            } else {
                EXPECT_EQ(view.contains(user), event.change == PresenceChange::update);
                view[user] = event.entry.meta ? *event.entry.meta : "";
            }
        }
        EXPECT_EQ(view, truth);
    }
}

TEST_P(PresenceStoreContract, ChannelsAreApartAndOnlyWatchedOnesAreTold) {
    Scene scene(GetParam());
    const ChannelName other = *ChannelName::make(std::string(scene.channel().text()) + " *>#{x}");
    EXPECT_TRUE(scene.join_on(other, "bob"));
    EXPECT_TRUE(scene.join("alice"));
    EXPECT_THAT(scene.events(1), ElementsAre("join alice"));
    EXPECT_EQ(scene.snapshot_of(other).users.size(), 1U);
    EXPECT_EQ(scene.snapshot_of(other).users.at(0).user_id, "bob");
    scene.watch(other);
    EXPECT_TRUE(scene.join_on(other, "carol"));
    EXPECT_THAT(scene.events(2), ElementsAre("join alice", "join carol"));
    scene.unwatch(other);
    scene.unwatch(other);  // idempotent
    EXPECT_TRUE(scene.join_on(other, "dave"));
    EXPECT_TRUE(scene.join("erin"));
    EXPECT_THAT(scene.events(3), ElementsAre("join alice", "join carol", "join erin"));
}

TEST_P(PresenceStoreContract, UsersMayHaveAnyName) {
    Scene scene(GetParam());
    const std::vector<std::string> names = {
        "__proto__", "a b", "\"", "{}", "gr\u00fc\u00df", "0", std::string(256, 'u')};
    for (const std::string& name : names)
        EXPECT_TRUE(scene.join(name));
    std::vector<std::string> listed;
    for (const PresenceEntry& entry : scene.snapshot().users)
        listed.push_back(entry.user_id);
    EXPECT_THAT(listed, testing::UnorderedElementsAreArray(names));
    for (const std::string& name : names)
        EXPECT_TRUE(scene.leave(name));
    EXPECT_THAT(scene.snapshot().users, IsEmpty());
    EXPECT_EQ(scene.events(2 * names.size()).size(), 2 * names.size());
}

}  // namespace
}  // namespace roomcast
