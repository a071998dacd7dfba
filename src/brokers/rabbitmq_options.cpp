// SPDX-License-Identifier: Apache-2.0
#include "brokers/rabbitmq_options.hpp"

#include "brokers/rabbitmq_library.hpp"
#include "net/loop.hpp"

namespace roomcast::rabbitmq {

Outcome<Address, std::string> parse_url(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return std::string("it has a zero byte");
    std::string copy(text);  // the library writes into it
    amqp_connection_info parsed{};
    if (amqp_parse_url(copy.data(), &parsed) != AMQP_STATUS_OK) {
        return std::string(
            "it is not amqp://user:password@host:port/virtual-host, nor the same with amqps; other "
            "characters in user, password and virtual host are percent-encoded");
    }
    Address address;
    address.is_tls = parsed.ssl != 0;
    address.host = parsed.host;
    address.user = parsed.user;
    address.password = parsed.password;
    address.virtual_host = parsed.vhost;
    if (address.virtual_host.empty()) address.virtual_host = "/";
    if (address.host.empty() || address.user.empty()) {
        return std::string("the host or the user is empty");
    }
    if (parsed.port < 1 || parsed.port > 65'535) {
        return std::string("the port is not a number from 1 to 65535");
    }
    address.port = static_cast<std::uint16_t>(parsed.port);
    return address;
}

std::string to_text(const Address& address) {
    std::string text = address.is_tls ? "amqps://" : "amqp://";
    text += net::to_text(net::Endpoint{address.host, address.port});
    if (address.virtual_host != "/") text += '/' + address.virtual_host;
    return text;
}

}  // namespace roomcast::rabbitmq
