// SPDX-License-Identifier: Apache-2.0
#include "load/client.hpp"

#include <cerrno>
#include <span>
#include <system_error>
#include <vector>

#include <sys/epoll.h>

namespace roomcast::bench {

Client::Client(Target target, ClientEvents& events, std::string_view resource, std::uint32_t index)
    : loop_(target.loop),
      events_(events),
      protocol_(target.protocol),
      inflater_(target.inflater),
      wire_(target.port, target.tls),
      index_(index),
      out_(upgrade_request(resource, target.inflater != nullptr)) {
    loop_.watch(wire_.fd(), *this);
}

std::unique_ptr<Client> make_client(Target target,
                                    ClientEvents& events,
                                    std::string_view resource,
                                    std::uint32_t index) {
    return std::make_unique<Client>(target, events, resource, index);
}

void Client::flush() {
    if (state_ == State::connecting || state_ == State::closed || out_.empty()) return;
    const ssize_t sent = wire_.send(out_);
    if (sent < 0) {
        if (errno != EAGAIN) fail(std::generic_category().message(errno));
        return;  // the edge of writability will come
    }
    out_.erase(0, static_cast<std::size_t>(sent));
}

void Client::say_goodbye() {
    constexpr std::string_view kNormalClosure("\x03\xe8", 2);  // 1000, RFC 6455 §7.4.1
    append_frame(out_, Opcode::close, kNormalClosure);
    flush();
}

void Client::abort() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    wire_.reset();
}

void Client::on_ready(std::uint32_t events) {
    if (state_ == State::closed) return;
    if (state_ == State::connecting) {
        if (const int error = pending_error(wire_.fd()))
            return fail(std::generic_category().message(error));
        if (!(events & EPOLLOUT)) return;
        state_ = State::upgrading;
    }
    const bool is_hung_up = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if ((events & EPOLLIN || is_hung_up) && !is_stalled_) read_all(is_hung_up);
    flush();  // also what waited for the handshake of TLS
}

void Client::read_all(bool is_hung_up) {
    std::vector<char>& buffer = loop_.read_buffer();
    while (state_ != State::closed) {
        const std::size_t kept = in_.copy(buffer.data(), in_.size());
        const ssize_t got = wire_.receive(std::span(buffer).subspan(kept));
        if (got < 0) {
            if (errno != EAGAIN) fail(std::generic_category().message(errno));
            return;
        }
        if (got == 0) return fail("the server closed the connection");
        loop_.count_read();
        at_ = now_ns();
        const std::string_view bytes(buffer.data(), kept + static_cast<std::size_t>(got));
        const std::size_t used = take(bytes);
        in_.assign(bytes.substr(used));
        if (in_.size() == buffer.size()) return fail("a frame larger than the read buffer");
        // A short read has emptied the socket; the next bytes make a new edge. The end of the
        // stream does not, when it was part of this one.
        if (bytes.size() < buffer.size() && !is_hung_up) return;
    }
}

std::size_t Client::take(std::string_view bytes) {
    std::size_t used = state_ == State::upgrading ? take_upgrade(bytes) : 0;
    while (state_ == State::open) {
        Frame frame;
        const FrameResult result = read_frame(bytes.substr(used), frame);
        if (result == FrameResult::incomplete) break;
        if (result == FrameResult::broken) {
            fail("a frame that breaks RFC 6455, or a fragmented one");
            break;
        }
        take_frame(frame);
        used += frame.frame_bytes;
    }
    return used;
}

std::size_t Client::take_upgrade(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    if (!is_upgrade_accepted(bytes.substr(0, end))) {
        fail(bytes.substr(0, bytes.find("\r\n")));
        return bytes.size();
    }
    if (inflater_ && !is_deflate_accepted(bytes.substr(0, end))) {
        fail("the server does not agree on compression");
        return bytes.size();
    }
    state_ = State::open;
    if (const std::string greeting = protocol_.greeting(); !greeting.empty()) queue_text(greeting);
    events_.on_open(*this);
    flush();
    return end + 4;
}

void Client::take_message(const Frame& frame) {
    if (!frame.is_deflated) return protocol_.read(rest_, frame.payload, *this);
    const auto text = inflater_ ? inflater_->inflate(frame.payload) : std::nullopt;
    if (!text) return fail("a compressed frame that cannot be read");
    protocol_.read(rest_, *text, *this);
}

void Client::take_frame(const Frame& frame) {
    switch (frame.opcode) {
        case Opcode::text:
        case Opcode::binary:
            take_message(frame);
            break;
        case Opcode::ping:
            append_frame(out_, Opcode::pong, frame.payload);
            flush();
            break;
        case Opcode::pong:
            break;
        case Opcode::close: {
            std::string reason = "close frame";
            if (frame.payload.size() >= 2) {
                const auto byte = [&](std::size_t at) {
                    return static_cast<unsigned>(static_cast<unsigned char>(frame.payload[at]));
                };
                reason += " " + std::to_string(byte(0) << 8 | byte(1)) + " ";
                reason += frame.payload.substr(2);
            }
            fail(reason);
            break;
        }
    }
}

void Client::fail(std::string_view reason) {
    if (state_ == State::closed) return;
    const std::string kept(reason);
    abort();
    events_.on_closed(*this, kept);
}

}  // namespace roomcast::bench
