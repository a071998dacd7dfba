# SPDX-License-Identifier: Apache-2.0
"""Results as text: medians over the repetitions, multiples with their range."""

import statistics

HEADINGS = {
    "cpu_us_per_delivery": ("us CPU/delivery", "{:.3f}", 1),
    "cpu_us_per_connection": ("us CPU/connection", "{:.1f}", 1),
    "cpu_us_per_request": ("us CPU/request", "{:.2f}", 1),
    "cpu_us_per_join": ("us CPU/join", "{:.1f}", 1),
    "broker_us_per_join": ("us Redis/join", "{:.1f}", 1),
    "all_back_after_s": ("all back after s", "{:.2f}", 1),
    "back_p50_s": ("back p50 s", "{:.2f}", 1),
    "back_p99_s": ("back p99 s", "{:.2f}", 1),
    "first_leave_s": ("first leave s", "{:.2f}", 1),
    "last_leave_s": ("last leave s", "{:.2f}", 1),
    "broker_us_per_delivery": ("us broker/delivery", "{:.3f}", 1),
    "per_second": ("per second", "{:,.0f}", 1),
    "latency_p50_ms": ("p50 ms", "{:.2f}", 1),
    "latency_p99_ms": ("p99 ms", "{:.2f}", 1),
    "latency_p999_ms": ("p99.9 ms", "{:.2f}", 1),
    "subscribed_p50_ms": ("subscribed p50 ms", "{:.1f}", 1),
    "subscribed_p99_ms": ("subscribed p99 ms", "{:.1f}", 1),
    "join_p50_ms": ("join p50 ms", "{:.2f}", 1),
    "join_p99_ms": ("join p99 ms", "{:.2f}", 1),
    "roster_ms": ("roster after ms", "{:.1f}", 1),
    "messages_per_read": ("msgs/read", "{:.1f}", 1),
    "rss_bytes": ("RSS MB", "{:.1f}", 1e-6),
    "rss_bytes_per_connection": ("RSS bytes/connection", "{:,.0f}", 1),
    "rss_growth_bytes": ("RSS growth KB", "{:,.0f}", 1e-3),
    "all_closed_after_s": ("all closed after s", "{:.1f}", 1),
}


def cell(result, row, metric):
    value = result.median(row, metric)
    if value is None:
        return "-"
    _, form, factor = HEADINGS.get(metric, ("", "{:,.0f}", 1))
    return "never" if metric == "all_closed_after_s" and value < 0 else form.format(value * factor)


def multiple(result, row):
    if result.baselines[row] == row:
        return "1.00"
    ratios = result.ratios(row, result.case.metric, result.baselines[row])
    if not ratios:
        return "-"
    middle = f"{statistics.median(ratios):.2f}"
    return middle if len(ratios) == 1 else f"{middle} ({min(ratios):.2f}-{max(ratios):.2f})"


def unique(texts):
    return "; ".join(dict.fromkeys(texts))


def render(result):
    case = result.case
    if not result.runs:
        return f"\n{case.name}: {case.title}\n  SKIPPED: none of its engines is here"
    has_baseline = bool(case.baseline)
    heading = ["engine"]
    if has_baseline:
        heading.append(f"x {case.baseline.strip()}")
    heading += [HEADINGS.get(column, (column.replace("_", " "),))[0] for column in case.columns]
    lines = [heading]
    notes = []
    for row, runs in result.runs.items():
        line = [row] + ([multiple(result, row)] if has_baseline else [])
        lines.append(line + [cell(result, row, column) for column in case.columns])
        if failures := [run["failure"] for run in runs if run["failure"]]:
            count = f"{len(failures)} of {len(runs)} runs"
            notes.append(f"  FAILED {row}: {unique(failures)} ({count})")
    return "\n".join([f"\n{case.name}: {case.title}", *align(lines), *notes])


def align(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        first, *others = line
        cells = [text.rjust(width) for text, width in zip(others, widths[1:])]
        yield "  ".join(["", first.ljust(widths[0]), *cells])


def render_goals(verdicts):
    lines = ["\ngoals"]
    words = {True: "met   ", False: "MISSED", None: "no figure"}
    for verdict in verdicts:
        figure = "" if verdict["value"] is None else f" (is {verdict['value']:.3g})"
        lines.append(f"  {words[verdict['met']]} {verdict['goal']}{figure}")
    return "\n".join(lines)
