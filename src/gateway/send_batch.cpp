// SPDX-License-Identifier: Apache-2.0
#include "gateway/send_batch.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace roomcast {

namespace {

class PlainSendBatch final : public SendBatch {
public:
    [[nodiscard]] std::string_view name() const override { return "send"; }

    std::size_t send(std::span<Send> sends) override {
        for (Send& one : sends) {
            const auto sent =
                ::send(one.socket, one.bytes.data(), one.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            one.result = sent >= 0 ? static_cast<long>(sent) : -errno;
        }
        return sends.size();
    }
};

}  // namespace

std::unique_ptr<SendBatch> make_plain_send_batch() {
    return std::make_unique<PlainSendBatch>();
}

}  // namespace roomcast
