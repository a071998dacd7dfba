// SPDX-License-Identifier: Apache-2.0
// The load generator: one case against one running server, checked delivery by delivery.
// Status 0: a result that counts; 1: a result with failures; 2: no result.
#include <csignal>
#include <optional>
#include <string_view>

#include "load/cases.hpp"

namespace {

using namespace roomcast::bench;

void run_case(const Options& options, Target target, const ProcessStats& stats, Report& report) {
    const std::string_view name = options.case_name;
    if (name == "fanout") return run_fanout(options, target, stats, report);
    if (name == "connections") return run_connections(options, target, stats, report);
    if (name == "churn") return run_churn(options, target, stats, report);
    if (name == "stalled") return run_stalled(options, target, stats, report);
    if (name == "herd") return run_herd(options, target, stats, report);
    if (name == "join") return run_join(options, target, stats, report);
    if (name == "http") return run_http(options, target, stats, report);
    if (name == "crash") return run_crash(options, target, stats, report);
    give_up(
        "usage: bench_load fanout|connections|churn|stalled|herd|crash|join|http|self-test "
        "--name value ...");
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse_options(argc, argv);
    if (options.case_name == "self-test") return run_self_test() == 0 ? 0 : 1;
    raise_file_limit();
    const auto protocol = make_protocol(options.protocol);
    if (!protocol) give_up("--protocol is json, presence, nats, nchan or centrifugo");
    EventLoop loop;
    Inflater inflater;
    const ProcessStats stats(options.pids, options.broker_pids);
    Report report;
    Inflater* const deflating = options.is_deflating ? &inflater : nullptr;
    std::optional<TlsContext> tls;
    if (options.is_tls) tls.emplace();
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    const Target target{loop, *protocol, options.port, deflating, tls ? &*tls : nullptr};
    run_case(options, target, stats, report);
    return report.print();
}
