// SPDX-License-Identifier: Apache-2.0
// The server's side of RFC 6455, without a socket: bytes of a client become events, and what the
// server says becomes bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace roomcast::websocket {

enum class Opcode : std::uint8_t {
    continuation = 0x0,
    text = 0x1,
    binary = 0x2,
    close = 0x8,
    ping = 0x9,
    pong = 0xa,
};

/// All that was given has been read.
struct NeedMore {};

/// One whole message. `payload` has kMessagePadding readable bytes behind its end; a text is UTF-8.
struct Message {
    bool is_text = true;
    std::string_view payload;
};

struct Ping {
    std::string_view payload;  // to be sent back in a pong
};

struct Pong {};

/// The client's close frame: answer with the same code, then close. Nothing is read behind it.
struct Close {
    std::optional<std::uint16_t> code;
    std::string_view reason;
};

/// The client broke a rule: close with `code` (1002, 1007, 1008 or 1009). Nothing is read behind
/// it.
struct Error {
    std::uint16_t code;
    std::string_view text;  // for people and logs; static
};

using Event = std::variant<NeedMore, Message, Ping, Pong, Close, Error>;

/// So many readable bytes, of any content, stand behind each message: the reader's caller provides
/// them behind the input, the reader behind its own buffers. Enough for json::parse_object().
inline constexpr std::size_t kMessagePadding = 64;

class Inflater;

struct ReaderLimits {
    std::size_t message_bytes = 65'536;
    std::size_t fragments = 1'024;  // frames of one message, empty ones too
    /// Set where permessage-deflate was agreed on: a message may come compressed. One serves all
    /// readers of a thread.
    Inflater* inflater = nullptr;
};

/// Reads a client's frames. Owns no memory beyond itself except while a frame or a message is
/// incomplete; then one buffer that grows with what has arrived, never with what was announced.
class Reader {
public:
    /// `limits` outlives the reader.
    explicit Reader(const ReaderLimits& limits);
    explicit Reader(const ReaderLimits&&) = delete;
    Reader(Reader&&) noexcept;
    Reader& operator=(Reader&&) noexcept;
    ~Reader();

    /// Reads up to the next event and cuts what it read from the front of `input`, whose bytes are
    /// unmasked in place and have kMessagePadding readable ones behind them. To be called until it
    /// gives NeedMore; then `input` is empty, and the caller's buffer is free for other use. Views
    /// in an event point into `input`, the reader or its inflater and live until the next call.
    [[nodiscard]] Event next(std::span<char>& input);

    /// Whether nothing is held: the connection is between two messages.
    [[nodiscard]] bool is_idle() const { return partial_ == nullptr && header_size_ == 0; }

private:
    struct Header;
    struct Partial;

    [[nodiscard]] const char* take_header(std::span<char>& input);
    [[nodiscard]] std::optional<Error> check_start(std::uint8_t first, std::uint8_t second) const;
    [[nodiscard]] std::optional<Error> check_length(const Header& header) const;
    [[nodiscard]] std::optional<Error> check_message(const Header& header) const;
    [[nodiscard]] Event read_whole(const Header& header, std::span<char>& input);
    void begin_frame(const Header& header);
    /// Nothing: the frame ended without an event.
    [[nodiscard]] std::optional<Event> read_part(std::span<char>& input);
    [[nodiscard]] std::optional<Event> end_frame();
    [[nodiscard]] Event inflate(bool is_text, std::string_view payload);
    [[nodiscard]] Event make_control_event(Opcode opcode, std::string_view payload);
    [[nodiscard]] Event make_close_event(std::string_view payload);
    [[nodiscard]] Event fail(Error error);

    static constexpr std::size_t kLongestHeader = 14;

    std::unique_ptr<Partial> partial_;  // an unfinished frame, message or both; else null
    const ReaderLimits* limits_;
    std::array<char, kLongestHeader> header_;  // a frame that was cut within its header
    std::uint8_t header_size_ = 0;
    bool is_closed_ = false;  // a close frame or an error was given: the rest is ignored
};

static_assert(sizeof(Reader) <= 32, "one of these is held for each idle connection");

/// Whether a message's payload is compressed (RFC 7692).
enum class Form : bool { plain, deflated };

/// The header of a server's frame: final and unmasked.
class FrameHeader {
public:
    FrameHeader(Opcode opcode, std::size_t payload_size, Form form);

    [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), size_}; }

private:
    std::array<char, 10> bytes_;
    std::uint8_t size_;
};

[[nodiscard]] FrameHeader encode_header(Opcode opcode,
                                        std::size_t payload_size,
                                        Form form = Form::plain);

/// A close frame. Of the reason as many whole characters are sent as a control frame can carry.
[[nodiscard]] std::string encode_close(std::uint16_t code, std::string_view reason);
/// A close frame without a code: the answer to one without.
[[nodiscard]] std::string encode_close();

/// `payload` has at most 125 bytes, as every payload of a control frame that was read.
[[nodiscard]] std::string encode_ping(std::string_view payload);
[[nodiscard]] std::string encode_pong(std::string_view payload);

/// Whether `key` is the base64 text of 16 bytes (section 4.1 of the RFC, item 7).
[[nodiscard]] bool is_valid_client_key(std::string_view key);
/// The value of `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key` (section 4.2.2).
[[nodiscard]] std::string accept_key(std::string_view client_key);

}  // namespace roomcast::websocket
