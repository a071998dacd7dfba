// SPDX-License-Identifier: Apache-2.0
// Frames of a client (RFC 6455 sections 5 and 7.4).
#include <algorithm>
#include <cstring>

#include "codec/utf8.hpp"
#include "codec/websocket.hpp"
#include "codec/websocket_deflate.hpp"

namespace roomcast::websocket {

namespace {

constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kInvalidPayload = 1007;
constexpr std::uint16_t kPolicyViolation = 1008;
constexpr std::uint16_t kMessageTooBig = 1009;

constexpr Error kNotUtf8{kInvalidPayload, "a text message is not UTF-8"};
constexpr Error kTooLong{kMessageTooBig, "a message is too long"};

constexpr std::uint8_t kFinalBit = 0x80;
constexpr std::uint8_t kDeflatedBit = 0x40;  // the first reserved one
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kOpcodeBits = 0x0f;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kLengthBits = 0x7f;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;
constexpr std::size_t kControlPayloadBytes = 125;

bool is_control(Opcode opcode) {
    return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

bool is_known(std::uint8_t opcode) {
    return opcode <= static_cast<std::uint8_t>(Opcode::binary) ||
           (opcode >= static_cast<std::uint8_t>(Opcode::close) &&
            opcode <= static_cast<std::uint8_t>(Opcode::pong));
}

/// What a message of at most `message_bytes` may take on the wire: compression makes what it cannot
/// shorten longer by up to an eighth.
std::size_t most_wire_bytes(std::size_t message_bytes, bool is_deflated) {
    return is_deflated ? message_bytes + message_bytes / 8 + 64 : message_bytes;
}

/// Codes that an endpoint may send (section 7.4, and the registry that it opened).
bool is_valid_close_code(std::uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

std::size_t extended_length_bytes(std::uint8_t second) {
    switch (second & kLengthBits) {
        case kLength16:
            return 2;
        case kLength64:
            return 8;
        default:
            return 0;
    }
}

/// How long the header is, as its second byte says.
std::size_t header_bytes(std::uint8_t second) {
    return 2 + extended_length_bytes(second) + ((second & kMaskBit) != 0 ? 4 : 0);
}

std::uint64_t read_big_endian(const char* bytes, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value = (value << 8) | static_cast<std::uint8_t>(bytes[i]);
    }
    return value;
}

using Mask = std::array<char, 4>;

/// Undoes the masking of `bytes`, eight at a time. `mask` is turned on to where the next bytes of
/// the same frame start.
void unmask(std::span<char> bytes, Mask& mask) {
    std::uint64_t wide = 0;
    std::memcpy(&wide, mask.data(), mask.size());
    std::memcpy(reinterpret_cast<char*>(&wide) + mask.size(), mask.data(), mask.size());
    std::size_t done = 0;
    for (; done + sizeof wide <= bytes.size(); done += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + done, sizeof word);
        word ^= wide;
        std::memcpy(bytes.data() + done, &word, sizeof word);
    }
    for (std::size_t i = 0; done + i < bytes.size(); ++i) {
        bytes[done + i] = static_cast<char>(bytes[done + i] ^ mask[i % mask.size()]);
    }
    const auto phase = static_cast<std::ptrdiff_t>(bytes.size() % mask.size());
    std::rotate(mask.begin(), mask.begin() + phase, mask.end());
}

std::string_view text_of(std::span<const char> bytes) {
    return {bytes.data(), bytes.size()};
}

/// Cuts the first `size` bytes from `input`.
std::span<char> take(std::span<char>& input, std::size_t size) {
    const std::span<char> front = input.first(size);
    input = input.subspan(size);
    return front;
}

}  // namespace

struct Reader::Header {
    explicit Header(const char* bytes)
        : opcode(static_cast<Opcode>(static_cast<std::uint8_t>(bytes[0]) & kOpcodeBits)),
          is_final((static_cast<std::uint8_t>(bytes[0]) & kFinalBit) != 0),
          is_deflated((static_cast<std::uint8_t>(bytes[0]) & kDeflatedBit) != 0) {
        const auto second = static_cast<std::uint8_t>(bytes[1]);
        length_bytes = extended_length_bytes(second);
        length =
            length_bytes == 0 ? second & kLengthBits : read_big_endian(bytes + 2, length_bytes);
        std::memcpy(mask.data(), bytes + 2 + length_bytes, mask.size());
    }

    Opcode opcode;
    bool is_final;
    bool is_deflated;              // with the message that begins here
    std::size_t length_bytes = 0;  // of the extended length
    std::uint64_t length = 0;      // of the payload
    Mask mask;
};

/// What is held of a frame whose payload, and of a message whose last frame, is still to come.
struct Reader::Partial {
    [[nodiscard]] bool is_done() const { return !is_in_frame && !is_in_message; }

