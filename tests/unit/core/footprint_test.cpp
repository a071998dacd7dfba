// SPDX-License-Identifier: Apache-2.0
// How much memory core needs for an idle connection, as the allocator counts it.
#include "tests/support/footprint.hpp"

#include "tests/unit/core/core_test.hpp"

namespace roomcast {
namespace {

class SilentOutlet final : public Outlet {
public:
    void push(const LocalFramePtr&) override {}

    void push_answer(LocalFramePtr) override {}

    void close(CloseCode, std::string_view) override {}

    void set_reading(bool) override {}

    [[nodiscard]] std::size_t queued_bytes() const override { return 0; }
};

class FootprintTest : public CoreTest {};

INSTANTIATE_CORE_TEST(FootprintTest);

TEST_P(FootprintTest, AnIdleSubscribedSessionTakesLessThan700Bytes) {
    if (!test::kIsHeapMeasurable) GTEST_SKIP() << "not under sanitizers";
    constexpr std::size_t kSessions = 10'000;
    SilentOutlet outlet;
    std::vector<std::unique_ptr<Session>> sessions;
    sessions.reserve(kSessions);
    hub();
    const std::size_t before = test::heap_bytes();
    for (std::size_t i = 0; i < kSessions; ++i) {
        const auto shard = static_cast<ShardIndex>(i % GetParam());
        sessions.push_back(std::make_unique<Session>(
            hub().shard(shard),
            outlet,
            SessionOptions{
                .identity = {.user_id = "user-" + std::to_string(i), .expires_at = 1'620'003'600},
                .peer = "192.168.100.100:12345"}));
        say(*sessions.back(), R"({"type":"subscribe","channel":"r","listen":["broadcast"]})");
        if (i % 100 == 0) settle();
    }
    settle();
    const std::size_t each = (test::heap_bytes() - before) / kSessions;
    RecordProperty("bytes_per_session", static_cast<int>(each));
    std::printf("%zu bytes for a session, of them %zu in Session\n", each, sizeof(Session));
    EXPECT_LT(each, 700U);
}

}  // namespace
}  // namespace roomcast
