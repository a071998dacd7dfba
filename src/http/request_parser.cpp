// SPDX-License-Identifier: Apache-2.0
#include "http/request_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "http/chunked_body.hpp"
#include "http/head_scanner.hpp"
#include "http/request_head.hpp"
#include "util/assert.hpp"

namespace roomcast::http {
namespace {

constexpr Refusal kBodyTooLarge{413, "too_large", "the body is too large"};

struct Idle {};

struct ReadingHead {
    HeadScanner scanner;
    std::string bytes;
};

struct ReadingBody {
    Request request;
    std::uint64_t missing = 0;           // of a body with a length
    std::optional<ChunkedBody> chunked;  // else
    bool wants_continue = false;
};

struct Complete {
    Request request;
};

}  // namespace

class RequestParser::Impl {
public:
    explicit Impl(const Limits& limits) : limits_(limits) {}

    std::size_t put(std::string_view bytes) {
        std::size_t used = 0;
        while (used < bytes.size()) {
            const std::string_view rest = bytes.substr(used);
            if (std::holds_alternative<Complete>(stage_)) break;
            if (std::holds_alternative<Refusal>(stage_)) return bytes.size();
            if (std::holds_alternative<Idle>(stage_)) {
                stage_ = ReadingHead{HeadScanner(limits_), {}};
            } else if (auto* head = std::get_if<ReadingHead>(&stage_)) {
                used += put_head(*head, rest);
            } else {
                used += put_body(std::get<ReadingBody>(stage_), rest);
            }
        }
        return used;
    }

    [[nodiscard]] State state() const {
        if (std::holds_alternative<Idle>(stage_)) return State::idle;
        if (std::holds_alternative<ReadingHead>(stage_)) return State::head;
        if (std::holds_alternative<ReadingBody>(stage_)) return State::body;
        if (std::holds_alternative<Complete>(stage_)) return State::complete;
        return State::failed;
    }

    bool take_continue() {
        auto* body = std::get_if<ReadingBody>(&stage_);
        return body && std::exchange(body->wants_continue, false);
    }

    Request take() {
        ASSERT(std::holds_alternative<Complete>(stage_));
        Request request = std::move(std::get<Complete>(stage_).request);
        stage_ = Idle{};
        return request;
    }

    [[nodiscard]] Response error() const {
        ASSERT(std::holds_alternative<Refusal>(stage_));
        const auto& refusal = std::get<Refusal>(stage_);
        Response response = error_response(refusal.status, refusal.reason, refusal.text);
        response.must_close = true;
        return response;
    }

private:
    std::size_t put_head(ReadingHead& head, std::string_view bytes) {
        const std::size_t used = head.scanner.scan(bytes);
        if (const Refusal* refusal = head.scanner.refusal()) {
            stage_ = *refusal;
            return bytes.size();
        }
        head.bytes += bytes.substr(0, used);
        if (head.scanner.is_complete()) end_head(std::exchange(head.bytes, {}));
        return used;
    }

    void end_head(const std::string& bytes) {
        auto parsed = parse_request_head(bytes);
        if (!parsed) {
            stage_ = parsed.error();
        } else if (parsed->content_length > limits_.body_bytes) {
            stage_ = kBodyTooLarge;
        } else if (parsed->framing == BodyFraming::none) {
            stage_ = Complete{std::move(parsed->request)};
        } else {
            ReadingBody body;
            body.request = std::move(parsed->request);
            body.missing = parsed->content_length;
            body.wants_continue = parsed->expects_continue;
            if (parsed->framing == BodyFraming::chunked) body.chunked.emplace(limits_);
            stage_ = std::move(body);
        }
    }

    std::size_t put_body(ReadingBody& body, std::string_view bytes) {
        body.wants_continue = false;
        if (!body.chunked) {
            const std::string_view content = bytes.substr(0, body.missing);
            body.request.body += content;
            body.missing -= content.size();
            if (body.missing == 0) end_body(body);
            return content.size();
        }
        const std::size_t used = body.chunked->put(bytes, body.request.body);
        if (const Refusal* refusal = body.chunked->refusal()) {
            stage_ = *refusal;
            return bytes.size();
        }
        if (body.chunked->is_complete()) end_body(body);
        return used;
    }

    void end_body(ReadingBody& body) {
        Complete complete{std::move(body.request)};
        stage_ = std::move(complete);
    }

    const Limits& limits_;
    std::variant<Idle, ReadingHead, ReadingBody, Complete, Refusal> stage_;
};

RequestParser::RequestParser(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}

RequestParser::~RequestParser() = default;

std::size_t RequestParser::put(std::string_view bytes) {
    return impl_->put(bytes);
}

RequestParser::State RequestParser::state() const {
    return impl_->state();
}

bool RequestParser::take_continue() {
    return impl_->take_continue();
}

Request RequestParser::take() {
    return impl_->take();
}

Response RequestParser::error() const {
    return impl_->error();
}

}  // namespace roomcast::http
