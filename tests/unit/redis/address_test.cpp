// SPDX-License-Identifier: Apache-2.0
#include "redis/address.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roomcast::redis {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Case {
    std::string_view text;
    Address address;
};

Address direct(std::string host, std::uint16_t port) {
    Address address;
    address.endpoints = {{std::move(host), port}};
    return address;
}

Address with(Address address, Mode mode, bool is_tls = false) {
    address.mode = mode;
    address.is_tls = is_tls;
    return address;
}

Address with_user(Address address, std::string user, std::string password) {
    address.user = std::move(user);
    address.password = std::move(password);
    return address;
}

Address with_database(Address address, int database) {
    address.database = database;
    return address;
}

Address sentinel(std::vector<net::Endpoint> endpoints, std::string name) {
    Address address;
    address.mode = Mode::sentinel;
    address.endpoints = std::move(endpoints);
    address.master_name = std::move(name);
    return address;
}

std::vector<Case> good_cases() {
    return {
        {"redis:6380", direct("redis", 6380)},
        {"redis", direct("redis", 6379)},
        {":6380", direct("localhost", 6380)},
        {"10.0.0.5", direct("10.0.0.5", 6379)},
        {"[::1]:6380", direct("::1", 6380)},
        {"[fe80::1%eth0]", direct("fe80::1%eth0", 6379)},
        {"redis://cache", direct("cache", 6379)},
        {"REDIS://cache:1/", direct("cache", 1)},
        {"redis://:6380/3", with_database(direct("localhost", 6380), 3)},
        {"redis://[::1]/2", with_database(direct("::1", 6379), 2)},
        {"redis://bob:s3cret@cache:65535/15",
         with_database(with_user(direct("cache", 65535), "bob", "s3cret"), 15)},
        {"redis://:s3cret@cache", with_user(direct("cache", 6379), "", "s3cret")},
        {"redis://bob@cache", with_user(direct("cache", 6379), "bob", "")},
        {"redis://b%40b:a%3Ab%2fc%25@cache", with_user(direct("cache", 6379), "b@b", "a:b/c%")},
        {"redis://bob:p@ss/w:rd@cache/1",
         with_database(with_user(direct("cache", 6379), "bob", "p@ss/w:rd"), 1)},
        {"rediss://cache", with(direct("cache", 6379), Mode::direct, true)},
        {"redis+sentinel://main@a", sentinel({{"a", 26379}}, "main")},
        {"redis+sentinel://bob:pw@my-main.1@a:1,b,[::1]:3/4",
         with_database(
             with_user(sentinel({{"a", 1}, {"b", 26379}, {"::1", 3}}, "my-main.1"), "bob", "pw"),
             4)},
        {"rediss+sentinel://main@a", with(sentinel({{"a", 26379}}, "main"), Mode::sentinel, true)},
        {"redis+cluster://a:7000", with(direct("a", 7000), Mode::cluster)},
        {"rediss+cluster://:pw@a",
         with(with_user(direct("a", 6379), "", "pw"), Mode::cluster, true)},
        {"redis+cluster://a/0", with(direct("a", 6379), Mode::cluster)},
    };
}

TEST(RedisAddressTest, ReadsEveryForm) {
    for (const Case& expected : good_cases()) {
        const auto address = parse_address(expected.text);
        ASSERT_TRUE(address.has_value()) << expected.text << ": " << address.error();
        EXPECT_EQ(*address, expected.address) << expected.text;
    }
}

TEST(RedisAddressTest, ReadsSeveralNodesOfACluster) {
    const auto address = parse_address("redis+cluster://a:7000,b:7001,c");
    ASSERT_TRUE(address.has_value());
    EXPECT_THAT(address->endpoints,
                testing::ElementsAre(
                    net::Endpoint{"a", 7000}, net::Endpoint{"b", 7001}, net::Endpoint{"c", 6379}));
}

