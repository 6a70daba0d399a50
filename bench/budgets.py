"""Figures, their budgets, and the line of JSON that scripts read.

Ratios are CPU per request to nginx's in the same run; that of translation is to our own pass-through's. A budget fails
only when the whole interval lies beyond it, so that a noisy machine does not cry wolf.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from bench.intervals import Estimate, paired_difference, paired_ratio
from bench.rounds import Memory, Samples, Workload

# Figures of features that do not exist yet stay null; scripts rely on the keys.
KEYS: Final = (
    "passthrough_ratio",
    "redaction_ratio",
    "features_ratio",
    "stream_ratio",
    "translate_ratio",
    "cache_hit_ratio",
    "guard_us_per_kb",
    "rss_growth_mib",
    "added_p50_us",
    "added_p99_us",
)
BUDGETS: Final[Mapping[str, float]] = {
    "passthrough_ratio": 3.0,
    "redaction_ratio": 4.0,
    "stream_ratio": 2.5,
    "translate_ratio": 1.5,
    "rss_growth_mib": 5.0,
    "rss_keys_mib": 5.0,
    "limiter_us": 25.0,
}
BASE: Final = "nginx"
REFERENCE_US: Final = 27.0
"""What a request costs nginx on the machine that the limiter's 25 us were set for: they are its microseconds."""
_RATIOS: Final[Mapping[str, tuple[Workload, str]]] = {
    "passthrough_ratio": ("chat", "passthrough"),
    "redaction_ratio": ("chat", "redaction"),
    "stream_ratio": ("stream", "redaction"),
}

Figures = dict[str, Estimate]


class Verdict(msgspec.Struct, frozen=True):
    """One budget against what was measured."""

    name: str
    measured: Estimate
    limit: float

    @property
    def kept(self) -> bool:
        """False only when the whole interval lies beyond the limit."""
        return self.measured.low <= self.limit


def figures(samples: Samples, memory: Sequence[Memory]) -> Figures:
    """What was measured, by the keys of the JSON line; a figure whose targets were not measured is left out."""
    found: Figures = {}
    for key, (workload, target) in _RATIOS.items():
        if (ratio := cpu_ratio(samples, workload, target)) is not None:
            found[key] = ratio
    if (ratio := cpu_ratio(samples, "chat", "translate", to="passthrough")) is not None:
        found["translate_ratio"] = ratio
    for key, target, less in (("limiter_us", "limits", "counted"), ("ledger_us", "ledger", "limits")):
        mine, without, base = (samples.get(("loaded", name)) for name in (target, less, BASE))
        if mine and without and base:
            more = [REFERENCE_US * (one.cpu_us - other.cpu_us) for one, other in zip(mine, without, strict=True)]
            found[key] = paired_ratio(more, [each.cpu_us for each in base])
    one_by_one, direct = samples.get(("single", "redaction")), samples.get(("single", "direct"))
    if one_by_one and direct:
        found["added_p50_us"] = paired_difference([s.p50_us for s in one_by_one], [s.p50_us for s in direct])
        found["added_p99_us"] = paired_difference([s.p99_us for s in one_by_one], [s.p99_us for s in direct])
    for each in memory:
        name = "rss_keys_mib" if each.target == "keys" else "rss_growth_mib"
        found[name] = Estimate(each.growth_mib, each.growth_mib, each.growth_mib, 1)
    return found


def cpu_ratio(samples: Samples, workload: Workload, target: str, *, to: str = BASE) -> Estimate | None:
    """CPU per request of a target to another's of the same round; None when one of them was not measured."""
    mine, base = samples.get((workload, target)), samples.get((workload, to))
    if not mine or not base:
        return None
    return paired_ratio([sample.cpu_us for sample in mine], [sample.cpu_us for sample in base])


def judge(measured: Figures) -> list[Verdict]:
    """The budgets that can be judged."""
    return [Verdict(name, measured[name], limit) for name, limit in BUDGETS.items() if name in measured]


def json_line(measured: Figures) -> str:
    """One JSON object with exactly `KEYS`; null for what was not measured."""
    medians = {key: round(measured[key].median, 2) if key in measured else None for key in KEYS}
    return msgspec.json.encode(medians).decode()
