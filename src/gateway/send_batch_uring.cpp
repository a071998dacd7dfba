// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <system_error>

#include <liburing.h>
#include <sys/socket.h>

#include "gateway/send_batch.hpp"

namespace roomcast {

namespace {

class UringSendBatch final : public SendBatch {
public:
    explicit UringSendBatch(const io_uring& ring) : ring_(ring) {}

    ~UringSendBatch() override { io_uring_queue_exit(&ring_); }

    UringSendBatch(const UringSendBatch&) = delete;
    UringSendBatch& operator=(const UringSendBatch&) = delete;

    [[nodiscard]] std::string_view name() const override { return "io_uring"; }

    std::size_t send(std::span<Send> sends) override {
        if (is_broken_) return plain_->send(sends);
        for (Send& one : sends) {
            one.result = -EAGAIN;  // what stays if the kernel takes fewer than all
            io_uring_sqe* entry = io_uring_get_sqe(&ring_);
            // MSG_DONTWAIT completes inside the call, so the bytes need not outlive it.
            io_uring_prep_send(
                entry, one.socket, one.bytes.data(), one.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            io_uring_sqe_set_data(entry, &one);
        }
        std::size_t calls = 0;
        for (std::size_t completed = 0; completed < sends.size();) {
            const int submitted =
                io_uring_submit_and_wait(&ring_, static_cast<unsigned>(sends.size() - completed));
            ++calls;
            completed += reap();
            if (submitted < 0 && submitted != -EINTR && submitted != -EAGAIN &&
                submitted != -EBUSY) {
                is_broken_ = true;  // what was not sent says EAGAIN and is tried again, plainly
                break;
            }
        }
        return calls;
    }

private:
    std::size_t reap() {
        io_uring_cqe* done = nullptr;
        unsigned head = 0;
        unsigned count = 0;
        io_uring_for_each_cqe(&ring_, head, done) {
            static_cast<Send*>(io_uring_cqe_get_data(done))->result = done->res;
            ++count;
        }
        io_uring_cq_advance(&ring_, count);
        return count;
    }

    io_uring ring_;
    bool is_broken_ = false;
    std::unique_ptr<SendBatch> plain_ = make_plain_send_batch();
};

int init_ring(io_uring& ring) {
    // Only this thread submits (Linux 6.0); completions run inside its own calls (6.1).
    io_uring_params params{};
#if defined(IORING_SETUP_SINGLE_ISSUER) && defined(IORING_SETUP_DEFER_TASKRUN)
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init_params(SendBatch::kMaxSends, &ring, &params) == 0) return 0;
    params = {};
#endif
    return io_uring_queue_init_params(SendBatch::kMaxSends, &ring, &params);
}

/// A send through the ring on a socket pair: container profiles may let the set-up pass and then
/// refuse the rest.
int probe(SendBatch& batch) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    SendBatch::Send one{pair[0], "x", 0};
    batch.send({&one, 1});
    ::close(pair[0]);
    ::close(pair[1]);
    return one.result == 1 ? 0 : static_cast<int>(-one.result);
}

}  // namespace

Outcome<std::unique_ptr<SendBatch>, std::string> make_uring_send_batch() {
    io_uring ring;
    if (const int failed = init_ring(ring); failed < 0) {
        return std::string("io_uring_setup: ") + std::generic_category().message(-failed);
    }
    auto batch = std::make_unique<UringSendBatch>(ring);
    if (const int failed = probe(*batch); failed != 0) {
        return std::string("io_uring send: ") + std::generic_category().message(failed);
    }
    return std::unique_ptr<SendBatch>(std::move(batch));
}

}  // namespace roomcast
