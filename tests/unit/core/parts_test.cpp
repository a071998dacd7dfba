// SPDX-License-Identifier: Apache-2.0
// The small parts that core is made of: timers, rates, the session table, the roster.
#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rate_limiter.hpp"
#include "core/roster.hpp"
#include "core/session_table.hpp"
#include "model/limits.hpp"
#include "protocol/native.hpp"
#include "util/timer_queue.hpp"

namespace roomcast {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const SteadyTime kStart{1h};

// ---- TimerQueue ----

TEST(TimerQueueTest, RunsWhatIsDueInOrderOfTimeThenOfAdding) {
    TimerQueue timers;
    std::vector<int> ran;
    for (const int delay : {3, 1, 2, 1}) {
        const int mark = delay * 10 + static_cast<int>(timers.size());
        (void)timers.add(kStart + std::chrono::seconds(delay),
                         [&ran, mark] { ran.push_back(mark); });
    }
    EXPECT_EQ(timers.next_due(), kStart + 1s);
    EXPECT_FALSE(timers.run_one(kStart));
    while (timers.run_one(kStart + 2s)) {
    }
    EXPECT_THAT(ran, ElementsAre(11, 13, 22));
    EXPECT_EQ(timers.size(), 1U);
}

TEST(TimerQueueTest, ACancelledTimerIsGoneAndItsIdHarmless) {
    TimerQueue timers;
    TimerId id = timers.add(kStart, [] { FAIL(); });
    const TimerId copy = id;
    timers.cancel(id);
    EXPECT_EQ(timers.size(), 0U);
    bool has_run = false;
    TimerId next = timers.add(kStart, [&] { has_run = true; });  // uses the same slot
    EXPECT_FALSE(timers.is_set(copy));
    timers.cancel(id);
    TimerId stale = copy;
    timers.cancel(stale);
    EXPECT_TRUE(timers.is_set(next));
    EXPECT_TRUE(timers.run_one(kStart));
    EXPECT_TRUE(has_run);
    timers.cancel(next);
}

TEST(TimerQueueTest, AnActionMayAddAndCancel) {
    TimerQueue timers;
    int runs = 0;
    TimerId other = timers.add(kStart + 1s, [] { FAIL(); });
    (void)timers.add(kStart, [&] {
        timers.cancel(other);
        (void)timers.add(kStart, [&] { ++runs; });
        ++runs;
    });
    while (timers.run_one(kStart + 5s)) {
    }
    EXPECT_EQ(runs, 2);
}

TEST(TimerQueueTest, KeepsTheOrderThroughManyCancellations) {
    std::mt19937 random(1);
    TimerQueue timers;
    std::vector<TimerId> ids;
    std::vector<int> ran;
    for (int i = 0; i < 1'000; ++i) {
        const int due = static_cast<int>(random() % 500);
        ids.push_back(timers.add(kStart + std::chrono::milliseconds(due),
                                 [&ran, due] { ran.push_back(due); }));
    }
    std::shuffle(ids.begin(), ids.end(), random);
    for (std::size_t i = 0; i < 400; ++i)
        timers.cancel(ids[i]);
    while (timers.run_one(kStart + 1s)) {
    }
    EXPECT_EQ(ran.size(), 600U);
    EXPECT_TRUE(std::ranges::is_sorted(ran));
}

// ---- RateLimiter ----

TEST(RateLimiterTest, StartsWithABurstAndFillsAtItsRate) {
    const RateLimiter::Rate rate{.per_second = 10, .burst = 2};
    RateLimiter limiter(rate, kStart);
    EXPECT_TRUE(limiter.try_take(rate, kStart));
    EXPECT_TRUE(limiter.try_take(rate, kStart));
    EXPECT_FALSE(limiter.try_take(rate, kStart));
    EXPECT_EQ(limiter.wait(rate), 100ms);
    EXPECT_FALSE(limiter.try_take(rate, kStart + 99ms));
    EXPECT_EQ(limiter.wait(rate), 1ms);
    EXPECT_TRUE(limiter.try_take(rate, kStart + 100ms));
    EXPECT_TRUE(limiter.try_take(rate, kStart + 1h));
    EXPECT_TRUE(limiter.try_take(rate, kStart + 1h));
    EXPECT_FALSE(limiter.try_take(rate, kStart + 1h));
}

TEST(RateLimiterTest, AStreakIsBrokenByAPauseOfMoreThanASecond) {
    const RateLimiter::Rate rate{.per_second = 1, .burst = 1};
    RateLimiter limiter(rate, kStart);
    SteadyTime now = kStart;
    for (int i = 0; i < 6; ++i, now += 500ms) {
        while (limiter.try_take(rate, now)) {
        }
    }
    EXPECT_EQ(limiter.streak(), 2'500ms);
    now += 2s;
    while (limiter.try_take(rate, now)) {
    }
    EXPECT_EQ(limiter.streak(), 0ms);
}

TEST(RateLimiterTest, ZeroIsNoLimit) {
    const RateLimiter::Rate rate{.per_second = 0, .burst = 0};
    RateLimiter limiter(rate, kStart);
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(limiter.try_take(rate, kStart));
}

// ---- SessionTable ----

TEST(SessionTableTest, AnIdIsNeverGivenTwice) {
    SessionTable table(3);
    // Only addresses are kept; nothing is called on what stands there.
    alignas(8) char places[2][8] = {};
    auto& first = reinterpret_cast<Session&>(places[0]);
    auto& second = reinterpret_cast<Session&>(places[1]);
    const SessionId one = table.add(first);
    EXPECT_EQ(shard_of(one), 3);
    EXPECT_EQ(table.find(one), &first);
    table.remove(one);
    const SessionId two = table.add(second);
    EXPECT_NE(one, two);
    EXPECT_EQ(table.find(one), nullptr);
    EXPECT_EQ(table.find(two), &second);
    EXPECT_EQ(table.find(make_session_id(2, static_cast<std::uint64_t>(two) & 0xffff'ffff'ffff)),
              nullptr);
    EXPECT_EQ(table.find(SessionId::none), nullptr);
    EXPECT_EQ(table.size(), 1U);
}

// ---- Roster ----

PresenceEvent event(PresenceChange change, std::string user, std::uint64_t sequence) {
    return {.change = change,
            .channel = *ChannelName::make("r"),
            .entry = {std::move(user), nullptr},
            .ts_ms = 0,
            .sequence = sequence};
}

std::vector<std::string> names(const Roster& roster) {
    std::vector<std::string> all;
    for (const PresenceEntry& entry : roster.users())
        all.push_back(entry.user_id);
    std::ranges::sort(all);
    return all;
}

PresenceSnapshot snapshot(std::vector<PresenceEntry> users, std::uint64_t sequence) {
    return {.users = std::move(users), .sequence = sequence};
}

MetaText meta(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

/// "join alice leave bob", or "start over".
std::string load(Roster& roster, PresenceSnapshot loaded) {
    const auto changes = roster.load(std::move(loaded), *ChannelName::make("r"), 7);
    if (!changes) return "start over";
    std::vector<std::string> all;
    for (const PresenceEvent& each : *changes) {
        constexpr const char* kWords[] = {"join ", "update ", "leave "};
        all.push_back(kWords[static_cast<std::size_t>(each.change)] + each.entry.user_id);
        EXPECT_EQ(each.ts_ms, 7);
        EXPECT_EQ(each.channel, *ChannelName::make("r"));
    }
    std::ranges::sort(all);
    std::string text;
    for (const std::string& each : all)
        text += (text.empty() ? "" : ", ") + each;
    return text;
}

TEST(RosterTest, AppliesBufferedEventsThatAreYoungerThanTheSnapshot) {
    Roster roster;
    roster.start_loading();
    EXPECT_FALSE(roster.apply(event(PresenceChange::join, "old", 5)));
    EXPECT_FALSE(roster.apply(event(PresenceChange::leave, "gone", 7)));
    EXPECT_FALSE(roster.apply(event(PresenceChange::join, "young", 8)));
    EXPECT_EQ(load(roster, snapshot({{"old", nullptr}, {"gone", nullptr}}, 6)), "")
        << "nobody knew an older replica";
    EXPECT_THAT(names(roster), ElementsAre("old", "young"));
    EXPECT_FALSE(roster.apply(event(PresenceChange::leave, "young", 8)));
    EXPECT_EQ(roster.apply(event(PresenceChange::leave, "young", 9)), PresenceChange::leave);
    EXPECT_THAT(names(roster), ElementsAre("old"));
}

TEST(RosterTest, ALeaveOfSomebodyWhoIsNotThereIsNotTold) {
    Roster roster;
    EXPECT_EQ(load(roster, {}), "");
    EXPECT_FALSE(roster.apply(event(PresenceChange::leave, "nobody", 1)));
}

TEST(RosterTest, TellsWhatAnEventChangesRatherThanWhatItSays) {
    Roster roster;
    EXPECT_EQ(load(roster, {}), "");
    EXPECT_EQ(roster.apply(event(PresenceChange::update, "a", 1)), PresenceChange::join);
    EXPECT_FALSE(roster.apply(event(PresenceChange::join, "a", 2)));
    EXPECT_EQ(roster.apply(event(PresenceChange::update, "a", 3)), PresenceChange::update)
        << "an update is told even where it changes nothing";
    PresenceEvent other_meta = event(PresenceChange::join, "a", 4);
    other_meta.entry.meta = meta("{}");
    EXPECT_EQ(roster.apply(other_meta), PresenceChange::update);
}

TEST(RosterTest, AnEventWithoutANumberIsAppliedAsItComes) {
    Roster roster;
    roster.start_loading();
    EXPECT_FALSE(roster.apply(event(PresenceChange::join, "early", 0)));
    EXPECT_EQ(load(roster, snapshot({{"listed", nullptr}}, 1'000)), "");
    EXPECT_THAT(names(roster), ElementsAre("early", "listed"));
    EXPECT_EQ(roster.apply(event(PresenceChange::leave, "listed", 0)), PresenceChange::leave);
    EXPECT_FALSE(roster.apply(event(PresenceChange::join, "old", 1'000)))
        << "it must not touch the numbers of the others";
    EXPECT_EQ(roster.apply(event(PresenceChange::join, "new", 1'001)), PresenceChange::join);
}

TEST(RosterTest, ANewerSnapshotGivesTheDifference) {
    Roster roster;
    const MetaText one = meta("1");
    EXPECT_EQ(load(roster, snapshot({{"gone", one}, {"same", one}, {"changed", one}}, 5)), "");
    roster.start_loading();
    EXPECT_EQ(roster.apply(event(PresenceChange::join, "told", 8)), PresenceChange::join);
    EXPECT_EQ(
        load(roster,
             snapshot({{"same", meta("1"), 99}, {"changed", meta("2")}, {"new", nullptr}}, 7)),
        "join new, leave gone, update changed");
    EXPECT_THAT(names(roster), ElementsAre("changed", "new", "same", "told"));
}

TEST(RosterTest, ASnapshotOfAStoreThatHasLostItsNumbersIsTakenAsItIs) {
    Roster roster;
    EXPECT_EQ(load(roster, snapshot({{"a", nullptr}}, 1'000)), "");
    roster.start_loading();
    EXPECT_EQ(load(roster, snapshot({}, 10)), "leave a");
    EXPECT_EQ(roster.apply(event(PresenceChange::join, "b", 11)), PresenceChange::join);
}

TEST(RosterTest, WhatCameBeforeASnapshotWasAskedForIsOlderWhateverItsNumber) {
    Roster roster;
    EXPECT_EQ(load(roster, {}), "");
    roster.start_loading();
    EXPECT_EQ(roster.apply(event(PresenceChange::join, "a", 1'000)), PresenceChange::join);
    roster.start_loading();
    EXPECT_EQ(load(roster, {}), "leave a") << "the store has come back empty";
}

TEST(RosterTest, BuildsItsSyncOncePerState) {
    const Limits limits;
    const NativeDialect dialect(limits);
    const ChannelName channel = *ChannelName::make("r");
    Roster roster;
    EXPECT_EQ(load(roster, {}), "");
    const FramePtr first = roster.sync(dialect, channel);
    EXPECT_EQ(roster.sync(dialect, channel).get(), first.get());
    EXPECT_TRUE(roster.apply(event(PresenceChange::join, "a", 1)));
    EXPECT_NE(roster.sync(dialect, channel).get(), first.get());
}

TEST(RosterTest, StartsOverWhenTooManyEventsCameBeforeTheSnapshot) {
    Roster roster;
    roster.start_loading();
    for (std::uint64_t i = 1; i <= 16'385; ++i) {
        EXPECT_FALSE(roster.apply(event(PresenceChange::join, "u", i)));
    }
    EXPECT_EQ(load(roster, {}), "start over");
    EXPECT_FALSE(roster.is_ready());
    EXPECT_EQ(load(roster, {}), "");
    EXPECT_TRUE(roster.is_ready());
}

}  // namespace
}  // namespace roomcast
