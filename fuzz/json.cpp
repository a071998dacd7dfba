// SPDX-License-Identifier: Apache-2.0
// Our JSON against simdjson's DOM: both take the same documents and read the same values.
#include "codec/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "fuzz/require.hpp"
#include "fuzz/simdjson_verdict.hpp"

namespace {

using namespace roomcast;
namespace dom = simdjson::dom;

void compare(json::Value value, dom::element element);

void compare_objects(json::Value value, dom::object object) {
    auto theirs = object.begin();
    for (const json::Member& member : value.members()) {
        REQUIRE(theirs != object.end());
        const dom::key_value_pair field = *theirs;
        REQUIRE(member.name.to_string() == field.key);
        compare(member.value, field.value);
        ++theirs;
    }
    REQUIRE(!(theirs != object.end()));
}

void compare_arrays(json::Value value, dom::array array) {
    auto theirs = array.begin();
    for (const json::Value& element : value.elements()) {
        REQUIRE(theirs != array.end());
        compare(element, *theirs);
        ++theirs;
    }
    REQUIRE(!(theirs != array.end()));
}

void compare(json::Value value, dom::element element) {
    switch (element.type()) {
        case dom::element_type::OBJECT:
            return compare_objects(value, element.get_object());
        case dom::element_type::ARRAY:
            return compare_arrays(value, element.get_array());
        case dom::element_type::STRING:
            REQUIRE(value.to_string() == element.get_string().value_unsafe());
            return;
        case dom::element_type::BOOL:
            REQUIRE(value.to_bool() == element.get_bool().value_unsafe());
            return;
        case dom::element_type::INT64:
            REQUIRE(value.to_integer() == element.get_int64().value_unsafe());
            return;
        case dom::element_type::UINT64:
            REQUIRE(!value.to_integer());
            return;
        case dom::element_type::DOUBLE: {
            REQUIRE(value.is(json::Kind::number) && !value.to_integer());
            // What is too small for a double is 0 to them and no number to us.
            const double theirs = element.get_double().value_unsafe();
            REQUIRE(value.to_double().value_or(0) == theirs);
            return;
        }
        case dom::element_type::NULL_VALUE:
            REQUIRE(value.is(json::Kind::null));
            return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const json::PaddedString padded(text);
    const auto ours = json::parse_object(padded.text());

    dom::parser parser;
    dom::element root;
    const simdjson::error_code error =
        parser.parse(padded.text().data(), padded.text().size(), false).get(root);
    if (ours) {
        REQUIRE(!error || is_number_problem(error));
        if (!error) compare(*ours, root);
    } else if (!error) {
        REQUIRE(!root.is_object() || ours.error().problem == json::Problem::too_deep);
    }
    return 0;
}
