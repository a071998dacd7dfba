# SPDX-License-Identifier: Apache-2.0
"""The cost model: what a delivery, a publication, a connection, a subscription and a channel cost,
from the results of the scale cases."""

RARE, WINDOW, MEMORY = "scale", "scale-window", "scale-memory"
ROW = "roomcast "
TEXTS = {
    "cpu_us_per_delivery": "us of CPU a delivery, with nothing to send together",
    "cpu_us_per_delivery_batched": "us of CPU a delivery, with 64 sent together",
    "cpu_us_per_publication": "us of CPU a publication, besides its deliveries",
    "cpu_us_per_connection": "us of CPU a connection, from accept to subscribed",
    "bytes_per_connection": "bytes a connection with one subscription",
    "bytes_per_subscription": "bytes a further subscription, to a channel that is there",
    "bytes_per_channel": "bytes a channel with one subscriber, besides the subscription",
}


def model(results):
    """The costs that the results tell of; those without a figure are left out."""
    by_name = {result.case.name: result for result in results}

    def median(case, row, metric):
        return by_name[case].median(ROW + row, metric) if case in by_name else None

    def growth(row):
        return median(MEMORY, row, "rss_growth_bytes")

    many, few = growth("10,000 on 1 channel"), growth("1,000 on 1 channel")
    shared, own = growth("1,000 on the same 100 channels"), growth("1,000 on 100 channels each")
    batched = median(WINDOW, "1,000 readers", "cpu_us_per_delivery")
    figures = {
        "cpu_us_per_delivery": median(RARE, "1,000 readers", "cpu_us_per_delivery"),
        "cpu_us_per_delivery_batched": batched,
        "cpu_us_per_publication": difference(
            median(WINDOW, "1 reader", "cpu_us_per_delivery"), batched
        ),
        "cpu_us_per_connection": median(MEMORY, "10,000 on 1 channel", "cpu_us_per_connection"),
        # The growth between two sizes: what the first connections take once is in neither.
        "bytes_per_connection": difference(many, few, 9_000),
        "bytes_per_subscription": difference(shared, few, 99_000),
        "bytes_per_channel": difference(own, shared, 99_900),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def difference(more, less, units=1):
    return None if more is None or less is None else (more - less) / units


def render(figures):
    lines = [f"  {figure:>10,.3f} {TEXTS[name]}" for name, figure in figures.items()]
    return "\n".join(["\ncost model, one shard", *lines])
