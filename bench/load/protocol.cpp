// SPDX-License-Identifier: Apache-2.0
#include "load/protocol.hpp"

#include <algorithm>
#include <charconv>

namespace roomcast::bench {

namespace {

std::string concat(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts)
        text += part;
    return text;
}

/// The publication as the native protocol writes it; every server carries this text, so that all
/// move the same bytes.
std::string broadcast_text(std::string_view channel, std::string_view payload) {
    return concat({R"({"type":"broadcast","channel":")",
                   channel,
                   R"(","event":"m","payload":")",
                   payload,
                   R"("})"});
}

class JsonProtocol : public Protocol {
public:
    std::string reader_resource(std::string_view user,
                                std::string_view /*channel*/) const override {
        return concat({"/ws?user_id=", user});
    }

    std::string publisher_resource(std::string_view user, std::string_view channel) const override {
        return reader_resource(user, channel);
    }

    std::string subscribe(std::string_view channel) const override {
        return concat(
            {R"({"type":"subscribe","id":1,"channel":")", channel, R"(","listen":["broadcast"]})"});
    }

    std::string unsubscribe(std::string_view channel) const override {
        return concat({R"({"type":"unsubscribe","id":1,"channel":")", channel, R"("})"});
    }

    std::string publish(std::string_view channel, std::string_view payload) const override {
        return broadcast_text(channel, payload);
    }

    void read(std::string& /*rest*/, std::string_view frame, Incoming& incoming) const override {
        // The common case first, without a search. NOLINTNEXTLINE(bugprone-branch-clone)
        if (frame.starts_with(R"({"type":"broadcast")")) {
            incoming.on_message(frame);
        } else if (frame.find(R"("type":"subscribed")") != std::string_view::npos ||
                   frame.find(R"("type":"unsubscribed")") != std::string_view::npos) {
            incoming.on_confirmed();
        } else if (frame.find(R"("type":"error")") != std::string_view::npos) {
            incoming.on_refused(frame);
        } else {
            incoming.on_message(frame);
        }
    }
};

/// Members who all listen to presence; a publication is an update of its publisher, who joins with
/// the first one. The joins of the readers tell nothing that could be verified, and are not passed
/// on.
class PresenceProtocol final : public JsonProtocol {
public:
    std::string subscribe(std::string_view channel) const override {
        return concat(
            {R"({"type":"subscribe","channel":")", channel, R"(","listen":["presence"]})"});
    }

    std::string join(std::string_view channel) const override {
        return concat({R"({"type":"presence_join","id":1,"channel":")",
                       channel,
                       R"(","payload":{"name":"A User"}})"});
    }

    std::string publish(std::string_view channel, std::string_view payload) const override {
        return concat({R"({"type":"presence_update","channel":")",
                       channel,
                       R"(","payload":{"name":")",
                       payload,
                       R"("}})"});
    }

    void read(std::string& /*rest*/, std::string_view frame, Incoming& incoming) const override {
        if (frame.starts_with(R"({"type":"ack")")) return incoming.on_confirmed();
        if (frame.starts_with(R"({"type":"error")")) return incoming.on_refused(frame);
        if (!frame.starts_with(R"({"type":"presence_)")) return;
        const bool is_roster = frame.starts_with(R"({"type":"presence_sync")");
        if (!is_roster && frame.find(R"("A User")") == std::string_view::npos)
            incoming.on_message(frame);
    }
};

/// https://docs.nats.io/reference/reference-protocols/nats-protocol, in WebSocket frames. The
/// frames are a byte stream: a frame may hold many messages, or a part of one. The server's PING is
/// left unanswered: it is patient for minutes, and no run takes that long.
class NatsProtocol final : public Protocol {
public:
    std::string reader_resource(std::string_view /*user*/,
                                std::string_view /*channel*/) const override {
        return "/";
    }

    std::string publisher_resource(std::string_view /*user*/,
                                   std::string_view /*channel*/) const override {
        return "/";
    }

