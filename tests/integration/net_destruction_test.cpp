// SPDX-License-Identifier: Apache-2.0
// A stream, or the loop, ends in the midst of something: nothing is called afterwards.
#include <memory>

#include <gmock/gmock.h>

#include "tests/integration/net_fixture.hpp"

namespace roomcast::net {
namespace {

using test::EchoPeer;
using testing::HasSubstr;

class NetDestructionTest : public NetTest, public testing::WithParamInterface<bool> {
protected:
    [[nodiscard]] StreamOptions options(const EchoPeer& peer) const {
        return GetParam() ? tls("localhost", peer.port()) : plain(peer.port());
    }

    EchoPeer peer_{{.identity = GetParam() ? &identity_ : nullptr}};
};

TEST_P(NetDestructionTest, NothingIsCalledAfterItWasDestroyedWhileConnecting) {
    Conversation conversation(loop_);
    loop_.run([&] {
        conversation.stream_ = loop_.connect(options(peer_), conversation);
        conversation.stream_.reset();
    });
    Conversation next(loop_);  // once it has echoed, the first would have been told
    next.open(options(peer_));
    next.write("hello");
    ASSERT_TRUE(next.wait_for_bytes(5));
    EXPECT_EQ(conversation.opened(), 0);
    EXPECT_THAT(conversation.endings(), testing::IsEmpty());
}

TEST_P(NetDestructionTest, ItMayBeDestroyedInOnOpen) {
    Conversation conversation(loop_);
    conversation.at_open = [&] {
        conversation.stream_->write("hello");
        conversation.stream_.reset();
    };
    conversation.open(options(peer_));
    ASSERT_TRUE(conversation.wait_for_open());
    loop_.run([] {});
    EXPECT_THAT(conversation.endings(), testing::IsEmpty());
}

TEST_P(NetDestructionTest, ItMayBeDestroyedInOnBytes) {
    Conversation conversation(loop_);
    conversation.at_bytes = [&] {
        conversation.stream_->write("and more");
        conversation.stream_.reset();
    };
    conversation.open(options(peer_));
    conversation.write("hello");
    ASSERT_TRUE(conversation.wait_for_bytes(5));
    loop_.run([] {});
    EXPECT_THAT(conversation.endings(), testing::IsEmpty());
}

TEST_P(NetDestructionTest, ItMayBeDestroyedAndReplacedInOnEnd) {
    Conversation conversation(loop_);
    conversation.at_end = [&] {
        conversation.at_end = nullptr;
        conversation.stream_ = loop_.connect(options(peer_), conversation);
        conversation.stream_->write("again");
    };
    conversation.open(options(peer_));
    conversation.write("hello");
    ASSERT_TRUE(conversation.wait_for_bytes(5));
    peer_.close_connections();
    EXPECT_THAT(conversation.wait_for_end(), HasSubstr("closed"));
    loop_.run([] {});
    EXPECT_THAT(conversation.endings(), testing::SizeIs(1));
}

TEST_P(NetDestructionTest, ItMayBeDestroyedWithBytesUnderWay) {
    const std::string much = pattern(5'000'000);
    for (int round = 0; round < 5; ++round) {
        Conversation conversation(loop_);
        conversation.open(options(peer_));
        conversation.write(much);
        ASSERT_TRUE(conversation.wait_for_open());
    }
}

TEST_P(NetDestructionTest, TheLoopMayEndWithOperationsThatWereGivenUp) {
    auto loop = std::make_unique<EventLoop>("short-lived");
    Conversation(*loop).open(options(peer_));
    loop.reset();
}

INSTANTIATE_TEST_SUITE_P(Streams, NetDestructionTest, testing::Bool(), [](const auto& parameter) {
    return parameter.param ? "Tls" : "Tcp";
});

}  // namespace
}  // namespace roomcast::net
