// SPDX-License-Identifier: Apache-2.0
// How much memory TLS needs for an idle connection, as the allocator counts it.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/footprint.hpp"
#include "tests/unit/gateway/tls_fixture.hpp"

namespace roomcast {
namespace {

constexpr std::size_t kStreams = 200;

class TlsFootprintTest : public TlsTest {
protected:
    void SetUp() override {
        if (!test::kIsHeapMeasurable) GTEST_SKIP() << "not under sanitizers";
    }

    /// What each of many connections holds once it was established by `version` and has carried
    /// `bytes` each way.
    std::size_t bytes_per_idle_stream(int version, std::size_t bytes) {
        const auto context = TlsContext::load(certificate(), key(), nullptr);
        std::vector<std::unique_ptr<TlsStream>> streams;
        streams.reserve(kStreams + 1);
        add_idle_stream(streams, *context, version, bytes);  // what the first one makes is for all
        const std::size_t before = test::heap_bytes();
        while (streams.size() <= kStreams)
            add_idle_stream(streams, *context, version, bytes);
        const std::size_t each = (test::heap_bytes() - before) / kStreams;
        std::printf("%zu bytes for a TLS stream after %zu bytes each way\n", each, bytes);
        return each;
    }

private:
    static void add_idle_stream(std::vector<std::unique_ptr<TlsStream>>& streams,
                                const std::shared_ptr<const TlsContext>& context,
                                int version,
                                std::size_t bytes) {
        TlsClient client;
        SSL_set_max_proto_version(client.ssl(), version);
        TlsStream& server = *streams.emplace_back(std::make_unique<TlsStream>(context));
        exchange(client, server);
        ASSERT_EQ(SSL_version(client.ssl()), version);
        const std::string text(bytes, 'x');
        ASSERT_GT(SSL_write(client.ssl(), text.data(), static_cast<int>(text.size())), 0);
        for (std::size_t sent = 0; sent < bytes; sent += TlsStream::kMaxRecord) {
            ASSERT_TRUE(server.write(std::string_view(text).substr(sent, TlsStream::kMaxRecord)));
        }
        ASSERT_EQ(exchange(client, server), text);
        ASSERT_TRUE(server.ciphertext().empty());
    }
};

// OpenSSL 3.0 takes 14 KB: its SSL alone has 7.6 KB, and there is no way to make that smaller.
constexpr std::size_t kMostBytes = 28'000;

TEST_F(TlsFootprintTest, AnIdleStreamTakesLessThan28Kilobytes) {
    EXPECT_LT(bytes_per_idle_stream(TLS1_3_VERSION, 100), kMostBytes);
    EXPECT_LT(bytes_per_idle_stream(TLS1_2_VERSION, 100), kMostBytes);
}

TEST_F(TlsFootprintTest, ABurstLeavesNothingBehind) {
    EXPECT_LT(bytes_per_idle_stream(TLS1_3_VERSION, 60'000), kMostBytes);
    EXPECT_LT(bytes_per_idle_stream(TLS1_2_VERSION, 60'000), kMostBytes);
}

}  // namespace
}  // namespace roomcast
