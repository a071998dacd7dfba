// SPDX-License-Identifier: Apache-2.0
#include "gateway/send_batch.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace roomcast {
namespace {

class SocketPair {
public:
    SocketPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0); }

    ~SocketPair() {
        ::close(ends_[0]);
        close_peer();
    }

    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;

    [[nodiscard]] int socket() const { return ends_[0]; }

    void close_peer() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

    std::string received() {
        std::array<char, 256> buffer{};
        const auto got = ::read(ends_[1], buffer.data(), buffer.size());
        return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
    }

private:
    int ends_[2] = {-1, -1};
};

class SendBatchTest : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        if (!GetParam()) {
            batch = make_plain_send_batch();
            return;
        }
        auto uring = make_uring_send_batch();
        if (!uring) GTEST_SKIP() << "no io_uring here: " << uring.error();
        batch = std::move(*uring);
    }

    std::unique_ptr<SendBatch> batch;
};

TEST_P(SendBatchTest, SendsToEachSocketWhatIsMeantForIt) {
    std::vector<SocketPair> pairs(SendBatch::kMaxSends);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < pairs.size(); ++i)
        texts.push_back("message " + std::to_string(i));
    for (int round = 0; round < 3; ++round) {
        std::vector<SendBatch::Send> sends;
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            sends.push_back({pairs[i].socket(), texts[i], 0});
        }
        EXPECT_GE(batch->send(sends), 1U);
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            EXPECT_EQ(sends[i].result, static_cast<long>(texts[i].size()));
            EXPECT_EQ(pairs[i].received(), texts[i]);
        }
    }
}

TEST_P(SendBatchTest, ReportsFullAndBrokenSocketsWithoutHarmToTheOthers) {
    SocketPair full;
    SocketPair broken;
    SocketPair good;
    const std::string block(65'536, 'x');
    while (::send(full.socket(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    broken.close_peer();
    std::array<SendBatch::Send, 3> sends{SendBatch::Send{full.socket(), block, 0},
                                         SendBatch::Send{broken.socket(), "b", 0},
                                         SendBatch::Send{good.socket(), "good", 0}};
    batch->send(sends);
    EXPECT_EQ(sends[0].result, -EAGAIN);
    EXPECT_EQ(sends[1].result, -EPIPE);
    EXPECT_EQ(sends[2].result, 4);
    EXPECT_EQ(good.received(), "good");
}

INSTANTIATE_TEST_SUITE_P(Kinds, SendBatchTest, testing::Bool(), [](const auto& kind) {
    return kind.param ? "io_uring" : "plain";
});

}  // namespace
}  // namespace roomcast
