// SPDX-License-Identifier: Apache-2.0
// The bus thread's loop itself: work from other threads, and timers. Its streams: net_test.cpp.
#include "net/event_loop.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

namespace roomcast::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr auto kPatience = 60s;

class EventLoopTest : public testing::Test {
protected:
    EventLoop loop_{"net-test"};
};

TEST_F(EventLoopTest, KeepsTheOrderOfEachPostingThread) {
    constexpr int kThreads = 4;
    constexpr int kPosts = 20'000;
    std::vector<std::vector<int>> arrived(kThreads);
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            for (int post = 0; post < kPosts; ++post)
                loop_.post([&arrived, thread, post] {
                    arrived[static_cast<std::size_t>(thread)].push_back(post);
                });
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    loop_.run([] {});
    for (const std::vector<int>& posts : arrived) {
        ASSERT_THAT(posts, testing::SizeIs(kPosts));
        EXPECT_TRUE(std::ranges::is_sorted(posts));
    }
}

TEST_F(EventLoopTest, RunsWorkThatIsPostedFromTheLoopAfterwards) {
    std::vector<int> order;
    std::promise<void> done;
    loop_.post([&] {
        loop_.post([&] {
            order.push_back(2);
            done.set_value();
        });
        order.push_back(1);
    });
    done.get_future().wait();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

/// On the loop; for timers that are not cancelled.
void set_timer(EventLoop& loop, SteadyTime due, std::function<void()> action) {
    const TimerId unused = loop.timers().add(due, std::move(action));
    EXPECT_TRUE(loop.timers().is_set(unused));
}

TEST_F(EventLoopTest, FiresTimersInOrderOfTimeAndNotThoseCancelled) {
    std::vector<int> order;
    std::promise<void> done;
    loop_.run([&] {
        const SteadyTime now = loop_.now();
        set_timer(loop_, now + 60ms, [&] {
            order.push_back(3);
            done.set_value();
        });
        set_timer(loop_, now + 20ms, [&, now] {
            order.push_back(1);
            EXPECT_GE(loop_.now(), now + 20ms);
            set_timer(loop_, loop_.now(), [&] { order.push_back(2); });
        });
        TimerId cancelled = loop_.timers().add(now + 40ms, [&] { order.push_back(-1); });
        loop_.timers().cancel(cancelled);
    });
    done.get_future().wait();
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(EventLoopTest, ATimerThatIsDueSoonerThanTheOneThatItSleepsForFiresFirst) {
    std::promise<void> done;
    loop_.run([&] { set_timer(loop_, loop_.now() + 1h, [] {}); });
    loop_.run([&] { set_timer(loop_, loop_.now() + 1ms, [&] { done.set_value(); }); });
    EXPECT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST_F(EventLoopTest, ATimerThatSetsItselfAgainAtOnceStarvesNobody) {
    bool is_enough = false;
    std::promise<void> done;
    std::function<void()> again = [&] {
        if (is_enough) return done.set_value();
        set_timer(loop_, loop_.now(), again);
    };
    loop_.run([&] { again(); });
    loop_.run([&] { is_enough = true; });
    done.get_future().wait();
}

TEST_F(EventLoopTest, DropsWorkThatWaitsWhenTheLoopEnds) {
    const auto token = std::make_shared<int>(0);
    {
        EventLoop loop("ending");

        struct Again {  // some of it always waits
            EventLoop& loop;
            std::shared_ptr<int> token;

            void operator()() const { loop.post(*this); }
        };

        loop.post(Again{loop, token});
    }
    EXPECT_EQ(token.use_count(), 1);
}

TEST_F(EventLoopTest, NamesItsThread) {
    char name[16] = {};
    loop_.run([&] { ::pthread_getname_np(::pthread_self(), name, sizeof name); });
    EXPECT_STREQ(name, "net-test");
}

TEST(EndpointTest, IsWrittenWithBracketsAroundAnIpv6Address) {
    EXPECT_EQ(to_text({"redis.example", 6'379}), "redis.example:6379");
    EXPECT_EQ(to_text({"127.0.0.1", 1}), "127.0.0.1:1");
    EXPECT_EQ(to_text({"::1", 6'379}), "[::1]:6379");
}

}  // namespace
}  // namespace roomcast::net