    bool is_in_frame = false;
    Opcode opcode = Opcode::text;  // of that frame
    bool is_final = false;
    Mask mask = {};
    std::uint64_t missing = 0;  // bytes of its payload

    bool is_in_message = false;
    bool is_text = false;
    bool is_deflated = false;
    std::size_t fragments = 0;
    Utf8Validator utf8;
    std::string payload;

    // A control frame may come between the frames of a message.
    std::array<char, kControlPayloadBytes> control_payload;
    std::size_t control_size = 0;
};

Reader::Reader(const ReaderLimits& limits) : limits_(&limits) {}

Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Event Reader::next(std::span<char>& input) {
    if (partial_ && (is_closed_ || partial_->is_done())) partial_.reset();
    if (is_closed_) {
        input = {};
        return NeedMore{};
    }
    while (true) {
        if (!partial_ || !partial_->is_in_frame) {
            const char* const bytes = take_header(input);
            if (bytes != nullptr || header_size_ >= 2) {
                const char* const start = bytes != nullptr ? bytes : header_.data();
                const auto error = check_start(static_cast<std::uint8_t>(start[0]),
                                               static_cast<std::uint8_t>(start[1]));
                if (error) return fail(*error);
            }
            if (bytes == nullptr) return NeedMore{};
            const Header header(bytes);
            if (const auto error = check_length(header)) return fail(*error);
            const bool is_single = is_control(header.opcode) || (header.is_final && !partial_);
            if (is_single && header.length <= input.size()) return read_whole(header, input);
            begin_frame(header);
        }
        if (auto event = read_part(input)) return *event;
    }
}

/// The bytes of a whole header, cut from `input`; or null, with the beginning put by.
const char* Reader::take_header(std::span<char>& input) {
    if (header_size_ == 0 && input.size() >= 2) {
        const std::size_t size = header_bytes(static_cast<std::uint8_t>(input[1]));
        if (input.size() >= size) return take(input, size).data();
    }
    while (!input.empty()) {
        header_[header_size_++] = take(input, 1).front();
        if (header_size_ < 2) continue;
        if (header_size_ == header_bytes(static_cast<std::uint8_t>(header_[1]))) {
            header_size_ = 0;
            return header_.data();
        }
    }
    return nullptr;
}

std::optional<Error> Reader::check_start(std::uint8_t first, std::uint8_t second) const {
    const auto opcode = static_cast<Opcode>(first & kOpcodeBits);
    // Whether a message is compressed, its first frame says (RFC 7692, section 6).
    const bool may_be_deflated =
        limits_->inflater && (opcode == Opcode::text || opcode == Opcode::binary);
    if ((first & kReservedBits & ~(may_be_deflated ? kDeflatedBit : 0)) != 0) {
        return Error{kProtocolError, "a reserved bit is set"};
    }
    if (!is_known(first & kOpcodeBits)) return Error{kProtocolError, "unknown opcode"};
    if ((second & kMaskBit) == 0) return Error{kProtocolError, "a client's frame is not masked"};
    if (is_control(opcode)) {
        if ((first & kFinalBit) == 0) return Error{kProtocolError, "a control frame is fragmented"};
        if ((second & kLengthBits) > kControlPayloadBytes) {
            return Error{kProtocolError, "a control frame is longer than 125 bytes"};
        }
        return std::nullopt;
    }
    const bool is_in_message = partial_ && partial_->is_in_message;
    if (opcode == Opcode::continuation && !is_in_message) {
        return Error{kProtocolError, "a continuation frame without a message"};
    }
    if (opcode != Opcode::continuation && is_in_message) {
        return Error{kProtocolError, "a new message within a fragmented one"};
    }
    return std::nullopt;
}

std::optional<Error> Reader::check_length(const Header& header) const {
    if (header.length >> 63 != 0) return Error{kProtocolError, "the top bit of a length is set"};
    const std::uint64_t shorter_form_holds = header.length_bytes == 8   ? 0xffff
                                             : header.length_bytes == 2 ? kControlPayloadBytes
                                                                        : 0;
    if (header.length_bytes != 0 && header.length <= shorter_form_holds) {
        return Error{kProtocolError, "a length is not in its shortest form"};
    }
    return is_control(header.opcode) ? std::nullopt : check_message(header);
}

std::optional<Error> Reader::check_message(const Header& header) const {
    const std::size_t held = partial_ ? partial_->payload.size() : 0;
    const std::size_t fragments = partial_ ? partial_->fragments : 0;
    if (fragments >= limits_->fragments) {
        return Error{kPolicyViolation, "a message has too many fragments"};
    }
    const bool is_deflated =
        header.opcode == Opcode::continuation ? partial_->is_deflated : header.is_deflated;
    // What is held never exceeds the limit, so nothing overflows here.
    if (header.length > most_wire_bytes(limits_->message_bytes, is_deflated) - held) {
        return kTooLong;
    }
    return std::nullopt;
}

/// A frame that stands alone and whole in the input: nothing is copied.
Event Reader::read_whole(const Header& header, std::span<char>& input) {
    const std::span<char> payload = take(input, static_cast<std::size_t>(header.length));
    Mask mask = header.mask;
    unmask(payload, mask);
    if (is_control(header.opcode)) return make_control_event(header.opcode, text_of(payload));
    const bool is_text = header.opcode == Opcode::text;
    if (header.is_deflated) return inflate(is_text, text_of(payload));
    if (is_text && !is_valid_utf8(text_of(payload))) return fail(kNotUtf8);
    return Message{is_text, text_of(payload)};
}

void Reader::begin_frame(const Header& header) {
    if (!partial_) partial_ = std::make_unique<Partial>();
    Partial& partial = *partial_;
    partial.is_in_frame = true;
    partial.opcode = header.opcode;
    partial.is_final = header.is_final;
    partial.mask = header.mask;
    partial.missing = header.length;
    if (is_control(header.opcode)) {
        partial.control_size = 0;
        return;
    }
    partial.is_in_message = true;
    ++partial.fragments;
    if (header.opcode == Opcode::continuation) return;
    partial.is_text = header.opcode == Opcode::text;
    partial.is_deflated = header.is_deflated;
}

std::optional<Event> Reader::read_part(std::span<char>& input) {
    Partial& partial = *partial_;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(partial.missing, input.size()));
    const std::span<char> part = take(input, size);
    unmask(part, partial.mask);
    partial.missing -= size;
    if (is_control(partial.opcode)) {
        std::copy(part.begin(), part.end(), partial.control_payload.data() + partial.control_size);
        partial.control_size += size;
    } else {
        const bool is_plain_text = partial.is_text && !partial.is_deflated;
        if (is_plain_text && !partial.utf8.consume(text_of(part))) return fail(kNotUtf8);
        partial.payload += text_of(part);
    }
    if (partial.missing > 0) return NeedMore{};
    return end_frame();
}

