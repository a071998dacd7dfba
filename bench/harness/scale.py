# SPDX-License-Identifier: Apache-2.0
"""The cases that show how the cost grows. cost.py reads their rows."""

from cases import EVERYBODY, FANOUT, QUICK_RATE, QUICK_WINDOW, Case, Variant

CASES = [
    Case(
        "scale",
        "one channel and ever more readers, about 40,000 deliveries a second",
        "fanout",
        {"readers": 1000, "warmup": 1, "seconds": 5},
        ["roomcast"],
        baseline=" 1,000 readers",
        columns=(*FANOUT, "rss_bytes"),
        variants=(
            Variant(" 1,000 readers", {"readers": 1000, "rate": 40}),
            Variant(" 4,000 readers", {"readers": 4000, "rate": 10}),
            Variant(" 10,000 readers", {"readers": 10000, "rate": 4}),
            Variant(" all the file limit allows", {"readers": EVERYBODY, "rate": 2}),
        ),
        quick=QUICK_RATE,
        is_on_request=True,
        repeat=1,
    ),
    Case(
        "scale-window",
        "one channel and ever more readers, 64 messages in flight",
        "fanout",
        {"readers": 1000, "window": 64, "warmup": 0.7, "seconds": 3},
        ["roomcast"],
        baseline=" 1,000 readers",
        columns=(*FANOUT, "rss_bytes"),
        variants=(
            Variant(" 1 reader", {"readers": 1, "window": 256}),
            Variant(" 1,000 readers", {"readers": 1000}),
            Variant(" 4,000 readers", {"readers": 4000}),
            Variant(" 10,000 readers", {"readers": 10000}),
            Variant(" all the file limit allows", {"readers": EVERYBODY}),
        ),
        quick=QUICK_WINDOW,
        is_on_request=True,
        repeat=1,
    ),
    Case(
        "scale-channels",
        "1,000 readers and ever more channels, 256 messages in flight",
        "fanout",
        {"readers": 1000, "window": 256, "warmup": 0.7, "seconds": 3},
        ["roomcast"],
        baseline=" 1,000 channels of 1",
        columns=(*FANOUT, "rss_bytes"),
        variants=(
            Variant(" 1 channel of 1,000", {"channels": 1}),
            Variant(" 10 channels of 100", {"channels": 10}),
            Variant(" 100 channels of 10", {"channels": 100}),
            Variant(" 1,000 channels of 1", {"channels": 1000}),
            Variant(" 10,000 channels of 1", {"channels": 10000, "subscriptions": 10}),
            Variant(" 100,000 channels of 1", {"channels": 100000, "subscriptions": 100}),
        ),
        quick=QUICK_WINDOW,
        is_on_request=True,
        repeat=1,
    ),
    Case(
        "scale-memory",
        "idle readers: what a connection, a subscription and a channel take",
        "connections",
        {"readers": 1000, "window": 256, "seconds": 1},
        ["roomcast"],
        columns=("cpu_us_per_connection", "rss_growth_bytes", "rss_bytes"),
        variants=(
            Variant(" 10,000 on 1 channel", {"readers": 10000}),
            Variant(" 1,000 on 1 channel", {}),
            Variant(" 1,000 on the same 100 channels", {"channels": 100, "subscriptions": 100}),
            Variant(
                " 1,000 on 100 channels each", {"channels": 100000, "subscriptions": 100}
            ),
        ),
        quick={"seconds": 0.3},
        is_on_request=True,
        repeat=1,
    ),
]
