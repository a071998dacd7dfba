// SPDX-License-Identifier: Apache-2.0
// The channels in which this node has an interest, as subjects of NATS.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "brokers/nats_reports.hpp"
#include "model/channel_name.hpp"
#include "util/hash.hpp"

namespace roomcast {

/// Knows what each channel's subscribers were promised: a confirmation, and a gap wherever a
/// message may be missing. `reports` may be null: nobody listens any more.
class NatsInterests {
public:
    /// False: it was there. `attempt`, of HomeSide, waits for the next confirm().
    bool add(const std::string& subject, const ChannelName& channel, std::uint64_t attempt);

    void remove(const std::string& subject) { interests_.erase(subject); }

    [[nodiscard]] bool is_live(const std::string& subject) const;
    [[nodiscard]] std::vector<std::string> subjects() const;

    /// Which subscription of the connection it has.
    void set_subscription(const std::string& subject, std::int64_t number);

    /// The server has confirmed all that was asked for before, and has not refused this one.
    void confirm(const std::string& subject, NatsReports* reports);
    void confirm_all(NatsReports* reports);

    void on_message(std::string_view subject,
                    std::int64_t subscription,
                    std::string_view body,
                    bool has_followers,
                    NatsReports* reports);
    /// Something may be missing.
    void on_gap(std::string_view subject, NatsReports* reports) const;

    /// The connection is new: nothing is live.
    void begin_anew();
    /// This login may not listen there.
    void refuse(std::string_view subject);
    /// What was refused, and is to be asked for once more; what was so asked for before and was not
    /// refused again is confirmed.
    [[nodiscard]] std::vector<std::string> take_refused(NatsReports* reports);

private:
    struct Interest {
        ChannelName channel;
        std::int64_t subscription = 0;      // of the connection
        std::uint64_t awaited_attempt = 0;  // of HomeSide; 0: none waits
        bool is_live = false;               // confirmed by the connection that there is
        bool has_missed = false;            // was live, and the gap is still to be told in full
        bool is_refused = false;            // this login may not listen there
        bool is_retried = false;            // and has asked again
    };

    static void confirm(Interest& interest, NatsReports* reports);

    std::unordered_map<std::string, Interest, SeededStringHash, std::equal_to<>> interests_;
};

}  // namespace roomcast
