// SPDX-License-Identifier: Apache-2.0
#include "redis/redirect.hpp"

#include <charconv>

namespace roomcast::redis {

namespace {

std::optional<std::uint16_t> read_number(std::string_view text) {
    std::uint16_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [at, problem] = std::from_chars(text.data(), end, number);
    if (text.empty() || problem != std::errc() || at != end) return std::nullopt;
    return number;
}

std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

bool is_slot(std::int64_t number) {
    return number >= 0 && number < static_cast<std::int64_t>(kSlots);
}

/// first, last, the owner (host, port, id, …), its replicas.
std::optional<SlotRange> read_range(const resp::Value& range, const net::Endpoint& from) {
    if (range.items.size() < 3 || range.items[2].items.size() < 2) return std::nullopt;
    const std::int64_t first = range.items[0].integer;
    const std::int64_t last = range.items[1].integer;
    const resp::Value& host = range.items[2].items[0];
    const std::int64_t port = range.items[2].items[1].integer;
    if (!is_slot(first) || !is_slot(last) || first > last || port < 1 || port > 65'535) {
        return std::nullopt;
    }
    // Null: the node does not know its own name. "?": nor does it want to tell one.
    const bool is_unnamed = host.text.empty() || host.text == "?";
    return SlotRange{static_cast<std::uint16_t>(first),
                     static_cast<std::uint16_t>(last),
                     {is_unnamed ? from.host : host.text, static_cast<std::uint16_t>(port)}};
}

}  // namespace

std::optional<Redirect> read_redirect(std::string_view error, const net::Endpoint& from) {
    const std::string_view code = take_word(error);
    if (code != "MOVED" && code != "ASK") return std::nullopt;
    const auto slot = read_number(take_word(error));
    const std::string_view address = take_word(error);
    const std::size_t colon = address.rfind(':');  // an IPv6 address has more, and no brackets
    if (!slot || !is_slot(*slot) || colon == std::string_view::npos) return std::nullopt;
    const auto port = read_number(address.substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    const std::string_view host = address.substr(0, colon);
    return Redirect{code == "ASK", *slot, {host.empty() ? from.host : std::string(host), *port}};
}

bool is_passing(std::string_view error) {
    const std::string_view code = take_word(error);
    return code == "TRYAGAIN" || code == "CLUSTERDOWN" || code == "LOADING" || code == "MASTERDOWN";
}

Outcome<std::vector<SlotRange>, std::string> read_slots(const resp::Value& answer,
                                                        const net::Endpoint& from) {
    if (answer.kind != resp::Kind::array) return std::string("CLUSTER SLOTS gave no list");
    std::vector<SlotRange> ranges;
    for (const resp::Value& item : answer.items) {
        auto range = read_range(item, from);
        if (!range) return std::string("CLUSTER SLOTS gave a range that is none");
        ranges.push_back(std::move(*range));
    }
    return ranges;
}

}  // namespace roomcast::redis
