// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway.hpp"

#include <algorithm>
#include <utility>

#include "util/log.hpp"

namespace roomcast {

namespace {

using std::chrono::milliseconds;

// Fewer connections than this a second are no herd: a small server drains in no time.
constexpr std::size_t kDrainPerSecond = 100;

}  // namespace

Gateway::Gateway(GatewayOptions options, HubServices services)
    : options_(std::move(options)),
      hub_(std::move(services), options_.shards, [this](ShardIndex shard) {
          loops_[shard]->wake();
      }) {
    for (ShardIndex i = 0; i < options_.shards; ++i) {
        loops_.push_back(std::make_unique<ShardLoop>(hub_.shard(i), options_, state_));
    }
}

Gateway::~Gateway() {
    stop();
}

Outcome<void, std::string> Gateway::open() {
    send_method_ = "send";
    if (options_.io_uring != IoUring::off) {
        const auto probe = make_uring_send_batch();
        if (probe) {
            send_method_ = (*probe)->name();
        } else if (options_.io_uring == IoUring::on) {
            return "IO_URING=on, but this system does not allow it: " + probe.error();
        } else {
            log::info("io_uring is not available: using plain sends", {{"reason", probe.error()}});
        }
    }
    const auto opened = open_listeners(options_.address, loops_.size());
    if (!opened) return "cannot listen on " + opened.error();
    address_ = opened->address;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        loops_[i]->add_listener(opened->sockets[i], false);
    }
    if (options_.operator_address) {
        const auto for_operators = open_listeners(*options_.operator_address, 1);
        if (!for_operators) return "cannot listen on " + for_operators.error();
        operator_address_ = for_operators->address;
        loops_[0]->add_listener(for_operators->sockets[0], true);
    }
    return {};
}

std::unique_ptr<SendBatch> Gateway::make_send_batch() const {
    if (send_method_ != "send") {
        if (auto batch = make_uring_send_batch()) return std::move(*batch);
    }
    return make_plain_send_batch();
}

void Gateway::start() {
    hub_.start();
    for (const auto& loop : loops_) {
        threads_.emplace_back([this, &loop] { loop->run(make_send_batch()); });
    }
}

void Gateway::drain(std::chrono::seconds spread) {
    const milliseconds by_count(connection_count() * 1'000 / kDrainPerSecond);
    const milliseconds duration = std::min<milliseconds>(spread, by_count);
    for (const auto& loop : loops_) {
        loop->post(
            [this, duration](ShardLoop& it) { it.drain(duration, [this] { ++drained_shards_; }); });
    }
}

void Gateway::stop() {
    for (const auto& loop : loops_) {
        loop->post([](ShardLoop& it) { it.stop(); });
    }
    for (std::thread& thread : threads_)
        thread.join();
    if (!threads_.empty()) hub_.stop();
    threads_.clear();
}

void Gateway::set_tls(const std::shared_ptr<const TlsContext>& tls) {
    for (const auto& loop : loops_) {
        loop->post([tls](ShardLoop& it) { it.set_tls(tls); });
    }
}

}  // namespace roomcast
