// SPDX-License-Identifier: Apache-2.0
// What a server wants to be told for a subscription and a publication, and how its answers read.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace roomcast::bench {

/// Called for what a server's frame says.
class Incoming {
public:
    virtual ~Incoming() = default;
    /// The last subscribe or unsubscribe is in force.
    virtual void on_confirmed() = 0;
    /// Something that may carry a stamp.
    virtual void on_message(std::string_view message) = 0;
    virtual void on_refused(std::string_view reason) = 0;
};

/// Stateless; one for all clients.
class Protocol {
public:
    virtual ~Protocol() = default;

    /// The resource to ask for, of `user` who reads `channel`, or publishes on it.
    [[nodiscard]] virtual std::string reader_resource(std::string_view user,
                                                      std::string_view channel) const = 0;
    [[nodiscard]] virtual std::string publisher_resource(std::string_view user,
                                                         std::string_view channel) const = 0;

    /// The first frame of a reader or publisher; empty for none.
    [[nodiscard]] virtual std::string greeting() const { return {}; }

    /// Frames with these texts are answered by Incoming::on_confirmed. Empty where the URL alone
    /// subscribes, and the accepted upgrade confirms it.
    [[nodiscard]] virtual std::string subscribe(std::string_view channel) const = 0;
    [[nodiscard]] virtual std::string unsubscribe(std::string_view channel) const = 0;

    /// What a reader sends after subscribe(); empty for nothing. Where it is not, its answer
    /// confirms.
    [[nodiscard]] virtual std::string join(std::string_view /*channel*/) const { return {}; }

    [[nodiscard]] virtual std::string publish(std::string_view channel,
                                              std::string_view payload) const = 0;

    /// Whether one connection can publish on any channel.
    [[nodiscard]] virtual bool is_publisher_shared() const { return true; }

    /// Reads a data frame. `rest` keeps what an earlier frame of the same client left incomplete.
    virtual void read(std::string& rest, std::string_view frame, Incoming& incoming) const = 0;
};

/// `name` is json (roomcast, the floor, the Node servers), presence (roomcast: a publication is a
/// member's update), nats, nchan or centrifugo; null for another.
[[nodiscard]] std::unique_ptr<Protocol> make_protocol(std::string_view name);

}  // namespace roomcast::bench
