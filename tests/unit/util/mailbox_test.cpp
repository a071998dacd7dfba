// SPDX-License-Identifier: Apache-2.0
#include "util/mailbox.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Strings that start with '!' are control, all others data that weigh their length.
std::optional<std::size_t> weigh(const std::string& entry) {
    if (entry.starts_with('!')) return std::nullopt;
    return entry.size();
}

class MailboxTest : public testing::Test {
protected:
    Mailbox<std::string> make(std::size_t entries, std::size_t bytes) {
        return Mailbox<std::string>({entries, bytes}, [this] { ++wakes_; });
    }

    /// Puts a batch; gives what was refused, and nothing stands in its place.
    std::vector<std::string> put(Mailbox<std::string>& mailbox, std::vector<std::string> batch) {
        std::vector<std::string> refused;
        const auto refuse = [&](std::string& entry) {
            refused.push_back(std::move(entry));
            return false;
        };
        mailbox.put_batch(
            batch, weigh, [](const std::string&) {}, refuse);
        EXPECT_THAT(batch, IsEmpty());
        return refused;
    }

    static std::vector<std::string> take(Mailbox<std::string>& mailbox) {
        std::vector<std::string> taken;
        mailbox.take(taken);
        return taken;
    }

    int wakes_ = 0;
};

TEST_F(MailboxTest, KeepsTheOrderOfControlAndData) {
    auto mailbox = make(10, 100);
    put(mailbox, {"a", "!b"});
    mailbox.put_control("!c");
    put(mailbox, {"d"});
    EXPECT_THAT(take(mailbox), ElementsAre("a", "!b", "!c", "d"));
}

TEST_F(MailboxTest, WakesTheReaderOncePerTake) {
    auto mailbox = make(10, 100);
    put(mailbox, {"a"});
    put(mailbox, {"b"});
    mailbox.put_control("!c");
    EXPECT_EQ(wakes_, 1);
    take(mailbox);
    put(mailbox, {"d"});
    EXPECT_EQ(wakes_, 2);
}

TEST_F(MailboxTest, AnEmptyBatchWakesNobody) {
    auto mailbox = make(10, 100);
    put(mailbox, {});
    EXPECT_EQ(wakes_, 0);
}

TEST_F(MailboxTest, ABatchThatIsWhollyRefusedWakesNobody) {
    auto mailbox = make(10, 3);
    EXPECT_THAT(put(mailbox, {"four"}), ElementsAre("four"));
    EXPECT_EQ(wakes_, 0);
}

TEST_F(MailboxTest, RefusesDataBeyondTheNumberOfEntries) {
    auto mailbox = make(2, 100);
    EXPECT_THAT(put(mailbox, {"a", "b", "c"}), ElementsAre("c"));
    EXPECT_THAT(take(mailbox), ElementsAre("a", "b"));
}

TEST_F(MailboxTest, RefusesDataBeyondTheBytesAndTakesWhatStillFits) {
    auto mailbox = make(10, 5);
    EXPECT_THAT(put(mailbox, {"aaa", "bbb", "cc"}), ElementsAre("bbb"));
    EXPECT_THAT(take(mailbox), ElementsAre("aaa", "cc"));
}

TEST_F(MailboxTest, TakesControlWhenDataIsFull) {
    auto mailbox = make(1, 1);
    put(mailbox, {"a"});
    EXPECT_THAT(put(mailbox, {"!b"}), IsEmpty());
    mailbox.put_control("!c");
    EXPECT_THAT(take(mailbox), ElementsAre("a", "!b", "!c"));
}

TEST_F(MailboxTest, HasRoomForDataAgainAfterATake) {
    auto mailbox = make(1, 1);
    put(mailbox, {"a"});
    take(mailbox);
    EXPECT_THAT(put(mailbox, {"b"}), IsEmpty());
}

TEST_F(MailboxTest, TakesControlInThePlaceOfRefusedDataAndTellsWhatItAccepted) {
    auto mailbox = make(1, 100);
    std::vector<std::string> accepted;
    const auto accept = [&](const std::string& entry) { accepted.push_back(entry); };
    const auto turn_into_mark = [](std::string& entry) {
        entry = "!gap before " + entry;
        return true;
    };
    std::vector<std::string> batch = {"a", "b", "!c"};
    mailbox.put_batch(batch, weigh, accept, turn_into_mark);
    EXPECT_THAT(accepted, ElementsAre("a"));
    EXPECT_THAT(take(mailbox), ElementsAre("a", "!gap before b", "!c"));
}

TEST(MailboxThreadTest, LosesAndReordersNothingUnderFourWritingThreads) {
    constexpr int kThreads = 4;
    constexpr int kEntries = 5'000;
    using Entry = std::pair<int, int>;  // thread, number
    std::atomic<int> wakes{0};
    Mailbox<Entry> mailbox({1'000'000, 1'000'000}, [&] { ++wakes; });

    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&mailbox, thread] {
            const auto weigh_one = [](const Entry&) { return std::optional<std::size_t>(1); };
            const auto refuse = [](Entry&) {
                ADD_FAILURE() << "the bounds are never reached";
                return false;
            };
            for (int number = 0; number < kEntries; ++number) {
                std::vector<Entry> batch = {{thread, number}};
                mailbox.put_batch(
                    batch, weigh_one, [](const Entry&) {}, refuse);
            }
        });
    }
    std::vector<int> next(kThreads, 0);
    int seen = 0;
    std::vector<Entry> taken;
    while (seen < kThreads * kEntries) {
        mailbox.take(taken);
        for (const auto& [thread, number] : taken) {
            ASSERT_EQ(number, next[static_cast<std::size_t>(thread)]++);
            ++seen;
        }
        taken.clear();
        std::this_thread::yield();
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_GE(wakes.load(), 1);
}

}  // namespace
}  // namespace roomcast
