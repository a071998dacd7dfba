// SPDX-License-Identifier: Apache-2.0
#include "brokers/kafka_options.hpp"

#include <algorithm>
#include <utility>

#include "net/address_text.hpp"

namespace roomcast::kafka {

namespace {

constexpr std::uint16_t kPort = 9092;
constexpr std::size_t kMostTopicBytes = 249;

}  // namespace

Outcome<std::vector<net::Endpoint>, std::string> parse_servers(std::string_view text) {
    std::vector<net::Endpoint> servers;
    for (bool is_last = false; !is_last;) {
        const std::size_t comma = text.find(',');
        is_last = comma == std::string_view::npos;
        auto server = net::parse_endpoint(text.substr(0, comma), kPort);
        if (!server) return server.error();
        servers.push_back(*std::move(server));
        if (!is_last) text.remove_prefix(comma + 1);
        while (text.starts_with(' '))
            text.remove_prefix(1);
    }
    return servers;
}

std::string to_text(const std::vector<net::Endpoint>& servers) {
    std::string text;
    for (const net::Endpoint& server : servers)
        text += (text.empty() ? "" : ",") + net::to_text(server);
    return text;
}

bool is_topic_name(std::string_view text) {
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= kMostTopicBytes && text != "." && text != ".." &&
           std::ranges::all_of(text, is_allowed);
}

}  // namespace roomcast::kafka
