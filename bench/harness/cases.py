# SPDX-License-Identifier: Apache-2.0
"""What a case is, and which of them a run consists of."""

import dataclasses

# What the cases have in common: columns, and the arguments that --quick changes.
LATENCY = ("latency_p50_ms", "latency_p99_ms", "latency_p999_ms")
FANOUT = ("cpu_us_per_delivery", "per_second", *LATENCY)
QUICK_RATE = {"warmup": 0.3, "seconds": 1}
QUICK_WINDOW = {"warmup": 0.3, "seconds": 0.7}

MOST_QUICK_READERS = 2000
EVERYBODY = 10_000_000  # more readers than any file limit allows: as many as it does


@dataclasses.dataclass(frozen=True)
class Variant:
    """A way to run a case. Its rows are named engine+suffix."""

    suffix: str
    arguments: dict


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    load: str  # the case of bench_load
    arguments: dict
    engines: list
    # What each row is a multiple of: a row's name, or a suffix of the same engine's other row.
    baseline: str = ""
    metric: str = "cpu_us_per_delivery"  # of which the multiple is taken
    columns: tuple = ()
    variants: tuple = (Variant("", {}),)
    quick: dict = dataclasses.field(default_factory=dict)  # the arguments that --quick changes
    repeat: int = 3  # repetitions, unless --repeat says otherwise; 1 where no goal needs a median
    is_on_request: bool = False  # runs only when it is named

    def baseline_of(self, engine):
        return engine + self.baseline if self.baseline.startswith(" ") else self.baseline


def select(cases, names, is_quick, file_limit):
    """The named ones, or all that need no naming; smaller where the file limit asks for it."""
    most = MOST_QUICK_READERS if is_quick else file_limit - 512
    selected = []
    for case in cases:
        if case.name not in names and (names or case.is_on_request):
            continue
        arguments = {**case.arguments, **(case.quick if is_quick else {})}
        variants = [
            dataclasses.replace(variant, arguments=limited(variant.arguments, most))
            for variant in case.variants
        ]
        if arguments.get("readers", 0) > most and not is_quick:
            print(f"{case.name}: {most} readers only: file limit {file_limit}")
        selected.append(
            dataclasses.replace(case, arguments=limited(arguments, most), variants=tuple(variants))
        )
    return selected


def limited(arguments, most):
    return {
        name: min(value, most) if name == "readers" else value for name, value in arguments.items()
    }
