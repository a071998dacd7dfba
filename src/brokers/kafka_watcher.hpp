// SPDX-License-Identifier: Apache-2.0
// The thread that makes clients and asks the cluster what waits for an answer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "brokers/kafka_cluster.hpp"
#include "brokers/kafka_mail.hpp"
#include "brokers/kafka_options.hpp"
#include "util/clock.hpp"

namespace roomcast::kafka {

/// Finds the partitions, sees that they grow and where they end, and by that whether the cluster
/// answers at all. What it learns it puts into the inbox.
class Watcher final : public std::enable_shared_from_this<Watcher> {
public:
    Watcher(KafkaBrokerOptions options, std::shared_ptr<Inbox> inbox);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher();

    /// The clients it makes tell these, from whatever thread polls them.
    void start(ProducerEvents& of_producer, ClientEvents& of_consumer);
    /// The thread asks no more questions.
    void ask_to_stop();
    /// When nobody else holds a client any more. Waits for the thread, but not for ever: one that
    /// the library holds in a name look-up goes on by itself, and ends after that, with its
    /// clients.
    void stop();

    // From any thread:

    /// The end of a partition is to be found once more.
    void find_again(std::int32_t partition);
    /// The producer cannot be used any more.
    void replace_producer();

private:
    // the thread's
    void run();
    void turn();
    [[nodiscard]] bool has_clients();
    void take_wishes();
    /// False: stopping.
    [[nodiscard]] bool pause();
    void miss(std::string why);

    const KafkaBrokerOptions options_;
    const std::shared_ptr<Inbox> inbox_;
    ProducerEvents* of_producer_ = nullptr;
    ClientEvents* of_consumer_ = nullptr;
    std::thread thread_;

    // the thread's
    Client producer_;
    Client consumer_;
    std::unique_ptr<LibraryCluster> cluster_;
    Tail tail_;
    int misses_ = 0;
    bool is_found_ = false;
    SteadyTime producer_made_at_{};

    std::mutex mutex_;  // for the wait, and what follows
    std::condition_variable changed_;
    std::vector<std::int32_t> lost_;
    bool is_producer_ended_ = false;
    bool is_stopping_ = false;
    bool is_alone_ = false;  // with its clients
    bool has_ended_ = false;
};

}  // namespace roomcast::kafka
