// SPDX-License-Identifier: Apache-2.0
#include "util/log.hpp"

#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include "util/log_text.hpp"

namespace roomcast::log {

namespace {

using namespace std::chrono_literals;

constexpr auto kFlushPatience = 2s;
constexpr auto kStuckPatience = 1s;

/// Hands lines to the writer, or to standard error without ever waiting long on it: a full pipe
/// would otherwise hold up stop() for ever. Used by the writing thread alone, but for the counts.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit LineSink(std::function<void(std::string_view)> writer) : writer_(std::move(writer)) {}

    [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t flushes() {
        const std::lock_guard lock(mutex_);
        return flushes_;
    }

    void wait_for_flush_after(std::uint64_t earlier) {
        std::unique_lock lock(mutex_);
        flushed_.wait_for(lock, kFlushPatience, [&] { return flushes_ > earlier; });
    }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::string_view line(message.payload.data(), message.payload.size());
        if (writer_) return writer_(line);
        if (!write_to_standard_error(line)) dropped_.fetch_add(1, std::memory_order_relaxed);
    }

    void flush_() override {
        {
            const std::lock_guard lock(mutex_);
            ++flushes_;
        }
        flushed_.notify_all();
    }

    bool write_to_standard_error(std::string_view line) {
        while (!line.empty()) {
            // A pipe that polls as writable takes PIPE_BUF bytes, that is, a whole line, at once.
            pollfd waited{STDERR_FILENO, POLLOUT, 0};
            if (::poll(&waited, 1, static_cast<int>(patience_.count())) <= 0) {
                patience_ = 0ms;  // stuck: later lines do not wait for it again
                return false;
            }
            const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return false;
            patience_ = kStuckPatience;
            line.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
    }

    const std::function<void(std::string_view)> writer_;
    std::chrono::milliseconds patience_ = kStuckPatience;
    std::atomic<std::uint64_t> dropped_{0};
    std::mutex mutex_;  // between the writing thread and one that waits in flush()
    std::condition_variable flushed_;
    std::uint64_t flushes_ = 0;
};

/// Keeps signals away from threads that are started while it lives: they belong to `main`, and a
/// SIGPIPE of a closed standard error must not end the process.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }

    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

class Backend {
public:
    Backend(const Options& options, Format format)
        : format_(format),
          sink_(std::make_shared<LineSink>(options.writer)),
          pool_(make_pool(options.queue_lines)),
          logger_(std::make_shared<spdlog::async_logger>(
              "roomcast", sink_, pool_, spdlog::async_overflow_policy::overrun_oldest)) {
        logger_->set_level(spdlog::level::trace);  // the threshold is checked before
    }

    /// The thread ends first: what it uses must not be given up under it.
    ~Backend() { pool_.reset(); }

    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    [[nodiscard]] Format format() const { return format_; }

    void put(std::string_view line) {
        logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    }

    void flush() {
        const std::uint64_t earlier = sink_->flushes();
        logger_->flush();
        sink_->wait_for_flush_after(earlier);
    }

    [[nodiscard]] std::uint64_t dropped() const {
        return pool_->overrun_counter() + sink_->dropped();
    }

private:
    static std::shared_ptr<spdlog::details::thread_pool> make_pool(std::size_t queue_lines) {
        const SignalsBlocked blocked;
        return std::make_shared<spdlog::details::thread_pool>(queue_lines, 1);
    }

    const Format format_;
    const std::shared_ptr<LineSink> sink_;
    std::shared_ptr<spdlog::details::thread_pool> pool_;  // joins its thread when destroyed
    const std::shared_ptr<spdlog::async_logger> logger_;
};

/// The one process-wide thing here: a log is asked for from everywhere. The lock is held for a copy
/// of a pointer, so that stop() and late lines cannot meet in a destroyed backend.
struct Current {
    std::mutex mutex;
    std::shared_ptr<Backend> backend;
    std::uint64_t dropped_before = 0;  // by backends that have been stopped
};

Current& current() {
    static Current instance;
    return instance;
}

std::shared_ptr<Backend> current_backend() {
    const std::lock_guard lock(current().mutex);
    return current().backend;
}

}  // namespace

void start(const Options& options) {
    stop();
    Format format = options.format;
    if (format == Format::automatic) {
        format = ::isatty(STDERR_FILENO) == 1 ? Format::text : Format::json;
    }
    auto backend = std::make_shared<Backend>(options, format);
    {
        const std::lock_guard lock(current().mutex);
        current().backend = std::move(backend);
    }
    detail::threshold.store(options.level, std::memory_order_relaxed);
}

void stop() {
    detail::threshold.store(Level::off, std::memory_order_relaxed);
    const std::shared_ptr<Backend> ending = current_backend();
    if (!ending) return;
    ending->flush();
    const std::lock_guard lock(current().mutex);
    current().dropped_before += ending->dropped();
    current().backend.reset();
}

void flush() {
    if (const auto backend = current_backend()) backend->flush();
}

std::uint64_t dropped_lines() {
    const std::lock_guard lock(current().mutex);
    const auto& backend = current().backend;
    return current().dropped_before + (backend ? backend->dropped() : 0);
}

void write(Level level, std::string_view message, Fields fields) {
    const std::shared_ptr<Backend> backend = current_backend();
    if (!backend) return;
    backend->put(make_line(backend->format(), SystemClock().wall_ms(), level, message, fields));
}

std::optional<std::uint64_t> RateLimit::admit(SteadyTime now) {
    const auto since_start =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    // Window numbers start at 1: the initial 0 is a window of the past.
    const std::uint64_t number =
        (static_cast<std::uint64_t>(since_start / interval_) + 1) & 0xffff'ffff;
    std::uint64_t window = window_.load(std::memory_order_relaxed);
    std::uint64_t next = 0;
    do {
        // "Or later": another thread may have read the clock after this one and been here first.
        const bool is_same = window >> 32 >= number;
        const std::uint64_t used = is_same ? window & 0xffff'ffff : 0;
        if (used >= lines_) {
            suppressed_.fetch_add(1, std::memory_order_relaxed);
            return std::nullopt;
        }
        next = ((is_same ? window >> 32 : number) << 32) | (used + 1);
    } while (!window_.compare_exchange_weak(window, next, std::memory_order_relaxed));
    return suppressed_.exchange(0, std::memory_order_relaxed);
}

}  // namespace roomcast::log
