// SPDX-License-Identifier: Apache-2.0
#include "redis/address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "net/address_text.hpp"

namespace roomcast::redis {

namespace {

constexpr std::uint16_t kPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;
constexpr std::string_view kSchemeEnd = "://";

struct Scheme {
    std::string_view name;
    Mode mode;
    bool is_tls;
};

constexpr std::array<Scheme, 6> kSchemes{{
    {"redis", Mode::direct, false},
    {"rediss", Mode::direct, true},
    {"redis+sentinel", Mode::sentinel, false},
    {"rediss+sentinel", Mode::sentinel, true},
    {"redis+cluster", Mode::cluster, false},
    {"rediss+cluster", Mode::cluster, true},
}};

/// What is wrong, and nothing where all is well.
using Problem = std::optional<std::string>;

char to_lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

const Scheme* find_scheme(std::string_view name) {
    const auto* const found = std::ranges::find_if(kSchemes, [&](const Scheme& scheme) {
        return std::ranges::equal(scheme.name, name, {}, {}, to_lower);
    });
    return found == kSchemes.end() ? nullptr : found;
}

std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || number < 0) return std::nullopt;
    return number;
}

/// `user`, `user:password` or `:password`.
Problem read_user(std::string_view text, Address& address) {
    const std::size_t colon = text.find(':');
    const auto user = net::percent_decode(text.substr(0, colon));
    const auto password =
        net::percent_decode(colon == std::string_view::npos ? "" : text.substr(colon + 1));
    if (!user || !password) return "a '%' of user or password is not followed by two hex digits";
    address.user = *user;
    address.password = *password;
    return std::nullopt;
}

/// Sentinel allows no others. A colon above all: there a password would pass for a name.
bool is_master_name(std::string_view name) {
    const auto is_valid = [](char byte) {
        const char lower = to_lower(byte);
        return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '.' ||
               byte == '-' || byte == '_';
    };
    return !name.empty() && std::ranges::all_of(name, is_valid);
}

/// What stands before the last '@': user and password, and the master's name of Sentinel.
Problem read_front(std::string_view text, Address& address) {
    if (address.mode != Mode::sentinel) return read_user(text, address);
    const std::size_t at = text.rfind('@');
    const std::size_t name = at == std::string_view::npos ? 0 : at + 1;
    address.master_name = text.substr(name);
    return name == 0 ? std::nullopt : read_user(text.substr(0, at), address);
}

Problem read_endpoint(std::string_view text, Address& address) {
    const std::uint16_t port = address.mode == Mode::sentinel ? kSentinelPort : kPort;
    auto endpoint = net::parse_endpoint(text, port);
    if (!endpoint) return endpoint.error();
    address.endpoints.push_back(*std::move(endpoint));
    return std::nullopt;
}

Problem read_endpoints(std::string_view text, Address& address) {
    while (true) {
        const std::size_t comma = text.find(',');
        if (auto problem = read_endpoint(text.substr(0, comma), address)) return problem;
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    if (address.mode == Mode::direct && address.endpoints.size() > 1) {
        return "several hosts need redis+sentinel:// or redis+cluster://";
    }
    return std::nullopt;
}

Problem read_database(std::string_view text, Address& address) {
    if (text.empty()) return std::nullopt;
    const auto database = parse_number(text);
    if (!database) return "the database is no number";
    if (address.mode == Mode::cluster && *database != 0) return "a Cluster has only database 0";
    address.database = *database;
    return std::nullopt;
}

Problem read_url(std::string_view text, Address& address) {
    const std::size_t scheme_end = text.find(kSchemeEnd);
    const Scheme* const scheme = find_scheme(text.substr(0, scheme_end));
    if (!scheme) {
        return "the scheme is none of redis, rediss, redis+sentinel, redis+cluster, "
               "rediss+sentinel and rediss+cluster";
    }
    address.mode = scheme->mode;
    address.is_tls = scheme->is_tls;
    text.remove_prefix(scheme_end + kSchemeEnd.size());
    // The last one: a password may hold others, though they should be encoded.
    const std::size_t at = text.rfind('@');
    if (at != std::string_view::npos) {
        if (auto problem = read_front(text.substr(0, at), address)) return problem;
        text.remove_prefix(at + 1);
    }
    if (address.mode == Mode::sentinel && !is_master_name(address.master_name)) {
        return "the master's name (letters, digits, '.', '-', '_') is missing: "
               "redis+sentinel://name@host:port";
    }
    const std::size_t slash = text.find('/');
    if (auto problem = read_endpoints(text.substr(0, slash), address)) return problem;
    return slash == std::string_view::npos ? std::nullopt
                                           : read_database(text.substr(slash + 1), address);
}

/// The name of an address's scheme.
std::string_view scheme_of(const Address& address) {
    const auto* const found = std::ranges::find_if(kSchemes, [&](const Scheme& scheme) {
        return scheme.mode == address.mode && scheme.is_tls == address.is_tls;
    });
    return found->name;
}

}  // namespace

Outcome<Address, std::string> parse_address(std::string_view text) {
    Address address;
    Problem problem;
    if (text.find(kSchemeEnd) != std::string_view::npos) {
        problem = read_url(text, address);
    } else if (text.find('@') != std::string_view::npos) {
        problem = "a user or password needs the form redis://user:password@host:port";
    } else {
        problem = read_endpoints(text, address);
    }
    if (problem) return *std::move(problem);
    return address;
}

std::string to_text(const Address& address) {
    std::string text(scheme_of(address));
    text += kSchemeEnd;
    if (address.mode == Mode::sentinel) text += address.master_name + '@';
    bool is_first = true;
    for (const net::Endpoint& endpoint : address.endpoints) {
        if (!std::exchange(is_first, false)) text += ',';
        text += net::to_text(endpoint);
    }
    if (address.database != 0) text += '/' + std::to_string(address.database);
    return text;
}

}  // namespace roomcast::redis
