// SPDX-License-Identifier: Apache-2.0
// What a client offers in Sec-WebSocket-Extensions (RFC 6455 section 9.1, RFC 7692 section 7.1).
#include <algorithm>
#include <vector>

#include "codec/websocket_deflate.hpp"

namespace roomcast::websocket {

namespace {

struct Parameter {
    std::string_view name;
    std::optional<std::string> value;
};

struct Offer {
    std::string_view extension;
    std::vector<Parameter> parameters;
};

bool is_token_character(char character) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') ||
           kOthers.find(character) != std::string_view::npos;
}

/// Reads the header's value piece by piece; blanks may stand between any two.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) { skip_blanks(); }

    [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

    [[nodiscard]] bool take(char character) {
        if (!rest_.starts_with(character)) return false;
        rest_.remove_prefix(1);
        skip_blanks();
        return true;
    }

    /// Empty: there is none.
    [[nodiscard]] std::string_view take_token() {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token_character);
        const auto token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(token.size());
        skip_blanks();
        return token;
    }

    /// A token, bare or in quotes, within which any character may be escaped. Empty: there is none.
    [[nodiscard]] std::string take_value() {
        if (!rest_.starts_with('"')) return std::string(take_token());
        std::string value;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                rest_.remove_prefix(i + 1);
                skip_blanks();
                return value;
            }
            if (rest_[i] == '\\' && ++i == rest_.size()) break;
            if (!is_token_character(rest_[i])) break;
            value += rest_[i];
        }
        return {};
    }

private:
    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    }

    std::string_view rest_;
};

std::optional<Offer> take_offer(Scanner& scanner) {
    Offer offer{scanner.take_token(), {}};
    if (offer.extension.empty()) return std::nullopt;
    while (scanner.take(';')) {
        Parameter parameter{scanner.take_token(), {}};
        if (parameter.name.empty()) return std::nullopt;
        if (scanner.take('=')) {
            parameter.value = scanner.take_value();
            if (parameter.value->empty()) return std::nullopt;
        }
        offer.parameters.push_back(std::move(parameter));
    }
    return offer;
}

/// All offers, in the client's order; none where the syntax is broken anywhere.
std::vector<Offer> read_offers(std::string_view text) {
    std::vector<Offer> offers;
    Scanner scanner(text);
    while (!scanner.is_at_end()) {
        if (scanner.take(',')) continue;  // an empty entry
        auto offer = take_offer(scanner);
        if (!offer || !(scanner.is_at_end() || scanner.take(','))) return {};
        offers.push_back(std::move(*offer));
    }
    return offers;
}

/// 8 to 15, without leading zeros; else nothing.
std::optional<std::uint8_t> window_bits(const std::optional<std::string>& value) {
    if (value == "8" || value == "9") return static_cast<std::uint8_t>((*value)[0] - '0');
    if (value && value->size() == 2 && (*value)[0] == '1' && (*value)[1] >= '0' &&
        (*value)[1] <= '5') {
        return static_cast<std::uint8_t>(10 + (*value)[1] - '0');
    }
    return std::nullopt;
}

bool has_repeated_name(const std::vector<Parameter>& parameters) {
    for (auto one = parameters.begin(); one != parameters.end(); ++one) {
        const auto is_same = [&](const Parameter& other) { return other.name == one->name; };
        if (std::any_of(one + 1, parameters.end(), is_same)) return true;
    }
    return false;
}

std::optional<DeflateAgreement> agree(const Offer& offer) {
    if (offer.extension != "permessage-deflate" || has_repeated_name(offer.parameters)) {
        return std::nullopt;
    }
    DeflateAgreement agreement;
    agreement.response =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for (const auto& [name, value] : offer.parameters) {
        if (name == "server_max_window_bits") {
            const auto bits = window_bits(value);
            if (!bits) return std::nullopt;
            agreement.server_window_bits = *bits;
            // To accept it is to repeat it (section 7.1.2.1).
            agreement.response += "; server_max_window_bits=" + std::to_string(*bits);
        } else if (name == "client_max_window_bits") {
            // A hint that needs no answer: any window of a client can be read.
            if (value && !window_bits(value)) return std::nullopt;
        } else if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
            if (value) return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    return agreement;
}

}  // namespace

std::optional<DeflateAgreement> agree_on_deflate(std::string_view offers) {
    for (const Offer& offer : read_offers(offers)) {
        if (auto agreement = agree(offer)) return agreement;
    }
    return std::nullopt;
}

}  // namespace roomcast::websocket
