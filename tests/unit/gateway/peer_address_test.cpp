// SPDX-License-Identifier: Apache-2.0
#include "gateway/peer_address.hpp"

#include <gtest/gtest.h>

namespace roomcast {
namespace {

TEST(TrustedProxiesTest, WithoutProxiesTheHeaderIsIgnored) {
    EXPECT_EQ(TrustedProxies().client_address("10.0.0.1", "1.2.3.4"), "10.0.0.1");
}

TEST(TrustedProxiesTest, TakesTheLastAddressThatIsNoTrustedProxy) {
    const auto proxies = TrustedProxies::parse({"10.0.0.0/8", "::1"});
    ASSERT_TRUE(proxies);
    EXPECT_EQ(proxies->client_address("10.1.2.3", "6.6.6.6, 1.2.3.4, 10.9.9.9"), "1.2.3.4");
    EXPECT_EQ(proxies->client_address("::1", "2001:db8::7"), "2001:db8::7");
    EXPECT_EQ(proxies->client_address("192.0.2.1", "1.2.3.4"), "192.0.2.1")
        << "a stranger may write what it likes";
}

TEST(TrustedProxiesTest, StopsAtWhatIsNoAddress) {
    const auto proxies = TrustedProxies::parse({"10.0.0.0/8"});
    ASSERT_TRUE(proxies);
    EXPECT_EQ(proxies->client_address("10.1.2.3", "1.2.3.4, unknown"), "10.1.2.3");
    EXPECT_EQ(proxies->client_address("10.1.2.3", ""), "10.1.2.3");
    EXPECT_EQ(proxies->client_address("10.1.2.3", ",,"), "10.1.2.3");
    EXPECT_EQ(proxies->client_address("10.1.2.3", "10.0.0.9"), "10.0.0.9")
        << "all are proxies: the first of them";
}

TEST(TrustedProxiesTest, PrefixLengthsNeedNotBeWholeBytes) {
    const auto proxies = TrustedProxies::parse({"192.168.4.0/22", "2001:db8::/33"});
    ASSERT_TRUE(proxies);
    EXPECT_EQ(proxies->client_address("192.168.7.255", "1.1.1.1"), "1.1.1.1");
    EXPECT_EQ(proxies->client_address("192.168.8.0", "1.1.1.1"), "192.168.8.0");
    EXPECT_EQ(proxies->client_address("2001:db8:7fff::1", "1.1.1.1"), "1.1.1.1");
    EXPECT_EQ(proxies->client_address("2001:db8:8000::1", "1.1.1.1"), "2001:db8:8000::1");
}

TEST(TrustedProxiesTest, NamesTheEntryThatIsNoRange) {
    for (const char* bad : {"proxy.example",
                            "10.0.0.0/33",
                            "::1/129",
                            "10.0.0.0/",
                            "10.0.0.0/x",
                            "",
                            "10.0.0.0/8 "}) {
        const auto proxies = TrustedProxies::parse({bad});
        ASSERT_FALSE(proxies) << bad;
        EXPECT_NE(proxies.error().find(bad), std::string::npos) << proxies.error();
    }
}

TEST(PeerCounterTest, RefusesBeyondTheLimitUntilOneIsGone) {
    PeerCounter counter;
    EXPECT_TRUE(counter.try_add("a", 2));
    EXPECT_TRUE(counter.try_add("a", 2));
    EXPECT_FALSE(counter.try_add("a", 2));
    EXPECT_TRUE(counter.try_add("b", 2));
    counter.remove("a");
    EXPECT_TRUE(counter.try_add("a", 2));
}

}  // namespace
}  // namespace roomcast
