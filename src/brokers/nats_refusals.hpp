// SPDX-License-Identifier: Apache-2.0
// What a NATS server has said that this login may not do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace roomcast {

/// "… for Publish to "a.b"" or "… for Subscription to "a.b"".
struct NatsComplaint {
    std::string_view subject;  // empty: it names none
    bool is_about_publishing = false;
};

[[nodiscard]] inline NatsComplaint parse_nats_complaint(std::string_view text) {
    NatsComplaint complaint;
    complaint.is_about_publishing = text.find("ublish") != std::string_view::npos;
    const std::size_t begin = text.find('"');
    if (begin == std::string_view::npos) return complaint;
    const std::size_t end = text.find('"', begin + 1);
    if (end != std::string_view::npos) complaint.subject = text.substr(begin + 1, end - begin - 1);
    return complaint;
}

/// Of one connection.
class NatsRefusals {
public:
    /// False: it is the text that was noted last. The library keeps no more than its last error.
    [[nodiscard]] bool is_news(const std::string& text) {
        return std::exchange(last_text_, text) != text;
    }

    void refuse_publishing(std::string_view subject) {
        constexpr std::size_t kMost = 1'000;
        if (subjects_.size() < kMost) subjects_.emplace(subject);
    }

    [[nodiscard]] bool may_publish(const std::string& subject) const {
        return !subjects_.contains(subject);
    }

    /// Rights can be given while a connection lasts.
    void forgive() { subjects_.clear(); }

private:
    std::unordered_set<std::string> subjects_;
    std::string last_text_;
};

}  // namespace roomcast