std::optional<Event> Reader::end_frame() {
    Partial& partial = *partial_;
    partial.is_in_frame = false;
    if (is_control(partial.opcode)) {
        return make_control_event(partial.opcode,
                                  {partial.control_payload.data(), partial.control_size});
    }
    if (!partial.is_final) return std::nullopt;
    partial.is_in_message = false;
    if (partial.is_deflated) return inflate(partial.is_text, partial.payload);
    if (partial.is_text && !partial.utf8.is_complete()) return fail(kNotUtf8);
    const std::size_t size = partial.payload.size();
    partial.payload.append(kMessagePadding, '\0');
    return Message{partial.is_text, std::string_view(partial.payload).substr(0, size)};
}

Event Reader::inflate(bool is_text, std::string_view payload) {
    const auto text = limits_->inflater->inflate(payload, limits_->message_bytes);
    if (!text && text.error() == InflateError::too_long) return fail(kTooLong);
    if (!text) return fail({kInvalidPayload, "a compressed message is broken"});
    if (is_text && !is_valid_utf8(*text)) return fail(kNotUtf8);
    return Message{is_text, *text};
}

Event Reader::make_control_event(Opcode opcode, std::string_view payload) {
    switch (opcode) {
        case Opcode::ping:
            return Ping{payload};
        case Opcode::pong:
            return Pong{};
        default:
            return make_close_event(payload);
    }
}

Event Reader::make_close_event(std::string_view payload) {
    is_closed_ = true;
    if (payload.empty()) return Close{};
    if (payload.size() == 1) return fail({kProtocolError, "a close frame holds half a code"});
    const auto code = static_cast<std::uint16_t>(read_big_endian(payload.data(), 2));
    if (!is_valid_close_code(code))
        return fail({kProtocolError, "a close frame's code is not allowed"});
    const std::string_view reason = payload.substr(2);
    if (!is_valid_utf8(reason))
        return fail({kInvalidPayload, "a close frame's reason is not UTF-8"});
    return Close{code, reason};
}

Event Reader::fail(Error error) {
    is_closed_ = true;
    header_size_ = 0;
    return error;
}

}  // namespace roomcast::websocket
