# SPDX-License-Identifier: Apache-2.0
"""Results as SVG bar charts, for docs/: one for each case that has a chart, readable on light and
dark pages."""

import dataclasses
import html

BAR = 22
GAP = 10
LABELS = 190
BARS = 420
VALUES = 110
MARGIN = 16
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933; }
.title { font-weight: 600; font-size: 15px; }
.note { fill: #616e7c; font-size: 12px; }
.ours { fill: #2f6fed; }
.other { fill: #9aa5b1; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .note { fill: #9aa5b1; }
  .ours { fill: #6ea0ff; }
  .other { fill: #616e7c; }
}
"""


@dataclasses.dataclass(frozen=True)
class Chart:
    case: str
    metric: str
    title: str
    note: str  # what the bars mean, and which way is better
    form: str = "{:,.2f}"
    labels: dict = dataclasses.field(default_factory=dict)  # of rows; others keep their name


BROKERS = {
    "roomcast": "memory (one node)",
    "roomcast-2": "Redis",
    "roomcast-2-nats": "NATS",
    "roomcast-2-rabbitmq": "RabbitMQ",
    "roomcast-2-kafka": "Kafka",
}
DELIVERY = "microseconds of CPU of the gateways for each delivery; shorter is better"
ALL = [
    Chart("low", "cpu_us_per_delivery", "1,000 readers, 10 messages a second", DELIVERY),
    Chart(
        "window",
        "per_second",
        "1,000 readers, 64 messages in flight",
        "deliveries a second on one core; longer is better",
        "{:,.0f}",
    ),
    Chart("channels", "cpu_us_per_delivery", "1,000 channels of 5 readers", DELIVERY),
    Chart("overload", "cpu_us_per_delivery", "1,000 readers, 300 messages a second", DELIVERY),
    Chart(
        "idle",
        "rss_bytes_per_connection",
        "10,000 idle connections",
        "resident bytes for each; shorter is better",
        "{:,.0f}",
    ),
    Chart(
        "storm",
        "cpu_us_per_connection",
        "10,000 connections, 512 at a time",
        "microseconds of CPU from accept to subscribed; shorter is better",
        "{:,.1f}",
    ),
    Chart(
        "http-pipelined",
        "per_second",
        "Publishing over HTTP, 16 requests at a time on 16 connections",
        "requests a second on one core; longer is better",
        "{:,.0f}",
        labels={"nginx": "nginx, a constant"},
    ),
    Chart(
        "brokers",
        "latency_p50_ms",
        "Two gateways, 50 messages a second",
        "milliseconds from publishing to receipt, median; shorter is better",
        labels=BROKERS,
    ),
    Chart(
        "brokers-window",
        "per_second",
        "Two gateways and their broker on one core, 64 messages in flight",
        "deliveries a second; longer is better",
        "{:,.0f}",
        labels=BROKERS,
    ),
]


def render(chart, result):
    """The SVG text, or None where no row has a figure."""
    rows = [
        (chart.labels.get(row, row), result.median(row, chart.metric), row.startswith("roomcast"))
        for row in result.runs
    ]
    rows = [row for row in rows if row[1] is not None]
    if not rows:
        return None
    longest = max(value for _, value, _ in rows) or 1
    width = MARGIN * 2 + LABELS + BARS + VALUES
    height = MARGIN * 2 + 52 + len(rows) * (BAR + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{html.escape(chart.title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 14}">{html.escape(chart.title)}</text>',
        f'<text class="note" x="{MARGIN}" y="{MARGIN + 34}">{html.escape(chart.note)}</text>',
    ]
    top = MARGIN + 52
    for label, value, is_ours in rows:
        length = max(1, BARS * value / longest)
        middle = top + BAR - 6
        kind = "ours" if is_ours else "other"
        start = MARGIN + LABELS
        lines += [
            f'<text x="{start - 10}" y="{middle}" text-anchor="end">{html.escape(label)}</text>',
            f'<rect class="{kind}" x="{start}" y="{top}" width="{length:.1f}" height="{BAR}" '
            'rx="3"/>',
            f'<text x="{start + length + 8:.1f}" y="{middle}">{chart.form.format(value)}</text>',
        ]
        top += BAR + GAP
    return "\n".join([*lines, "</svg>", ""])


def write(results, folder):
    """Draws each chart whose case ran, as CASE.svg in `folder`."""
    by_name = {result.case.name: result for result in results}
    for chart in ALL:
        text = render(chart, by_name[chart.case]) if chart.case in by_name else None
        if text:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{chart.case}.svg").write_text(text)
            print(f"written: {folder / chart.case}.svg")
