// SPDX-License-Identifier: Apache-2.0
// Structured log lines on standard error: a sentence and named values, as text for people or JSON
// for collectors. Never blocks the calling thread.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "util/clock.hpp"

namespace roomcast::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };

enum class Format : std::uint8_t {
    automatic,  // text where standard error is a terminal, else JSON
    text,
    json,
};

/// Messages and text values longer than this are cut, and end in "…". Counted as written, escapes
/// included.
inline constexpr std::size_t kMaxValueBytes = 512;
/// A line that would grow longer leaves out its last fields. Not above PIPE_BUF, so that lines of
/// several processes do not mix in one pipe.
inline constexpr std::size_t kMaxLineBytes = 4'096;

/// One named value of a line. `key` is ours: snake_case and never what a peer sent. Views live
/// until the call they are given to returns.
class Field {
public:
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}

    Field(std::string_view key, const std::string& value) : Field(key, std::string_view(value)) {}

    Field(std::string_view key, const char* value) : Field(key, std::string_view(value)) {}

    Field(std::string_view key, bool value) : key_(key), value_(value) {}

    Field(std::string_view key, double value) : key_(key), value_(value) {}

    template <std::signed_integral Integer>
    Field(std::string_view key, Integer value) : key_(key),
                                                 value_(std::int64_t{value}) {}

    template <std::unsigned_integral Integer>
    Field(std::string_view key, Integer value) : key_(key),
                                                 value_(std::uint64_t{value}) {}

    [[nodiscard]] std::string_view key() const { return key_; }

    [[nodiscard]] const Value& value() const { return value_; }

private:
    std::string_view key_;
    Value value_;
};

using Fields = std::initializer_list<Field>;

struct Options {
    Level level = Level::info;
    Format format = Format::automatic;
    /// Lines that may wait for the writing thread; beyond it the oldest are dropped and counted.
    std::size_t queue_lines = 8'192;
    /// Gets each line, with its line feed, on the writing thread. Empty: standard error.
    std::function<void(std::string_view line)> writer = {};
};

/// Starts the writing thread. Until then, and after stop(), nothing is written. From `main`.
void start(const Options& options);
/// Writes what waits, for at most two seconds, and ends the writing thread.
void stop();
/// Waits, for at most two seconds, until all lines logged before are written. Not for shards.
void flush();

/// Lines that were lost because standard error did not take them fast enough: a metric.
[[nodiscard]] std::uint64_t dropped_lines();

namespace detail {
inline std::atomic<Level> threshold{Level::off};
}  // namespace detail

/// One relaxed load: guards the work of building a line that may not be wanted.
[[nodiscard]] inline bool is_enabled(Level level) {
    return level >= detail::threshold.load(std::memory_order_relaxed);
}

/// Writes one line. Control characters, escape sequences and text direction marks in `message` and
/// in values are escaped, so a peer can neither forge a line nor move a terminal's cursor. Safe
/// from any thread. Secrets and tokens are never given to this, at any level.
void write(Level level, std::string_view message, Fields fields);

inline void debug(std::string_view message, Fields fields = {}) {
    if (is_enabled(Level::debug)) write(Level::debug, message, fields);
}

inline void info(std::string_view message, Fields fields = {}) {
    if (is_enabled(Level::info)) write(Level::info, message, fields);
}

inline void warn(std::string_view message, Fields fields = {}) {
    if (is_enabled(Level::warn)) write(Level::warn, message, fields);
}

inline void error(std::string_view message, Fields fields = {}) {
    if (is_enabled(Level::error)) write(Level::error, message, fields);
}

/// Holds the lines of one place to a rate. Safe from any thread, without a lock:
/// ```cpp
/// static log::RateLimit limit(5, 10s);
/// if (const auto suppressed = limit.admit(clock.steady())) {
///     log::warn("client refused", {{"reason", reason}, {"suppressed", *suppressed}});
/// }
/// ```
class RateLimit {
public:
    /// At most `lines` in each `interval`, counted in fixed windows of that length.
    RateLimit(std::uint32_t lines, std::chrono::milliseconds interval)
        : lines_(lines),
          interval_(interval) {}

    /// Nothing when the line must not be written; else how many were held back since the last one
    /// that was.
    [[nodiscard]] std::optional<std::uint64_t> admit(
        SteadyTime now = std::chrono::steady_clock::now());

private:
    const std::uint32_t lines_;
    const std::chrono::milliseconds interval_;
    std::atomic<std::uint64_t> window_{0};  // its number in the upper half, lines in the lower
    std::atomic<std::uint64_t> suppressed_{0};
};

}  // namespace roomcast::log
