// SPDX-License-Identifier: Apache-2.0
// Other programs under a test: started on ports of their own, in a folder of their own, and gone
// with the test whatever happens to it.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace roomcast::test {

/// Asks again and again until `is_so` or the patience is over, which is for a broken case only.
[[nodiscard]] inline bool eventually(
    const std::function<bool()>& is_so,
    std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!is_so()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// The path of a program in PATH.
[[nodiscard]] inline std::optional<std::filesystem::path> find_program(const std::string& name) {
    const char* const path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    std::string rest = path ? path : "/usr/bin";
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const auto candidate = std::filesystem::path(rest.substr(0, end)) / name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        rest.erase(0, end + 1);
    }
    return std::nullopt;
}

/// A new folder, removed with all that is in it.
class TempDir {
public:
    explicit TempDir(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
        std::string name = (parent / "roomcast-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no folder like " + name);
        path_ = name;
    }

    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    ~TempDir() {
        std::error_code ignored;  // a server may still be writing: what stays is in the temp folder
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

[[nodiscard]] inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

[[nodiscard]] inline bool is_port_free(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free =
        ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    return is_free;
}

/// A port of loopback that is free and, with port + 10,000, can be a Redis Cluster node's. Both lie
/// below the ports that Linux gives to outgoing connections (from 32,768), unlike one got by
/// binding to port 0: while the server is down, a client that tries to reconnect would sooner or
/// later be given that port as its own and be connected with itself.
[[nodiscard]] inline std::uint16_t free_port() {
    static std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<int> any(10'000, 22'000);
    for (;;) {
        const auto port = static_cast<std::uint16_t>(any(random));
        if (is_port_free(port) && is_port_free(static_cast<std::uint16_t>(port + 10'000))) {
            return port;
        }
    }
}

/// A program in a process group of its own. It ends with this object, or with the thread that has
/// started it.
class ChildProcess {
public:
    /// `command` is the program's path and its arguments; what it prints is appended to `output`.
    ChildProcess(const std::vector<std::string>& command, const std::filesystem::path& output) {
        std::vector<char*> arguments;
        arguments.reserve(command.size() + 1);
        for (const std::string& argument : command)
            arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (out < 0) throw std::runtime_error("cannot write " + output.string());
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ == 0) become(arguments, out, parent);
        ::close(out);
        if (pid_ < 0) throw std::runtime_error("cannot fork");
        // Here as well as in the child: so there is a group whichever of the two comes first.
        (void)::setpgid(pid_, pid_);
    }

    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    ~ChildProcess() {
        if (!is_running()) return;
        (void)::kill(-pid_, SIGKILL);  // all that it has started, too
        (void)wait();
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    /// To the process alone. SIGTERM reaches a stopped one when it goes on.
    void signal(int number) {
        if (is_running()) (void)::kill(pid_, number);  // it may end at any time
    }

    /// Stops it in mid-air: the system still accepts connections and bytes for it, and nothing is
    /// answered before resume(). Returns when all of its threads have stopped. Throws if it has
    /// ended.
    void pause() {
        signal(SIGSTOP);
        int status = 0;
        if (!exit_code_ && ::waitpid(pid_, &status, WUNTRACED) == pid_) {
            if (WIFSTOPPED(status)) return;
            exit_code_ = to_exit_code(status);
        }
        throw std::runtime_error("it has ended and cannot be stopped in mid-air");
    }

    void resume() { signal(SIGCONT); }

    [[nodiscard]] bool is_running() {
        if (exit_code_) return false;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = to_exit_code(status);
        return !exit_code_;
    }

    /// Until it has ended. The exit code, or 128 and the number of the signal that ended it.
    int wait() {
        if (exit_code_) return *exit_code_;
        int status = 0;
        pid_t ended = -1;
        do {
            ended = ::waitpid(pid_, &status, 0);
        } while (ended < 0 && errno == EINTR);
        const int code = ended == pid_ ? to_exit_code(status) : 255;
        exit_code_ = code;
        return code;
    }

    /// The same within `patience`, else nothing.
    [[nodiscard]] std::optional<int> wait_for(std::chrono::milliseconds patience) {
        (void)eventually([this] { return !is_running(); }, patience);
        return exit_code_;
    }

private:
    static int to_exit_code(int status) {
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

    /// In the child: between fork and exec only what is safe in a signal handler.
    [[noreturn]] static void become(const std::vector<char*>& arguments, int out, pid_t parent) {
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(127);  // it has ended before it could be heard
        const int nothing = ::open("/dev/null", O_RDONLY);
        ::dup2(nothing, STDIN_FILENO);
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        ::close_range(3, ~0U, 0);
        ::signal(SIGPIPE, SIG_DFL);  // a test may ignore it
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }

    pid_t pid_ = -1;
    std::optional<int> exit_code_;
};

/// Runs a program to its end. Throws with what it has printed unless it exits with 0.
inline void run_program(const std::vector<std::string>& command,
                        const std::filesystem::path& output) {
    ChildProcess child(command, output);
    if (const int code = child.wait(); code != 0) {
        throw std::runtime_error(command.front() + " exits with " + std::to_string(code) + ": " +
                                 read_file(output));
    }
}

}  // namespace roomcast::test
