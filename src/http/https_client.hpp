// SPDX-License-Identifier: Apache-2.0
// Requests that the server itself sends, such as for a key set, and the thread they run on.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "util/result.hpp"

namespace roomcast::http {

/// The parts of an http:// or https:// URL that a request needs.
struct Url {
    bool is_tls = false;
    std::string host;  // a name or an address, without brackets
    std::string port;
    std::string target;  // path and query

    friend bool operator==(const Url&, const Url&) = default;
};

/// Strict: no user name or password, no blanks or control characters; a fragment is left out.
/// Error: a sentence that says what is wrong and does not repeat the URL.
[[nodiscard]] Outcome<Url, std::string> parse_url(std::string_view text);

struct ClientLimits {
    std::chrono::milliseconds deadline{5'000};  // for all of it: name, connection, TLS, answer
    std::size_t body_bytes = 1'048'576;
};

struct ClientResponse {
    unsigned status = 0;
    std::string body;
};

/// What send() asks a server.
struct ClientRequest {
    Url url;
    std::string method = "GET";
    std::string bearer = {};  // of `Authorization`; empty: none
    std::string body = {};    // JSON; empty: none
    /// False only for this machine's own server, reached by an address that its certificate does
    /// not name.
    bool is_peer_verified = true;
};

/// An answer with any status, or a sentence that says why there is none.
using ClientResult = Outcome<ClientResponse, std::string>;
using ClientCallback = std::function<void(ClientResult)>;

/// A client with a thread of its own. Certificates and host names are verified unless a request
/// says otherwise; redirects are not followed. All functions but stop() may be called from any
/// thread.
class HttpsClient {
public:
    /// Trusts the certificates of `ca_file` (PEM), or without one those of the system. Throws
    /// std::runtime_error when that file cannot be read.
    explicit HttpsClient(const std::string& ca_file = {});
    ~HttpsClient();

    /// Sends `GET url`. `done` is called exactly once, on the client's thread, unless stop() comes
    /// first: then never.
    void get(Url url, ClientLimits limits, ClientCallback done);
    /// The same for any request.
    void send(ClientRequest request, ClientLimits limits, ClientCallback done);
    /// Calls `work` on the client's thread after `delay`, unless stop() comes first.
    void run_after(std::chrono::milliseconds delay, std::function<void()> work);

    /// Gives up what is under way and ends the thread; nothing is called afterwards. Waits for a
    /// name look-up that the system is busy with. Not from the client's own thread.
    void stop();

private:
    struct Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace roomcast::http
