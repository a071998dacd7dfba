// SPDX-License-Identifier: Apache-2.0
// Messages through zlib (RFC 7692, section 7.2).
#include "codec/websocket_deflate.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <zlib.h>

#include "codec/websocket.hpp"
#include "util/assert.hpp"

namespace roomcast::websocket {

namespace {

constexpr int kRawWindowBits = -15;  // negative: no zlib header

/// The end of an empty block, which every compressed message has and the wire leaves out.
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);

/// Memory for a message is kept for the next one up to this size.
constexpr std::size_t kKeptBytes = 65'536;

/// A buffer that grows without being cleared.
class Buffer {
public:
    [[nodiscard]] char* data() { return bytes_.get(); }

    [[nodiscard]] std::size_t size() const { return size_; }

    /// Room for `size` bytes and the padding. The first `kept` bytes stay.
    void grow(std::size_t size, std::size_t kept) {
        auto larger = std::make_unique_for_overwrite<char[]>(size + kMessagePadding);
        if (kept > 0) std::memcpy(larger.get(), bytes_.get(), kept);
        bytes_ = std::move(larger);
        size_ = size;
    }

    /// Gives back what only a long message needed.
    void trim() {
        if (size_ <= kKeptBytes) return;
        bytes_.reset();
        size_ = 0;
    }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
};

Bytef* zlib_bytes(std::string_view text) {
    // zlib's interface has no const here; it only reads.
    return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // NOLINT(*-const-cast)
}

void give(z_stream& stream, std::string_view input) {
    stream.next_in = zlib_bytes(input);
    stream.avail_in = static_cast<uInt>(input.size());
}

void give_room(z_stream& stream, Buffer& output, std::size_t used) {
    stream.next_out = reinterpret_cast<Bytef*>(output.data() + used);
    stream.avail_out = static_cast<uInt>(output.size() - used);
}

}  // namespace

struct Inflater::State {
    State() {
        if (inflateInit2(&stream, kRawWindowBits) != Z_OK) throw std::bad_alloc();
    }

    ~State() { (void)inflateEnd(&stream); }  // can only fail on a stream that was never made

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    enum class Place : std::uint8_t { within_block, behind_block, behind_final_block };

    /// Inflates `input` behind what is there. Gives where it ends.
    [[nodiscard]] Outcome<Place, InflateError> run(std::string_view input, std::size_t most_bytes) {
        int status = Z_OK;
        give(stream, input);
        while (stream.avail_in > 0) {
            if (size == output.size()) {
                if (size > most_bytes) return InflateError::too_long;
                output.grow(std::min(std::max(2 * size, kSmallest), most_bytes + 1), size);
            }
            give_room(stream, output, size);
            status = ::inflate(&stream, Z_SYNC_FLUSH);
            size = output.size() - stream.avail_out;
            if (status == Z_STREAM_END) {
                // A final block, which need not be the message's last (section 7.2.3.4).
                (void)inflateReset(&stream);
            } else if (status != Z_OK) {
                return InflateError::broken;
            }
        }
        if (size > most_bytes) return InflateError::too_long;
        if (status == Z_STREAM_END) return Place::behind_final_block;
        constexpr int kIsBehindBlock = 128;
        return (stream.data_type & kIsBehindBlock) != 0 ? Place::behind_block : Place::within_block;
    }

    static constexpr std::size_t kSmallest = 4'096;

    z_stream stream = {};
    Buffer output;
    std::size_t size = 0;  // of the message so far
};

Inflater::Inflater() = default;
Inflater::~Inflater() = default;

Outcome<std::string_view, InflateError> Inflater::inflate(std::string_view payload,
                                                          std::size_t most_bytes) {
    if (!state_) state_ = std::make_unique<State>();
    State& state = *state_;
    (void)inflateReset(&state.stream);
    state.output.trim();
    state.size = 0;
    auto end = state.run(payload, most_bytes);
    // Some end with a final block and leave out the empty one: then nothing is to be completed.
    if (end && *end != State::Place::behind_final_block) end = state.run(kTail, most_bytes);
    if (!end) return end.error();
    if (*end == State::Place::within_block) return InflateError::broken;
    return std::string_view(state.output.data(), state.size);
}

struct Deflater::State {
    State() {
        // Cheap to begin anew for each message: less memory to clear than by default, and the
        // fastest level, which loses a few percent only.
        constexpr int kMemoryLevel = 5;
        const int status = deflateInit2(
            &stream, Z_BEST_SPEED, Z_DEFLATED, kRawWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY);
        if (status != Z_OK) throw std::bad_alloc();
    }

    ~State() { (void)deflateEnd(&stream); }  // complains of a message that was given up

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    z_stream stream = {};
    Buffer output;
};

Deflater::Deflater() = default;
Deflater::~Deflater() = default;

std::optional<std::string_view> Deflater::deflate(std::string_view text) {
    if (!state_) state_ = std::make_unique<State>();
    State& state = *state_;
    (void)deflateReset(&state.stream);
    state.output.trim();
    if (state.output.size() < text.size()) state.output.grow(text.size(), 0);
    give(state.stream, text);
    give_room(state.stream, state.output, state.output.size() - text.size());
    char* const begin = reinterpret_cast<char*>(state.stream.next_out);
    const int status = ::deflate(&state.stream, Z_SYNC_FLUSH);
    // No room left means that there may be more to come.
    if (status != Z_OK || state.stream.avail_out == 0) return std::nullopt;
    const std::string_view made(begin, text.size() - state.stream.avail_out);
    ASSERT(made.ends_with(kTail));
    return made.substr(0, made.size() - kTail.size());
}

}  // namespace roomcast::websocket
