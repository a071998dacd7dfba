// SPDX-License-Identifier: Apache-2.0
#include "load/options.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "load/stamp.hpp"

namespace roomcast::bench {

namespace {

constexpr std::uint64_t kMostSubscriptions = 1u << 24;

template <typename Number>
void read(std::string_view text, Number& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        give_up(std::string("not a number that fits: ").append(text));
    }
}

template <typename Number>
void read_list(std::string_view text, std::vector<Number>& numbers) {
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(','));
        read(one, numbers.emplace_back());
        text.remove_prefix(std::min(one.size() + 1, text.size()));
    }
}

void set(Options& options, std::string_view name, std::string_view value) {
    TrafficPlan& traffic = options.traffic;
    if (name == "--port") return read(value, options.port);
    if (name == "--protocol") return void(options.protocol = value);
    if (name == "--deflate") return void(options.is_deflating = value == "yes");
    if (name == "--tls") return void(options.is_tls = value == "yes");
    if (name == "--pids") return read_list(value, options.pids);
    if (name == "--broker-pids") return read_list(value, options.broker_pids);
    if (name == "--reader-ports") return read_list(value, traffic.reader_ports);
    if (name == "--readers") return read(value, traffic.readers);
    if (name == "--channels") return read(value, traffic.channels);
    if (name == "--publishers") return read(value, traffic.publishers);
    if (name == "--payload") return read(value, traffic.payload_bytes);
    if (name == "--rate") return read(value, traffic.rate);
    if (name == "--burst") return read(value, traffic.burst);
    if (name == "--window") return read(value, traffic.window);
    if (name == "--warmup") return read(value, options.warmup_seconds);
    if (name == "--seconds") return read(value, options.seconds);
    if (name == "--at-once") return read(value, traffic.at_once);
    if (name == "--subscriptions") return read(value, traffic.subscriptions);
    if (name == "--pipeline") return read(value, options.pipeline);
    if (name == "--subscribed") return void(options.is_subscribed = value == "yes");
    if (name == "--visitors") return read(value, options.visitors_per_second);
    if (name == "--stalled") return read(value, options.stalled);
    if (name == "--stalling") return void(options.is_stalling = value == "yes");
    if (name == "--heavy-payload") return read(value, options.heavy_payload);
    if (name == "--heavy-rate") return read(value, options.heavy_rate);
    give_up(std::string("unknown option ").append(name));
}

void check(const Options& options) {
    const TrafficPlan& traffic = options.traffic;
    if (options.port == 0) give_up("--port is missing");
    if (traffic.channels == 0 || traffic.publishers == 0 || traffic.burst == 0 ||
        traffic.window == 0 || traffic.at_once == 0 || options.pipeline == 0) {
        give_up("a count is zero");
    }
    const std::uint64_t subscriptions = std::uint64_t{traffic.readers} * traffic.subscriptions;
    if (traffic.subscriptions > traffic.channels || subscriptions < traffic.channels ||
        subscriptions > kMostSubscriptions) {
        give_up("a channel without a reader, a reader with a channel twice, or too many of them");
    }
    if (traffic.payload_bytes <= kStampBytes || options.heavy_payload <= kStampBytes) {
        give_up("a payload is too small for its stamp");
    }
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    if (argc > 1) options.case_name = argv[1];
    for (int i = 2; i < argc; i += 2) {
        if (i + 1 == argc) give_up(std::string("no value for ") + argv[i]);
        set(options, argv[i], argv[i + 1]);
    }
    if (options.case_name != "self-test") check(options);
    return options;
}

}  // namespace roomcast::bench
