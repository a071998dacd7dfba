// SPDX-License-Identifier: Apache-2.0
#include "auth/api_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "auth/text_list.hpp"

namespace roomcast {

namespace {

struct EntryText {
    std::string_view name;
    std::string_view secret;
    std::string_view role;
};

using SplitResult = Outcome<EntryText, std::string>;

SplitResult wrong(std::string_view problem) {
    return {boost::system::in_place_error, problem};
}

/// Error: what is wrong with the entry, to be put behind its place in the list.
SplitResult split_entry(std::string_view text) {
    if (text.empty()) return wrong("is empty");
    const std::size_t first = text.find(':');
    if (first == std::string_view::npos) return wrong("has no \":\" between name and secret");
    EntryText entry{text.substr(0, first), text.substr(first + 1), "service"};
    if (const std::size_t second = entry.secret.find(':'); second != std::string_view::npos) {
        entry.role = entry.secret.substr(second + 1);
        entry.secret = entry.secret.substr(0, second);
    }
    if (entry.name.empty()) return wrong("has no name");
    if (entry.secret.empty()) return wrong("has no secret");
    // What stands here may be the end of a secret with a ":" in it, so it is not printed.
    if (entry.role != "service" && entry.role != "admin") {
        return wrong(
            "has a role other than \"service\" and \"admin\" (a secret must not "
            "contain \":\")");
    }
    return entry;
}

std::string complain(std::size_t place, std::string_view problem) {
    return "entry " + std::to_string(place) + " " + std::string(problem) +
           "; expected name:secret[:role], separated by commas";
}

}  // namespace

Outcome<ApiKeys, std::string> ApiKeys::parse(std::string_view text) {
    ApiKeys keys;
    do {
        const std::size_t place = keys.entries_.size() + 1;
        const auto entry = split_entry(take_list_entry(text));
        if (!entry) return complain(place, entry.error());
        for (const Entry& other : keys.entries_) {
            if (other.key.name == entry->name) return complain(place, "has the name of another");
        }
        if (keys.find(entry->secret)) return complain(place, "has the secret of another");
        keys.entries_.push_back(
            {digest_of(entry->secret), {std::string(entry->name), std::string(entry->role)}});
    } while (!text.empty());
    return keys;
}

const ApiKey* ApiKeys::find(std::string_view secret) const {
    const Digest digest = digest_of(secret);
    const ApiKey* found = nullptr;
    for (const Entry& entry : entries_) {
        if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) {
            found = &entry.key;
        }
    }
    return found;
}

ApiKeys::Digest ApiKeys::digest_of(std::string_view secret) {
    Digest digest;
    SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
    return digest;
}

}  // namespace roomcast
