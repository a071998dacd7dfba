// SPDX-License-Identifier: Apache-2.0
#include "load/http_client.hpp"

#include <cerrno>
#include <charconv>
#include <span>
#include <system_error>
#include <vector>

#include <sys/epoll.h>

namespace roomcast::bench {

namespace {

[[noreturn]] void refuse(std::string_view why) {
    give_up(std::string("an HTTP request fails: ").append(why));
}

}  // namespace

HttpClient::HttpClient(Target target, HttpEvents& events)
    : loop_(target.loop),
      events_(events),
      wire_(target.port, target.tls) {
    loop_.watch(wire_.fd(), *this);
}

void HttpClient::post(std::string_view resource, std::string_view body, Nanoseconds now) {
    out_.append("POST ").append(resource).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    out_.append("Content-Type: application/json\r\nContent-Length: ");
    out_.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    sent_.push_back(now);
}

void HttpClient::flush() {
    if (!is_connected_ || out_.empty()) return;
    const ssize_t sent = wire_.send(out_);
    if (sent < 0) {
        if (errno != EAGAIN) refuse(std::generic_category().message(errno));
        return;
    }
    out_.erase(0, static_cast<std::size_t>(sent));
}

void HttpClient::abort() {
    wire_.reset();
}

void HttpClient::on_ready(std::uint32_t events) {
    if (const int error = pending_error(wire_.fd())) refuse(std::generic_category().message(error));
    if (events & EPOLLOUT) is_connected_ = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) read_all();
    flush();
}

void HttpClient::read_all() {
    std::vector<char>& buffer = loop_.read_buffer();
    for (;;) {
        const std::size_t kept = in_.copy(buffer.data(), in_.size());
        const ssize_t got = wire_.receive(std::span(buffer).subspan(kept));
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) refuse("the server closed the connection");
        const Nanoseconds at = now_ns();
        std::string_view bytes(buffer.data(), kept + static_cast<std::size_t>(got));
        while (const std::size_t used = take_answer(bytes, at))
            bytes.remove_prefix(used);
        in_.assign(bytes);
    }
}

std::size_t HttpClient::take_answer(std::string_view bytes, Nanoseconds at) {
    const auto size = answer_size(bytes);
    if (!size) return 0;
    if (sent_.empty()) refuse("an answer that nobody has asked for");
    const Nanoseconds sent = sent_.front();
    sent_.pop_front();
    events_.on_answered(sent, at);
    return *size;
}

std::optional<std::size_t> answer_size(std::string_view bytes) {
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view head = bytes.substr(0, end + 2);
    const std::size_t field = head.find(kLength);
    if (!head.starts_with("HTTP/1.1 200 ") || field == std::string_view::npos) refuse(head);
    std::size_t length = 0;
    std::from_chars(head.data() + field + kLength.size(), head.data() + head.size(), length);
    const std::size_t size = end + 4 + length;
    return bytes.size() < size ? std::nullopt : std::optional(size);
}

}  // namespace roomcast::bench
