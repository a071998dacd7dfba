// SPDX-License-Identifier: Apache-2.0
// Real Redis servers under a test's control. See redis_sentinels.hpp and redis_cluster.hpp for
// groups of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/child_process.hpp"
#include "tests/support/redis_connection.hpp"
#include "tests/support/test_certificate.hpp"

/// First in a test or in its fixture's SetUp().
#define ROOMCAST_SKIP_WITHOUT_REDIS()                    \
    if (!::roomcast::test::find_program("redis-server")) \
    GTEST_SKIP() << "redis-server is not installed"

namespace roomcast::test {

/// A redis-server process on 127.0.0.1: what plain servers and sentinels have in common. Its port
/// and its folder stay the same over restarts.
class RedisProcess {
public:
    virtual ~RedisProcess() = default;
    RedisProcess(const RedisProcess&) = delete;
    RedisProcess& operator=(const RedisProcess&) = delete;

    /// Returns when it answers. Throws with its log when it does not.
    void start() {
        process_ = std::make_unique<ChildProcess>(command_line_, dir_.file("log"));
        const bool is_up = eventually([this] { return !process_->is_running() || is_answering(); });
        if (!is_up || !process_->is_running()) {
            throw std::runtime_error("redis-server does not start: " + log());
        }
    }

    /// Ends it in good order; clients see their connections closed.
    void stop() {
        process_->signal(SIGTERM);
        process_->signal(SIGCONT);
        if (!process_->wait_for(kPatience)) throw std::runtime_error("redis-server does not end");
    }

    /// Ends it at once.
    void crash() {
        process_->signal(SIGKILL);
        (void)process_->wait();
    }

    void pause() { process_->pause(); }

    void resume() { process_->resume(); }

    [[nodiscard]] bool is_running() { return process_ && process_->is_running(); }

    /// Asks on a new connection, as a user who may do all, whatever the others may. Throws when
    /// there is no answer; an error of Redis is a reply.
    RedisReply command(const std::vector<std::string>& words) const {
        return connect()->command(words);
    }

    /// A connection of that user, for more than one command.
    [[nodiscard]] std::unique_ptr<RedisConnection> connect() const {
        auto connection = std::make_unique<RedisConnection>(control_port_);
        if (has_harness_user_) (void)connection->command({"AUTH", kHarnessUser, "any"});
        return connection;
    }

    /// One line of INFO or CLUSTER INFO, such as "role" or "cluster_state"; empty: not there.
    [[nodiscard]] std::string info(const std::vector<std::string>& words,
                                   const std::string& field) const {
        const std::string text = "\r\n" + command(words).text;
        const std::size_t begin = text.find("\r\n" + field + ":");
        if (begin == std::string::npos) return {};
        const std::size_t value = begin + field.size() + 3;
        return text.substr(value, text.find("\r\n", value) - value);
    }

    [[nodiscard]] std::string log() const { return read_file(dir_.file("log")); }

    static constexpr const char* kHarnessUser = "harness";

protected:
    RedisProcess() = default;

    /// `command_line` without the program; `control_port` is where command() asks.
    void set_up(std::vector<std::string> command_line,
                std::uint16_t control_port,
                bool has_harness_user) {
        const auto program = find_program("redis-server");
        if (!program) throw std::runtime_error("redis-server is not installed");
        command_line.insert(command_line.begin(), program->string());
        command_line_ = std::move(command_line);
        control_port_ = control_port;
        has_harness_user_ = has_harness_user;
    }

    TempDir dir_{parent_folder()};

private:
    /// Sentinels and Cluster nodes wait until what they write is on the disk; on one that is busy
    /// for seconds, a sentinel that does goes into its "tilt" mode, and for half a minute nothing
    /// fails over. Memory is never busy.
    [[nodiscard]] static std::filesystem::path parent_folder() {
        const std::filesystem::path memory = "/dev/shm";
        const bool is_usable = ::access(memory.c_str(), W_OK | X_OK) == 0;
        return is_usable ? memory : std::filesystem::temp_directory_path();
    }

    static constexpr std::chrono::seconds kPatience{60};

    [[nodiscard]] bool is_answering() const {
        try {
            return command({"PING"}).text == "PONG";
        } catch (const std::runtime_error&) {
            return false;
        }
    }

    std::vector<std::string> command_line_;
    std::uint16_t control_port_ = 0;
    bool has_harness_user_ = false;
    std::unique_ptr<ChildProcess> process_;
};

/// eventually(), for what is asked of servers that may just be restarting or closing connections,
/// as they do when their role changes: no answer is "not yet".
[[nodiscard]] inline bool eventually_answered(const std::function<bool()>& is_so) {
    return eventually([&is_so] {
        try {
            return is_so();
        } catch (const std::runtime_error&) {
            return false;
        }
    });
}

struct RedisOptions {
    std::uint16_t port = 0;  // 0: a free one
    /// With a password: what clients must give. Without a user it is the default user's; with one,
    /// the default user is off.
    std::string user = {};
    std::string password = {};
    /// `port` speaks TLS alone, with a certificate for localhost and 127.0.0.1.
    bool is_tls = false;
    std::vector<std::string> arguments = {};  // further ones, such as {"--maxmemory", "1mb"}
};

/// One server, started by the constructor. Nothing is kept over a restart, unless `arguments` ask
/// for it.
class RedisServer final : public RedisProcess {
public:
    RedisServer() : RedisServer(RedisOptions{}) {}

    explicit RedisServer(const RedisOptions& options)
        : port_(options.port != 0 ? options.port : free_port()) {
        std::vector<std::string> line = {"--bind", "127.0.0.1", "--dir", dir_.path().string()};
        const std::uint16_t control_port = options.is_tls ? free_port() : port_;
        append(line, {"--port", std::to_string(control_port)});
        append(line, {"--save", "", "--appendonly", "no", "--enable-debug-command", "yes"});
        append(line, {"--user", kHarnessUser, "on", "nopass", "~*", "&*", "+@all"});
        if (options.is_tls) append(line, tls_arguments());
        append(line, access_arguments(options));
        append(line, options.arguments);
        set_up(std::move(line), control_port, true);
        start();
    }

    /// For clients.
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// What a client of a TLS server must trust.
    [[nodiscard]] std::string ca_file() const { return dir_.file("cert.pem"); }

    [[nodiscard]] std::string key_file() const { return dir_.file("key.pem"); }

    /// Crashes it and starts it again.
    void restart_empty() {
        if (is_running()) crash();
        start();
    }

private:
    static void append(std::vector<std::string>& line, const std::vector<std::string>& more) {
        line.insert(line.end(), more.begin(), more.end());
    }

    [[nodiscard]] std::vector<std::string> tls_arguments() const {
        const TestCertificate made = make_test_certificate(dir_);
        return {"--tls-port",
                std::to_string(port_),
                "--tls-cert-file",
                made.certificate_file,
                "--tls-key-file",
                made.key_file,
                "--tls-ca-cert-file",
                made.certificate_file,
                "--tls-auth-clients",
                "no"};
    }

    static std::vector<std::string> access_arguments(const RedisOptions& options) {
        if (options.password.empty()) return {};
        if (options.user.empty()) return {"--requirepass", options.password};
        return {"--user",
                options.user,
                "on",
                ">" + options.password,
                "~*",
                "&*",
                "+@all",
                "--user",
                "default",
                "off"};
    }

    const std::uint16_t port_;
};

}  // namespace roomcast::test
