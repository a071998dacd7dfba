// SPDX-License-Identifier: Apache-2.0
#include "brokers/nats_address.hpp"

#include <gmock/gmock.h>

namespace roomcast {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<NatsServer> parsed(std::string_view text) {
    auto servers = parse_nats_urls(text);
    EXPECT_TRUE(servers) << text;
    return servers ? *servers : std::vector<NatsServer>();
}

std::string refusal(std::string_view text) {
    const auto servers = parse_nats_urls(text);
    return servers ? "it was taken" : servers.error();
}

NatsServer server(std::string host, std::uint16_t port) {
    return {.endpoint = {std::move(host), port}};
}

TEST(NatsAddressTest, ReadsHostsAndPorts) {
    EXPECT_EQ(parsed("nats://h"), std::vector{server("h", 4222)});
    EXPECT_EQ(parsed("nats://h:1/"), std::vector{server("h", 1)});
    EXPECT_EQ(parsed("nats://[::1]:2"), std::vector{server("::1", 2)});
    EXPECT_EQ(parsed("nats://a, nats://b:3,nats://c"),
              (std::vector{server("a", 4222), server("b", 3), server("c", 4222)}));
    EXPECT_TRUE(parsed("tls://h").front().is_tls);
    EXPECT_FALSE(parsed("tls://h,nats://h").back().is_tls);
}

TEST(NatsAddressTest, ReadsLogins) {
    EXPECT_EQ(parsed("nats://u:p@h").front().login, (NatsLogin{.user = "u", .password = "p"}));
    EXPECT_EQ(parsed("nats://t@h").front().login, (NatsLogin{.token = "t"}));
    EXPECT_EQ(parsed("nats://u%40:p%2C%3a@h").front().login,
              (NatsLogin{.user = "u@", .password = "p,:"}));
    EXPECT_EQ(parsed("nats://u:p@ss@h").front().login,
              (NatsLogin{.user = "u", .password = "p@ss"}));
    EXPECT_EQ(parsed("nats://a,tls://t@b").front().login, NatsLogin{});
}

TEST(NatsAddressTest, RefusesWhatIsNoneWithoutRepeatingIt) {
    EXPECT_THAT(refusal("h:4222"), HasSubstr("neither nats:// nor tls://"));
    EXPECT_THAT(refusal("redis://h"), HasSubstr("neither nats:// nor tls://"));
    EXPECT_THAT(refusal("nats://"), HasSubstr("a host is missing"));
    EXPECT_THAT(refusal("nats://h:0"), HasSubstr("port"));
    EXPECT_THAT(refusal("nats://h:65536"), HasSubstr("port"));
    EXPECT_THAT(refusal("nats://::1"), HasSubstr("brackets"));
    EXPECT_THAT(refusal("nats://a b"), HasSubstr("a host has a character"));
    EXPECT_THAT(refusal("nats://a\r\nPUB"), HasSubstr("a host has a character"));
    EXPECT_THAT(refusal("nats://a,"), HasSubstr("neither nats:// nor tls://"));
    EXPECT_THAT(refusal("nats://u:@h"), HasSubstr("neither user:password nor a token"));
    EXPECT_THAT(refusal("nats://:p@h"), HasSubstr("neither user:password nor a token"));
    EXPECT_THAT(refusal("nats://%0@h"), HasSubstr("hex digits"));
    EXPECT_THAT(refusal("nats://u:a%00b@h"), HasSubstr("zero byte"));
    EXPECT_THAT(refusal("nats://u:hunter2@h:x"), Not(HasSubstr("hunter2")));
}

TEST(NatsAddressTest, ShowsNoLogin) {
    EXPECT_EQ(to_text(parsed("tls://u:p@[::1]").front()), "tls://[::1]:4222");
    EXPECT_EQ(to_text(parsed("nats://t@h:1").front()), "nats://h:1");
}

}  // namespace
}  // namespace roomcast
