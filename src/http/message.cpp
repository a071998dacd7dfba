// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include <algorithm>

#include "auth/text_list.hpp"
#include "codec/json_writer.hpp"

namespace roomcast::http {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool has_no_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

/// Whoever set the value, it must not end the line: that would be a header or answer of its own.
void append_header(std::string& bytes, std::string_view name, std::string_view value) {
    bytes.append(name).append(": ");
    for (const char c : value)
        bytes += (c == '\r' || c == '\n' || c == '\0') ? ' ' : c;
    bytes += "\r\n";
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
        return lower(left) == lower(right);
    });
}

std::string_view Request::header(std::string_view name) const {
    for (const Header& header : headers) {
        if (equals_ignoring_case(header.name, name)) return header.value;
    }
    return {};
}

std::size_t Request::header_count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::count_if(headers.begin(), headers.end(), [name](const Header& header) {
            return equals_ignoring_case(header.name, name);
        }));
}

bool Request::header_has_token(std::string_view name, std::string_view token) const {
    for (const Header& header : headers) {
        if (!equals_ignoring_case(header.name, name)) continue;
        std::string_view list = header.value;
        while (!list.empty()) {
            if (equals_ignoring_case(take_list_entry(list), token)) return true;
        }
    }
    return false;
}

std::string_view Request::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::string_view Request::query() const {
    const std::size_t mark = target.find('?');
    return mark == std::string::npos ? std::string_view()
                                     : std::string_view(target).substr(mark + 1);
}

std::string serialize(const Response& response, bool is_keep_alive, bool is_head) {
    std::string bytes;
    bytes.reserve(256 + response.body.size());
    bytes.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    bytes.append(status_phrase(response.status)).append("\r\n");

    const bool is_bodiless = has_no_body(response.status);
    if (!is_bodiless) {
        append_header(bytes, "Content-Type", response.content_type);
        append_header(bytes, "Content-Length", std::to_string(response.body.size()));
    }
    append_header(bytes, "X-Content-Type-Options", "nosniff");
    // Said always: an HTTP/1.0 client that asked to keep the connection waits for it.
    std::string connection = is_keep_alive && !response.must_close ? "keep-alive" : "close";
    for (const Header& header : response.headers) {
        if (equals_ignoring_case(header.name, "Upgrade")) connection += ", Upgrade";
    }
    append_header(bytes, "Connection", connection);
    for (const Header& header : response.headers)
        append_header(bytes, header.name, header.value);
    bytes += "\r\n";
    if (!is_head && !is_bodiless) bytes += response.body;
    return bytes;
}

std::string_view status_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 417:
            return "Expectation Failed";
        case 426:
            return "Upgrade Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        default:
            return "";
    }
}

Response error_response(int status, std::string_view reason, std::string_view text) {
    Response response;
    response.status = status;
    response.body = R"({"error":)";
    json::append_string(response.body, text);
    response.body += R"(,"reason":)";
    json::append_string(response.body, reason);
    response.body += '}';
    return response;
}

}  // namespace roomcast::http
