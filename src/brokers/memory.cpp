// SPDX-License-Identifier: Apache-2.0
#include "brokers/memory.hpp"

#include <utility>

namespace roomcast {

void MemoryBroker::start(BrokerSink& sink, Executor& /*executor*/) {
    sink_ = &sink;
    is_started_ = true;
    sink.on_state(true, "embedded");
}

void MemoryBroker::subscribe(const ChannelName& /*channel*/, SubscribeCallback confirmed) {
    confirmed();
}

void MemoryBroker::publish(BusMessage message, PublishCallback done) {
    if (!is_started_.load(std::memory_order_relaxed)) return done(Errc::unavailable);
    sink_->on_message(std::move(message));
    done({});
}

void MemoryBroker::send_control(std::string message) {
    if (is_started_) sink_->on_control(message);
}

}  // namespace roomcast