    std::string greeting() const override {
        return "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":true}\r\n";
    }

    std::string subscribe(std::string_view channel) const override {
        return concat({"SUB ", channel, " 1\r\nPING\r\n"});
    }

    std::string unsubscribe(std::string_view /*channel*/) const override {
        return "UNSUB 1\r\nPING\r\n";
    }

    std::string publish(std::string_view channel, std::string_view payload) const override {
        const std::string body = broadcast_text(channel, payload);
        return concat({"PUB ", channel, " ", std::to_string(body.size()), "\r\n", body, "\r\n"});
    }

    void read(std::string& rest, std::string_view frame, Incoming& incoming) const override {
        if (rest.empty()) {
            rest.assign(frame.substr(read_lines(frame, incoming)));
        } else {
            rest += frame;
            rest.erase(0, read_lines(rest, incoming));
        }
    }

private:
    static std::size_t read_lines(std::string_view bytes, Incoming& incoming) {
        std::size_t at = 0;
        for (;;) {
            const std::size_t end = bytes.find("\r\n", at);
            if (end == std::string_view::npos) return at;
            const std::string_view line = bytes.substr(at, end - at);
            std::size_t next = end + 2;
            if (line.starts_with("MSG ")) {
                std::size_t size = 0;
                const char* digits = line.data() + line.rfind(' ') + 1;
                std::from_chars(digits, line.data() + line.size(), size);
                if (bytes.size() < next + size + 2) return at;
                incoming.on_message(bytes.substr(next, size));
                next += size + 2;
            } else if (line == "PONG") {
                incoming.on_confirmed();
            } else if (line.starts_with("-ERR")) {
                incoming.on_refused(line);
            }
            at = next;
        }
    }
};

/// nchan subscribes by URL, and a publisher's location is one channel's.
class NchanProtocol final : public Protocol {
public:
    std::string reader_resource(std::string_view /*user*/,
                                std::string_view channel) const override {
        return concat({"/sub/", channel});
    }

    std::string publisher_resource(std::string_view /*user*/,
                                   std::string_view channel) const override {
        return concat({"/pub/", channel});
    }

    std::string subscribe(std::string_view /*channel*/) const override { return {}; }

    std::string unsubscribe(std::string_view /*channel*/) const override { return {}; }

    std::string publish(std::string_view channel, std::string_view payload) const override {
        return broadcast_text(channel, payload);
    }

    bool is_publisher_shared() const override { return false; }

    void read(std::string& /*rest*/, std::string_view frame, Incoming& incoming) const override {
        incoming.on_message(frame);
    }
};

/// https://centrifugal.dev/docs/transports/client_protocol: commands and replies as JSON, several
/// of them in a frame on lines of their own. The server's ping, {}, is left unanswered, as above.
class CentrifugoProtocol final : public Protocol {
public:
    std::string reader_resource(std::string_view /*user*/,
                                std::string_view /*channel*/) const override {
        return "/connection/websocket";
    }

    std::string publisher_resource(std::string_view user, std::string_view channel) const override {
        return reader_resource(user, channel);
    }

    std::string greeting() const override { return R"({"id":1,"connect":{}})"; }

    std::string subscribe(std::string_view channel) const override {
        return concat({R"({"id":2,"subscribe":{"channel":")", channel, R"("}})"});
    }

    std::string unsubscribe(std::string_view channel) const override {
        return concat({R"({"id":2,"unsubscribe":{"channel":")", channel, R"("}})"});
    }

    std::string publish(std::string_view channel, std::string_view payload) const override {
        return concat({R"({"id":3,"publish":{"channel":")",
                       channel,
                       R"(","data":)",
                       broadcast_text(channel, payload),
                       "}}"});
    }

    void read(std::string& /*rest*/, std::string_view frame, Incoming& incoming) const override {
        while (!frame.empty()) {
            const std::string_view line = frame.substr(0, frame.find('\n'));
            frame.remove_prefix(std::min(line.size() + 1, frame.size()));
            if (line.starts_with(R"({"push":)")) {
                incoming.on_message(line);
            } else if (line.find(R"("error":)") != std::string_view::npos) {
                incoming.on_refused(line);
            } else if (line.starts_with(R"({"id":2,)")) {
                incoming.on_confirmed();
            }
        }
    }
};

}  // namespace

std::unique_ptr<Protocol> make_protocol(std::string_view name) {
    if (name == "json") return std::make_unique<JsonProtocol>();
    if (name == "presence") return std::make_unique<PresenceProtocol>();
    if (name == "nats") return std::make_unique<NatsProtocol>();
    if (name == "nchan") return std::make_unique<NchanProtocol>();
    if (name == "centrifugo") return std::make_unique<CentrifugoProtocol>();
    return nullptr;
}

}  // namespace roomcast::bench
