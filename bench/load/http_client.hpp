// SPDX-License-Identifier: Apache-2.0
// One keep-alive HTTP connection of the load generator, with any number of requests under way.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "load/client.hpp"
#include "load/event_loop.hpp"
#include "load/wire.hpp"

namespace roomcast::bench {

class HttpEvents {
public:
    virtual ~HttpEvents() = default;
    /// A request, sent at `sent`, was answered with 200; `at` is when the bytes had been received.
    virtual void on_answered(Nanoseconds sent, Nanoseconds at) = 0;
};

/// Gives up, as a publisher does, when it is refused or closed.
class HttpClient final : public EventSource {
public:
    HttpClient(Target target, HttpEvents& events);

    /// Queues a POST of `body`, stamped `now`; flush() hands all queued ones to the kernel.
    void post(std::string_view resource, std::string_view body, Nanoseconds now);
    void flush();
    void abort();

    [[nodiscard]] std::size_t unanswered() const { return sent_.size(); }

    void on_ready(std::uint32_t events) override;

private:
    void read_all();
    /// Returns how many of the bytes are used up: a whole answer, or none.
    std::size_t take_answer(std::string_view bytes, Nanoseconds at);

    EventLoop& loop_;
    HttpEvents& events_;
    Wire wire_;
    bool is_connected_ = false;
    std::string out_;
    std::string in_;  ///< an incomplete answer
    std::deque<Nanoseconds> sent_;
};

/// The size of the first answer in `bytes`, head and body, unless it is incomplete. Gives up when
/// it is no 200 with a Content-Length.
[[nodiscard]] std::optional<std::size_t> answer_size(std::string_view bytes);

}  // namespace roomcast::bench
