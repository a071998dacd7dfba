// SPDX-License-Identifier: Apache-2.0
#include "auth/key_set.hpp"

namespace roomcast {

KeySet::Match KeySet::check(Algorithm algorithm,
                            std::string_view key_id,
                            std::string_view text,
                            std::string_view signature) const {
    const KeyKind kind = key_kind(algorithm);
    bool has_named_key = false;  // or needs none, because the token names none
    bool has_key = false;
    for (const VerificationKey& key : keys_) {
        if (key.kind() != kind) continue;
        if (!key.id().empty() && !key_id.empty() && key.id() != key_id) continue;
        has_key = true;
        has_named_key |= key_id.empty() || key.id() == key_id;
        if (key.verify(algorithm, text, signature)) return Match::verified;
    }
    // Secrets never come from a fetched set, so that another set would not help.
    const bool is_known = has_key && (has_named_key || kind == KeyKind::secret);
    return is_known ? Match::mismatch : Match::unknown;
}

}  // namespace roomcast