TEST(RedisAddressTest, SaysWhatIsWrongWithoutRepeatingIt) {
    struct BadCase {
        std::string_view text;
        std::string_view problem;
    };

    const BadCase cases[] = {
        {"", "a host is missing"},
        {"redis://", "a host is missing"},
        {"redis:///1", "a host is missing"},
        {"redis://bob:s3cret@", "a host is missing"},
        {"redis+cluster://a,,s3cret", "a host is missing"},
        {"redis+cluster://s3cret,", "a host is missing"},
        {"s3cret:0", "a port is no number"},
        {"s3cret:65536", "a port is no number"},
        {"s3cret:+1", "a port is no number"},
        {"s3cret:-1", "a port is no number"},
        {"s3cret:", "a port is no number"},
        {"::1", "in brackets"},
        {"s3cret::1:6379", "in brackets"},
        {"[::1", "in brackets"},
        {"[s3cret]:1", "in brackets"},
        {"[::1]s3cret", "a port is no number"},
        {"s3cret host", "a character that none has"},
        {"s3cret\nhost", "a character that none has"},
        {"s3cret/1", "a character that none has"},
        {"s3cret@host", "needs the form redis://"},
        {"bob:s3cret@host:1", "needs the form redis://"},
        {"unix:///s3cret", "the scheme is none of"},
        {"https://bob:s3cret@host", "the scheme is none of"},
        {"://s3cret", "the scheme is none of"},
        {"redis://bob:s3cret%@host", "two hex digits"},
        {"redis://bob:s3cret%2@host", "two hex digits"},
        {"redis://s3cret%zz@host", "two hex digits"},
        {"redis://bob:s3cret%+1@host", "two hex digits"},
        {"redis://host/s3cret", "the database is no number"},
        {"redis://host/-1", "the database is no number"},
        {"redis://host/1/2", "the database is no number"},
        {"redis://host/99999999999", "the database is no number"},
        {"redis://host?db=s3cret", "a character that none has"},
        {"redis://host#s3cret", "a character that none has"},
        {"redis://a,s3cret", "several hosts need"},
        {"a:1,s3cret:2", "several hosts need"},
        {"redis+cluster://s3cret/1", "a Cluster has only database 0"},
        {"redis+sentinel://s3cret:26379", "the master's name"},
        {"redis+sentinel://@s3cret", "the master's name"},
        {"redis+sentinel://bob:s3cret@host", "the master's name"},
        {"redis+sentinel://bob:s3cret@@host", "the master's name"},
    };
    for (const BadCase& expected : cases) {
        const auto address = parse_address(expected.text);
        ASSERT_TRUE(address.has_error()) << expected.text;
        EXPECT_THAT(address.error(), HasSubstr(expected.problem)) << expected.text;
        EXPECT_THAT(address.error(), Not(HasSubstr("s3cret"))) << expected.text;
    }
}

TEST(RedisAddressTest, IsShownWithoutUserAndPassword) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"cache", "redis://cache:6379"},
        {"redis://bob:s3cret@cache:1/2", "redis://cache:1/2"},
        {"rediss://:s3cret@[::1]", "rediss://[::1]:6379"},
        {"redis+sentinel://bob:s3cret@main@a,b:1/2", "redis+sentinel://main@a:26379,b:1/2"},
        {"rediss+cluster://a:1,b:2", "rediss+cluster://a:1,b:2"},
    };
    for (const auto& [text, shown] : cases) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(to_text(*address), shown);
    }
}

TEST(RedisAddressTest, IsReadBackFromWhatIsShown) {
    for (const Case& expected : good_cases()) {
        const Address without_user = with_user(expected.address, "", "");
        const auto again = parse_address(to_text(without_user));
        ASSERT_TRUE(again.has_value()) << expected.text << ": " << again.error();
        EXPECT_EQ(*again, without_user) << expected.text;
    }
}

}  // namespace
}  // namespace roomcast::redis
