// SPDX-License-Identifier: Apache-2.0
// An outlet that keeps what it is given, for tests to look at.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/outlet.hpp"

namespace roomcast {

class RecordingOutlet final : public Outlet {
public:
    void push(const LocalFramePtr& frame) override { texts_.emplace_back(frame->text()); }

    void push_answer(LocalFramePtr frame) override {
        texts_.emplace_back(frame->text());
        ++large_answers_;
    }

    void close(CloseCode code, std::string_view reason) override {
        if (!close_code_) close_code_ = code;
        close_reason_ = reason;
    }

    void set_reading(bool is_reading) override { is_reading_ = is_reading; }

    [[nodiscard]] std::size_t queued_bytes() const override { return 0; }

    /// The documents since the last call.
    [[nodiscard]] std::vector<std::string> take() { return std::exchange(texts_, {}); }

    [[nodiscard]] std::optional<CloseCode> close_code() const { return close_code_; }

    [[nodiscard]] bool is_reading() const { return is_reading_; }

    [[nodiscard]] int large_answers() const { return large_answers_; }

private:
    std::vector<std::string> texts_;
    std::optional<CloseCode> close_code_;
    std::string close_reason_;
    bool is_reading_ = true;
    int large_answers_ = 0;
};

}  // namespace roomcast
