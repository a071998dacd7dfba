// SPDX-License-Identifier: Apache-2.0
// A real RabbitMQ under a test's control. It takes 8 to 17 s to start: one serves a whole program.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/child_process.hpp"
#include "tests/support/test_certificate.hpp"

/// First in a test or in its fixture's SetUp().
#define ROOMCAST_SKIP_WITHOUT_RABBITMQ()                   \
    if (!::roomcast::test::RabbitmqServer::is_installed()) \
    GTEST_SKIP() << "rabbitmq-server is not installed"

namespace roomcast::test {

/// One server on 127.0.0.1, with the user guest (password guest) and the virtual host "/". It
/// speaks plain AMQP on port() and TLS on tls_port(), and refuses messages over kMessageBytes.
class RabbitmqServer {
public:
    static constexpr std::size_t kMessageBytes = 300'000;

    [[nodiscard]] static bool is_installed() {
        return ::access(program("rabbitmq-server").c_str(), X_OK) == 0 && find_program("epmd");
    }

    RabbitmqServer() : certificate_(make_test_certificate(dir_)) {
        write_files();
        // Its own, in the foreground: one that Erlang starts would outlive the test.
        epmd_ =
            std::make_unique<ChildProcess>(std::vector<std::string>{find_program("epmd")->string(),
                                                                    "-address",
                                                                    "127.0.0.1",
                                                                    "-port",
                                                                    std::to_string(epmd_port_)},
                                           dir_.file("epmd.log"));
        server_ = std::make_unique<ChildProcess>(command("rabbitmq-server"), dir_.file("out"));
        const bool is_up = eventually([this] { return !server_->is_running() || is_answering(); });
        if (!is_up || !server_->is_running()) {
            throw std::runtime_error("rabbitmq-server does not start: " +
                                     read_file(dir_.file("out")));
        }
    }

    RabbitmqServer(const RabbitmqServer&) = delete;
    RabbitmqServer& operator=(const RabbitmqServer&) = delete;
    ~RabbitmqServer() = default;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] std::uint16_t tls_port() const { return tls_port_; }

    /// What a client must trust.
    [[nodiscard]] const std::string& ca_file() const { return certificate_.certificate_file; }

    /// Another certificate, which says the same and is not the server's.
    [[nodiscard]] std::string other_ca_file() const {
        return make_test_certificate(other_dir_).certificate_file;
    }

    /// rabbitmqctl, which takes about a second. Throws unless it succeeds; gives what it prints.
    std::string control(std::initializer_list<std::string> words) const {
        std::vector<std::string> line = command("rabbitmqctl");
        line.emplace_back("-q");
        line.insert(line.end(), words.begin(), words.end());
        const std::string output = dir_.file("ctl");
        std::ofstream(output, std::ios::trunc).close();
        run_program(line, output);
        return read_file(output);
    }

    void pause() { server_->pause(); }

    void resume() { server_->resume(); }

private:
    [[nodiscard]] static std::string program(const std::string& name) {
        return "/usr/lib/rabbitmq/bin/" + name;
    }

    void write_files() const {
        std::ofstream(dir_.file("enabled_plugins")) << "[].\n";
        std::ofstream(dir_.file("rabbitmq.conf"))
            << "loopback_users = none\n"
            << "max_message_size = " << kMessageBytes << "\n"
            << "listeners.ssl.1 = 127.0.0.1:" << tls_port_ << "\n"
            << "ssl_options.cacertfile = " << certificate_.certificate_file << "\n"
            << "ssl_options.certfile = " << certificate_.certificate_file << "\n"
            << "ssl_options.keyfile = " << certificate_.key_file << "\n";
    }

    /// In an environment of its own. As under systemd, the server takes the place of its script.
    [[nodiscard]] std::vector<std::string> command(const std::string& name) const {
        const std::string dir = dir_.path().string();
        return {"/usr/bin/env",
                "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG=C.UTF-8",
                "HOME=" + dir,
                "RUNNING_UNDER_SYSTEMD=1",
                "RABBITMQ_NODENAME=rc" + std::to_string(port_) + "@localhost",
                "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
                "RABBITMQ_NODE_PORT=" + std::to_string(port_),
                "RABBITMQ_DIST_PORT=" + std::to_string(dist_port_),
                "RABBITMQ_MNESIA_BASE=" + dir + "/mnesia",
                "RABBITMQ_LOG_BASE=" + dir + "/log",
                "RABBITMQ_PID_FILE=" + dir + "/pid",
                "RABBITMQ_ENABLED_PLUGINS_FILE=" + dir + "/enabled_plugins",
                "RABBITMQ_CONFIG_FILE=" + dir + "/rabbitmq",
                "RABBITMQ_CONF_ENV_FILE=/dev/null",
                "ERL_EPMD_ADDRESS=127.0.0.1",
                "ERL_EPMD_PORT=" + std::to_string(epmd_port_),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
                program(name)};
    }

    /// It has an answer to the greeting of AMQP 0-9-1.
    [[nodiscard]] bool is_answering() const {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port_);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval patience{.tv_sec = 1, .tv_usec = 0};
        ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        constexpr std::array<char, 8> kGreeting = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
        char first = 0;
        const bool has_answered =
            ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
            ::send(socket, kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL) == 8 &&
            ::recv(socket, &first, 1, 0) == 1;
        ::close(socket);
        return has_answered && first == 1;
    }

    TempDir dir_;
    TempDir other_dir_;
    const TestCertificate certificate_;
    const std::uint16_t port_ = free_port();
    const std::uint16_t tls_port_ = free_port();
    const std::uint16_t dist_port_ = free_port();
    const std::uint16_t epmd_port_ = free_port();
    std::unique_ptr<ChildProcess> epmd_;
    std::unique_ptr<ChildProcess> server_;
};

/// One for all tests of a program, from the first one on.
inline RabbitmqServer& rabbitmq_server() {
    static RabbitmqServer server;
    return server;
}

}  // namespace roomcast::test
