// SPDX-License-Identifier: Apache-2.0
#include "util/log.hpp"

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::log {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogTest : public testing::Test {
protected:
    ~LogTest() override { stop(); }

    void start_collecting(Level level) {
        start({.level = level,
               .format = Format::text,
               .queue_lines = 8'192,
               .writer = [this](std::string_view line) {
                   const std::lock_guard lock(mutex_);
                   lines_.emplace_back(line);
               }});
    }

    std::vector<std::string> written() {
        flush();
        const std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

TEST_F(LogTest, WritesLinesInTheirOrder) {
    start_collecting(Level::debug);
    debug("one");
    info("two", {{"n", 2}});
    warn("three");
    error("four");
    EXPECT_THAT(written(),
                ElementsAre(HasSubstr("DEBUG one"),
                            HasSubstr("INFO  two n=2"),
                            HasSubstr("WARN  three"),
                            HasSubstr("ERROR four")));
}

TEST_F(LogTest, WritesNothingBelowItsLevel) {
    start_collecting(Level::warn);
    EXPECT_FALSE(is_enabled(Level::info));
    EXPECT_TRUE(is_enabled(Level::warn));
    info("quiet");
    warn("loud");
    EXPECT_THAT(written(), ElementsAre(HasSubstr("loud")));
}

TEST_F(LogTest, WritesNothingBeforeTheStartAndAfterTheStop) {
    EXPECT_FALSE(is_enabled(Level::error));
    error("early");
    start_collecting(Level::debug);
    stop();
    EXPECT_FALSE(is_enabled(Level::error));
    error("late");
    EXPECT_THAT(written(), IsEmpty());
}

TEST_F(LogTest, WritesWhatWaitsWhenItStops) {
    start_collecting(Level::info);
    for (int i = 0; i < 100; ++i)
        info("line");
    stop();
    EXPECT_EQ(written().size(), 100U);
}

TEST_F(LogTest, DropsTheOldestLinesAndCountsThemWhenTheWriterIsStuck) {
    std::promise<void> release;
    std::promise<void> entered;
    std::atomic<bool> is_first{true};
    std::vector<std::string> lines;
    start({.level = Level::info,
           .format = Format::text,
           .queue_lines = 4,
           .writer = [&, released = release.get_future().share()](std::string_view line) {
               if (is_first.exchange(false)) entered.set_value();
               released.wait();
               lines.emplace_back(line);
           }});
    const std::uint64_t dropped_before = dropped_lines();
    info("stuck");
    entered.get_future().wait();
    for (int i = 0; i < 10; ++i)
        info("line", {{"n", i}});  // returns although nobody reads
    const std::uint64_t dropped = dropped_lines() - dropped_before;
    release.set_value();
    stop();
    EXPECT_GE(dropped, 6U);
    EXPECT_THAT(lines.back(), HasSubstr("n=9"));
}

TEST_F(LogTest, TakesLinesFromManyThreads) {
    start_collecting(Level::info);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([thread] {
            for (int i = 0; i < 200; ++i)
                info("line", {{"thread", thread}, {"n", i}});
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(written().size(), 800U);
}

TEST_F(LogTest, MayStopWhileOtherThreadsWrite) {
    start_collecting(Level::info);
    std::atomic<bool> is_done{false};
    std::thread writer([&] {
        while (!is_done)
            info("line");
    });
    stop();
    is_done = true;
    writer.join();
    EXPECT_FALSE(is_enabled(Level::error));
}

TEST(RateLimitTest, AdmitsSoManyLinesInEachInterval) {
    RateLimit limit(2, 10s);
    const SteadyTime start(1'000s);
    EXPECT_EQ(limit.admit(start), 0U);
    EXPECT_EQ(limit.admit(start + 1s), 0U);
    EXPECT_EQ(limit.admit(start + 9s), std::nullopt);
    EXPECT_EQ(limit.admit(start + 10s), 1U);
}

TEST(RateLimitTest, ReportsWhatItHeldBackOnce) {
    RateLimit limit(1, 10s);
    const SteadyTime start(1'000s);
    EXPECT_EQ(limit.admit(start), 0U);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(limit.admit(start), std::nullopt);
    EXPECT_EQ(limit.admit(start + 10s), 5U);
    EXPECT_EQ(limit.admit(start + 20s), 0U);
}

TEST(RateLimitTest, AdmitsTheFirstLineAtTheClocksOrigin) {
    RateLimit limit(1, 10s);
    EXPECT_EQ(limit.admit(SteadyTime()), 0U);
    EXPECT_EQ(limit.admit(SteadyTime()), std::nullopt);
}

TEST(RateLimitTest, IsNotResetByAThreadWhoseTimeIsALittleOlder) {
    RateLimit limit(1, 10s);
    EXPECT_EQ(limit.admit(SteadyTime(1'000s)), 0U);
    EXPECT_EQ(limit.admit(SteadyTime(999s)), std::nullopt);
    EXPECT_EQ(limit.admit(SteadyTime(1'001s)), std::nullopt);
}

TEST(RateLimitTest, HoldsItsRateUnderManyThreads) {
    RateLimit limit(100, 10s);
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1'000; ++i) {
                if (limit.admit(SteadyTime(1'000s))) ++admitted;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(admitted.load(), 100);
}

}  // namespace
}  // namespace roomcast::log
