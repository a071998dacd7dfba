// SPDX-License-Identifier: Apache-2.0
#include "floor/sender.hpp"

#include <algorithm>
#include <cerrno>

#include <liburing.h>
#include <sys/socket.h>

#include "common/socket.hpp"

namespace roomcast::bench {

namespace {

/// Keeps what is left of `frames` after a send that gave `result` (a count, or -errno). A broken
/// connection is noticed by the read side.
void keep_rest(Outlet& outlet, std::string_view frames, ssize_t result) {
    if (result < 0 && result != -EAGAIN) return;
    frames.remove_prefix(result < 0 ? 0 : static_cast<std::size_t>(result));
    outlet.pending.append(frames);
}

class PlainSender final : public Sender {
public:
    explicit PlainSender(bool is_batching) : is_batching_(is_batching) {}

    void send(const std::vector<Outlet*>& outlets, std::string_view frames) override {
        for (Outlet* outlet : outlets) {
            if (!outlet->pending.empty()) {
                outlet->pending.append(frames);
                continue;
            }
            const ssize_t sent = ::send(outlet->fd, frames.data(), frames.size(), MSG_NOSIGNAL);
            if (sent != static_cast<ssize_t>(frames.size())) {
                keep_rest(*outlet, frames, sent < 0 ? -errno : sent);
            }
        }
    }

    bool is_batching() const override { return is_batching_; }

private:
    bool is_batching_;
};

class UringSender final : public Sender {
public:
    UringSender() {
        if (const int error = ::io_uring_queue_init(kEntries, &ring_, 0); error < 0) {
            errno = -error;
            die("io_uring_queue_init");
        }
    }

    UringSender(const UringSender&) = delete;
    UringSender& operator=(const UringSender&) = delete;

    ~UringSender() override { ::io_uring_queue_exit(&ring_); }

    void send(const std::vector<Outlet*>& outlets, std::string_view frames) override {
        for (Outlet* outlet : outlets) {
            if (!outlet->pending.empty()) {
                outlet->pending.append(frames);
                continue;
            }
            if (queued_.size() == kEntries) flush();
            queued_.push_back({outlet, frames});
            io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
            // MSG_DONTWAIT completes inside the enter, so order and lifetimes stay simple.
            ::io_uring_prep_send(
                entry, outlet->fd, frames.data(), frames.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            ::io_uring_sqe_set_data64(entry, queued_.size() - 1);
        }
    }

    void flush() override {
        if (queued_.empty()) return;
        const auto count = static_cast<unsigned>(queued_.size());
        if (::io_uring_submit_and_wait(&ring_, count) < 0) die("io_uring_submit_and_wait");
        for (unsigned done = 0; done < count;) {
            io_uring_cqe* completion = nullptr;
            if (::io_uring_wait_cqe(&ring_, &completion) < 0) die("io_uring_wait_cqe");
            const Queued& queued = queued_[completion->user_data];
            if (completion->res != static_cast<int>(queued.frames.size())) {
                keep_rest(*queued.outlet, queued.frames, completion->res);
            }
            ::io_uring_cqe_seen(&ring_, completion);
            ++done;
        }
        queued_.clear();
    }

    bool is_batching() const override { return true; }

private:
    static constexpr unsigned kEntries = 4096;

    struct Queued {
        Outlet* outlet;
        std::string_view frames;
    };

    io_uring ring_{};
    std::vector<Queued> queued_;
};

}  // namespace

void send_pending(Outlet& outlet) {
    if (outlet.pending.empty()) return;
    const ssize_t sent =
        ::send(outlet.fd, outlet.pending.data(), outlet.pending.size(), MSG_NOSIGNAL);
    if (sent > 0) outlet.pending.erase(0, static_cast<std::size_t>(sent));
}

std::unique_ptr<Sender> make_sender(std::string_view mode) {
    if (mode == "send") return std::make_unique<PlainSender>(false);
    if (mode == "batch") return std::make_unique<PlainSender>(true);
    if (mode == "uring") return std::make_unique<UringSender>();
    return nullptr;
}

}  // namespace roomcast::bench
