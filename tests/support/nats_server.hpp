// SPDX-License-Identifier: Apache-2.0
// A real NATS server under a test's control.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/child_process.hpp"
#include "tests/support/test_certificate.hpp"

/// First in a test or in its fixture's SetUp().
#define ROOMCAST_SKIP_WITHOUT_NATS()                    \
    if (!::roomcast::test::find_program("nats-server")) \
    GTEST_SKIP() << "nats-server is not installed"

namespace roomcast::test {

struct NatsServerOptions {
    std::uint16_t port = 0;  // 0: a free one
    /// Not empty: it speaks TLS, with a certificate for these names, such as "DNS:localhost".
    std::string certificate_names = {};
    std::string config = {};  // further lines of its configuration file
};

/// One server on 127.0.0.1, started by the constructor. Its port and its folder stay the same over
/// restarts.
class NatsServer final {
public:
    explicit NatsServer(NatsServerOptions options = {})
        : port_(options.port != 0 ? options.port : free_port()) {
        std::string config = std::move(options.config);
        if (!options.certificate_names.empty()) {
            const auto made = make_test_certificate(dir_, options.certificate_names);
            ca_file_ = made.certificate_file;
            config +=
                "\ntls { cert_file: \"" + ca_file_ + "\", key_file: \"" + made.key_file + "\" }\n";
        }
        configure(config);
        start();
    }

    NatsServer(const NatsServer&) = delete;
    NatsServer& operator=(const NatsServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// What a client of a TLS server must trust.
    [[nodiscard]] const std::string& ca_file() const { return ca_file_; }

    /// Returns when it takes connections. Throws with its log when it does not.
    void start() {
        const std::size_t seen = log().size();
        process_ = std::make_unique<ChildProcess>(
            std::vector<std::string>{find_program("nats-server").value().string(),
                                     "-a",
                                     "127.0.0.1",
                                     "-p",
                                     std::to_string(port_),
                                     "-c",
                                     dir_.file("nats.conf")},
            dir_.file("log"));
        if (!has_logged("Server is ready", seen)) {
            throw std::runtime_error("nats-server does not start: " + log());
        }
    }

    /// Ends it at once; its clients' connections end with it.
    void crash() {
        process_->signal(SIGKILL);
        (void)process_->wait();
    }

    void pause() { process_->pause(); }

    void resume() { process_->resume(); }

    /// Takes another configuration while it runs, and returns when it has.
    void reload(const std::string& config) {
        configure(config);
        const std::size_t seen = log().size();
        process_->signal(SIGHUP);
        if (!has_logged("Reloaded server configuration", seen)) {
            throw std::runtime_error("nats-server does not reload: " + log());
        }
    }

    [[nodiscard]] std::string log() const { return read_file(dir_.file("log")); }

private:
    /// Waits for `text` behind the first `seen` bytes of the log, or for the process's end.
    [[nodiscard]] bool has_logged(const std::string& text, std::size_t seen) {
        const auto is_there = [&] { return log().find(text, seen) != std::string::npos; };
        (void)eventually([&] { return is_there() || !process_->is_running(); });
        return is_there();
    }

    void configure(const std::string& config) const {
        std::ofstream out(dir_.file("nats.conf"));
        out << config << '\n';
    }

    TempDir dir_;
    const std::uint16_t port_;
    std::string ca_file_;
    std::unique_ptr<ChildProcess> process_;
};

}  // namespace roomcast::test
