// SPDX-License-Identifier: Apache-2.0
#include "gateway/flusher.hpp"

#include <algorithm>

namespace roomcast {

Flusher::Flusher(std::unique_ptr<SendBatch> batch, ShardMetrics& metrics)
    : batch_(std::move(batch)),
      metrics_(metrics) {
    slice_.reserve(SendBatch::kMaxSends);
    sends_.reserve(SendBatch::kMaxSends);
}

void Flusher::flush_slice() {
    if (flushing_.empty()) flushing_.swap(dirty_);
    for (; head_ < flushing_.size() && sends_.size() < SendBatch::kMaxSends; ++head_) {
        Connection& connection = *flushing_[head_];
        std::string_view bytes;
        if (!prepare(connection, bytes)) break;
        connection.is_dirty_ = false;
        if (!bytes.empty()) {
            sends_.push_back({connection.socket_.native_handle(), bytes, 0});
            slice_.push_back(&connection);
        } else if (!connection.is_sending()) {
            connection.on_drained();
        }
    }
    send();
    if (head_ == flushing_.size()) {
        flushing_.clear();
        head_ = 0;
    }
}

void Flusher::send() {
    if (!sends_.empty()) metrics_.send_calls.add(batch_->send(sends_));
    std::uint64_t sent = 0;
    for (std::size_t i = 0; i < sends_.size(); ++i) {
        const SendBatch::Send& done = sends_[i];
        if (done.result > 0) sent += static_cast<std::uint64_t>(done.result);
        slice_[i]->on_sent(done.result, done.bytes.size());
    }
    metrics_.bytes_sent.add(sent);
    sends_.clear();
    slice_.clear();
    arena_used_ = 0;
    copies_ = {};
}

bool Flusher::prepare(Connection& connection, std::string_view& bytes) {
    if (connection.state_ >= Connection::State::finished) return true;
    if (connection.tls_) {
        bytes = encrypt(connection);
        return true;
    }
    if (connection.outbox_.frame_count() > 1) return prepare_batch(connection, bytes);
    bytes = connection.outbox_.front().substr(0, kMaxBytes);
    return true;
}

bool Flusher::prepare_batch(Connection& connection, std::string_view& bytes) {
    const Outbox& outbox = connection.outbox_;
    std::size_t size = 0;
    const std::size_t frames = outbox.measure(kMaxBytes, size);
    if (frames <= 1) {
        bytes = outbox.front().substr(0, kMaxBytes);
        return true;
    }
    // In a busy channel all subscribers have the same frames queued: one copy serves them.
    for (const Copy& copy : copies_) {
        if (frames != copy.frames || !outbox.starts_like(copy.of->outbox_, frames)) continue;
        bytes = copy.bytes;
        return true;
    }
    if (arena_used_ + size > kArenaBytes) return false;
    char* const to = arena_.get() + arena_used_;
    outbox.copy(frames, to);
    arena_used_ += size;
    bytes = {to, size};
    copies_ = {Copy{&connection, frames, bytes}, copies_[0]};
    return true;
}

std::string_view Flusher::encrypt(Connection& connection) {
    TlsStream& tls = *connection.tls_;
    if (tls.is_established()) {
        std::string record;
        while (!connection.outbox_.is_empty() && tls.ciphertext().size() < kMaxBytes) {
            // As many frames as fit into one record: small frames would each cost a record's 22
            // bytes.
            std::size_t size = 0;
            const std::size_t frames = connection.outbox_.measure(TlsStream::kMaxRecord, size);
            std::string_view plain = connection.outbox_.front().substr(0, TlsStream::kMaxRecord);
            if (frames > 1) {
                record.resize(size);
                connection.outbox_.copy(frames, record.data());
                plain = record;
            }
            if (!tls.write(plain)) {
                connection.abort();
                return {};
            }
            connection.consume(plain.size());
        }
        if (connection.outbox_.is_empty() && connection.state_ == Connection::State::finishing &&
            !connection.is_close_notified_) {
            connection.is_close_notified_ = true;
            tls.write_close();
        }
    }
    return tls.ciphertext();
}

}  // namespace roomcast
