// SPDX-License-Identifier: Apache-2.0
// A client in a Cluster whose nodes the test plays.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redis/client.hpp"
#include "tests/unit/redis/recording_sink.hpp"
#include "tests/unit/redis/scripted_server.hpp"

namespace roomcast::redis {

using test::ScriptedServer;

/// Two masters: "a" has the slots below 8192, "b" the others. "foo" is in slot 12182, "bar" in
/// 5061.
class ClusterClientTest : public testing::Test {
protected:
    static constexpr const char* kHalves =
        "*2\r\n*3\r\n:0\r\n:8191\r\n*2\r\n+a\r\n:1\r\n*3\r\n:8192\r\n:16383\r\n*2\r\n+b\r\n:1\r\n";
    static constexpr const char* kAllAtA = "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n+a\r\n:1\r\n";

    void start(bool is_sharded = false) {
        ClientOptions options;
        options.address.mode = Mode::cluster;
        options.address.endpoints = {{"a", 1}};
        options.has_sharded_channels = is_sharded;
        client_ = make_client(loop_, options);
        client_->start(sink_);
    }

    void connect(bool is_sharded = false) {
        start(is_sharded);
        greet("a");
        answer_slots(kHalves);
        greet("b");
        ASSERT_TRUE(client_->is_connected());
        (void)sink_.take();
    }

    [[nodiscard]] std::shared_ptr<test::FakePeer> peer(const std::string& host) const {
        std::shared_ptr<test::FakePeer> found;
        for (const auto& each : loop_.peers()) {
            if (each->options.endpoint.host == host) found = each;
        }
        return found;
    }

    void greet(const std::string& host) {
        ASSERT_TRUE(peer(host)) << host;
        servers_[host] = std::make_unique<ScriptedServer>(*peer(host));
        servers_[host]->greet("cluster");
        loop_.run_posted();
    }

    ScriptedServer& at(const std::string& host) { return *servers_[host]; }

    void answer_slots(const std::string& slots) {
        ASSERT_THAT(at("a").take_names(), testing::ElementsAre("CLUSTER"));
        at("a").send(slots);
        loop_.run_posted();
    }

    /// The arguments of the GETs that have come; all else is passed by.
    [[nodiscard]] static std::vector<std::string> gets(ScriptedServer& server) {
        std::vector<std::string> arguments;
        for (const auto& command : server.take_commands()) {
            if (command.front() == "GET") arguments.push_back(command.at(1));
        }
        return arguments;
    }

    void call(const std::string& key) { client_->call(key, {"GET", key}, sink_.note(key)); }

    test::FakeLoop loop_;
    test::RecordingSink sink_;
    std::unique_ptr<Client> client_;
    std::map<std::string, std::unique_ptr<ScriptedServer>> servers_;
};

}  // namespace roomcast::redis
