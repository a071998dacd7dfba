// SPDX-License-Identifier: Apache-2.0
// A real Kafka for a test: one server that is its own controller (KRaft).
#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "brokers/kafka_options.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/test_certificate.hpp"

namespace roomcast::test {

/// On 127.0.0.1, on ports of its own. Topics are not made by asking for them. Plain connections
/// need no login; those with TLS need user "app" with the password "secret".
class KafkaServer {
public:
    static constexpr std::chrono::seconds kPatience{60};
    /// The largest message it takes.
    static constexpr std::size_t kMessageBytes = 1'000'000;

    KafkaServer() : port_(free_port()), tls_port_(free_port()), controller_port_(free_port()) {
        write_settings();
        run_program(java({"kafka.tools.StorageTool",
                          "format",
                          "-t",
                          "AAAAAAAAAAAAAAAAAAAAAQ",
                          "-c",
                          dir_.file("server.properties")}),
                    dir_.file("format.log"));
        start();
    }

    /// Nothing: it can be started. Else why not, for a skip.
    [[nodiscard]] static std::optional<std::string> why_missing() {
        if (!find_program("java")) return "there is no java";
        if (!std::filesystem::exists(jars() / ".of")) {
            return "there are no jars in " + jars().string() + ": script/kafka-jars says why";
        }
        return std::nullopt;
    }

    [[nodiscard]] KafkaBrokerOptions options(const std::string& topic) const {
        KafkaBrokerOptions options;
        options.access.servers = {{"127.0.0.1", port_}};
        options.access.topic = topic;
        return options;
    }

    [[nodiscard]] KafkaBrokerOptions tls_options(const std::string& topic) const {
        KafkaBrokerOptions options = this->options(topic);
        options.access.servers = {{"localhost", tls_port_}};
        options.access.sasl = {.is_on = true, .username = "app", .password = "secret"};
        options.access.tls = {.is_on = true, .ca_file = certificate_.certificate_file};
        return options;
    }

    void start() {
        server_.emplace(java({"kafka.Kafka", dir_.file("server.properties")}), dir_.file("log"));
        const bool is_up =
            eventually([&] { return !is_port_free(port_) || !server_->is_running(); }, kPatience);
        if (!is_up || !server_->is_running()) {
            throw std::runtime_error("kafka does not start: " + read_file(dir_.file("log")));
        }
    }

    void end() {
        server_->signal(SIGTERM);
        (void)server_->wait();
    }

    void pause() { server_->pause(); }

    void resume() { server_->resume(); }

private:
    [[nodiscard]] static std::filesystem::path jars() { return ROOMCAST_KAFKA_JARS; }

    /// Quick to start rather than fast in the long run.
    [[nodiscard]] static std::vector<std::string> java(const std::vector<std::string>& arguments) {
        std::vector<std::string> command = {find_program("java").value().string(),
                                            "-XX:+UseSerialGC",
                                            "-XX:TieredStopAtLevel=1",
                                            "-Xmx384m",
                                            "-cp",
                                            (jars() / "*").string()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return command;
    }

    void write_settings() const {
        const std::string address = "127.0.0.1:";
        const std::string plain = "PLAIN://" + address + std::to_string(port_);
        const std::string tls = "://localhost:" + std::to_string(tls_port_);
        const std::string controller = address + std::to_string(controller_port_);
        {
            std::ofstream store(dir_.file("store.pem"));
            store << read_file(certificate_.key_file) << read_file(certificate_.certificate_file);
        }
        std::ofstream(dir_.file("server.properties"))
            << "process.roles=broker,controller\n"
            << "node.id=1\n"
            << "controller.quorum.voters=1@" << controller << '\n'
            << "listeners=" << plain << ",SECURE" << tls << ",CONTROLLER://" << controller << '\n'
            << "advertised.listeners=" << plain << ",SECURE" << tls << '\n'
            << "listener.security.protocol.map=PLAIN:PLAINTEXT,SECURE:SASL_SSL,"
               "CONTROLLER:PLAINTEXT\n"
            << "inter.broker.listener.name=PLAIN\n"
            << "controller.listener.names=CONTROLLER\n"
            << "log.dirs=" << dir_.file("data") << '\n'
            << "auto.create.topics.enable=false\n"
            << "offsets.topic.replication.factor=1\n"
            << "transaction.state.log.replication.factor=1\n"
            << "transaction.state.log.min.isr=1\n"
            << "share.coordinator.state.topic.replication.factor=1\n"
            << "message.max.bytes=" << kMessageBytes << '\n'
            << "ssl.keystore.type=PEM\n"
            << "ssl.keystore.location=" << dir_.file("store.pem") << '\n'
            << "sasl.enabled.mechanisms=PLAIN\n"
            << "listener.name.secure.plain.sasl.jaas.config="
               "org.apache.kafka.common.security.plain.PlainLoginModule required "
               "user_app=\"secret\";\n";
    }

    TempDir dir_;
    const TestCertificate certificate_ = make_test_certificate(dir_);
    const std::uint16_t port_;
    const std::uint16_t tls_port_;
    const std::uint16_t controller_port_;
    std::optional<ChildProcess> server_;
};

}  // namespace roomcast::test
