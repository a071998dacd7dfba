// SPDX-License-Identifier: Apache-2.0
#include "http/uri.hpp"

#include "codec/utf8.hpp"

namespace roomcast::http {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum class Plus { is_plus, is_space };

std::optional<std::string> decode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+' && plus == Plus::is_space) {
            c = ' ';
        } else if (c == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        decoded += c;
    }
    if (!is_valid_utf8(decoded)) return std::nullopt;
    return decoded;
}

}  // namespace

std::optional<std::string> decode_path_part(std::string_view part) {
    return decode(part, Plus::is_plus);
}

std::optional<Query> Query::parse(std::string_view text) {
    Query query;
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view part = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        auto name = decode(part.substr(0, equals), Plus::is_space);
        auto value =
            decode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1),
                   Plus::is_space);
        if (!name || !value) return std::nullopt;
        query.parameters_.emplace_back(std::move(*name), std::move(*value));
    }
    return query;
}

const std::string* Query::find(std::string_view name) const {
    for (const auto& parameter : parameters_) {
        if (parameter.first == name) return &parameter.second;
    }
    return nullptr;
}

}  // namespace roomcast::http
