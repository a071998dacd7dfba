// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_options.hpp"

#include <gmock/gmock.h>

namespace roomcast::rabbitmq {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RabbitmqUrlTest, TakesAllPartsAndDecodesThem) {
    const auto address = parse_url("amqp://us%65r:p%2Fw%3A@mq.internal:5673/a%2Fb");
    ASSERT_TRUE(address);
    EXPECT_FALSE(address->is_tls);
    EXPECT_EQ(address->user, "user");
    EXPECT_EQ(address->password, "p/w:");
    EXPECT_EQ(address->host, "mq.internal");
    EXPECT_EQ(address->port, 5673);
    EXPECT_EQ(address->virtual_host, "a/b");
}

TEST(RabbitmqUrlTest, FillsInWhatIsNotThere) {
    EXPECT_EQ(*parse_url("amqp://guest:guest@127.0.0.1:5672/"), Address());
    EXPECT_EQ(parse_url("amqp://h")->virtual_host, "/");
    EXPECT_EQ(parse_url("amqp://h/")->virtual_host, "/");
    EXPECT_EQ(parse_url("amqps://h")->port, 5671);
    EXPECT_TRUE(parse_url("amqps://h")->is_tls);
    EXPECT_EQ(parse_url("amqp://[::1]:1")->host, "::1");
}

TEST(RabbitmqUrlTest, RefusesWhatIsNoAddressWithoutRepeatingIt) {
    for (const std::string_view text : {"",
                                        "h",
                                        "http://u:hunter2@h",
                                        "amqp://u:hunter2@h:port",
                                        "amqp://u:hunter2@h:0",
                                        "amqp://u:hunter2@h:65536",
                                        "amqp://u:hunter2@h/a/b",
                                        "amqp://u:hunter2@h/a?heartbeat=1",
                                        "amqp://u:hunter2%2@h",
                                        "amqp://:hunter2@h"}) {
        const auto address = parse_url(text);
        ASSERT_FALSE(address) << text;
        EXPECT_THAT(address.error(), Not(HasSubstr("hunter2")));
    }
    EXPECT_FALSE(parse_url(std::string_view("amqp://u:p@h\0x", 14)));
}

TEST(RabbitmqUrlTest, IsShownWithoutUserAndPassword) {
    EXPECT_EQ(to_text(*parse_url("amqps://u:p@[::1]:1/live")), "amqps://[::1]:1/live");
    EXPECT_EQ(to_text(Address()), "amqp://127.0.0.1:5672");
}

}  // namespace
}  // namespace roomcast::rabbitmq
