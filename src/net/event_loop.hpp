// SPDX-License-Identifier: Apache-2.0
// The bus thread: the loop that owns the connections of brokers and stores.
#pragma once

#include <memory>
#include <string>

#include "net/loop.hpp"

namespace roomcast::net {

/// A Loop on a thread of its own. Name look-ups never block it.
class EventLoop final : public Loop {
public:
    /// Starts the thread; `name` is what tools such as `top` show, at most 15 bytes.
    explicit EventLoop(const std::string& name);
    /// Ends the thread. Streams must be gone before that.
    ~EventLoop() override;

    void post(std::function<void()> work) override;
    [[nodiscard]] std::unique_ptr<Stream> connect(StreamOptions options, StreamSink& sink) override;
    [[nodiscard]] TimerQueue& timers() override;
    [[nodiscard]] SteadyTime now() const override;

    /// Runs `work` on the loop and waits until it is done. From another thread.
    void run(const std::function<void()>& work);

private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace roomcast::net
