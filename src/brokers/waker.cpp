// SPDX-License-Identifier: Apache-2.0
#include "brokers/waker.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace roomcast {

Waker::Waker() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Waker::~Waker() {
    ::close(event_);
}

void Waker::wake() const {
    const std::uint64_t one = 1;
    (void)!::write(event_, &one, sizeof one);  // full: it is awake already
}

void Waker::sleep(int socket, short events, std::chrono::milliseconds timeout) const {
    std::array<pollfd, 2> waits = {pollfd{event_, POLLIN, 0}, pollfd{socket, events, 0}};
    (void)::poll(waits.data(), waits.size(), static_cast<int>(timeout.count()));
    if (waits[0].revents == 0) return;
    std::uint64_t ignored = 0;
    (void)!::read(event_, &ignored, sizeof ignored);  // somebody has written
}

}  // namespace roomcast
