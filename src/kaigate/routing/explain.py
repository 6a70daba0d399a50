"""A route plan as people and programs read it: names, zones and reasons, nothing of the request's content."""

from typing import Any, Final

import msgspec

from kaigate.pipeline.plan import RoutePlan

MAX_HEADER: Final = 2048
"""Bytes of a header: proxies refuse answers whose head is beyond a few kilobytes."""


def described(plan: RoutePlan) -> dict[str, Any]:
    """The plan as plain data."""
    return {
        "candidates": [
            {"provider": item.provider.name, "model": item.model, "zone": item.zone, "entry": item.label}
            for item in plan.candidates
        ],
        "excluded": [
            {"provider": item.provider, "model": item.model, "kind": item.kind, "reason": item.reason}
            for item in plan.excluded
        ],
    }


def header(plan: RoutePlan) -> bytes:
    """The plan as one line of ASCII JSON of at most `MAX_HEADER` bytes; `more` counts what did not fit."""
    data = described(plan)
    candidates, excluded = data["candidates"], data["excluded"]
    more = 0
    while True:
        shown = {"candidates": candidates, "excluded": excluded, **({"more": more} if more else {})}
        # Names are ASCII by the rules of the configuration; a header must not hold anything else, come what may.
        line = msgspec.json.encode(shown).decode().encode("ascii", "replace")
        if len(line) <= MAX_HEADER or not (candidates or excluded):
            return line
        longer = excluded or candidates
        cut = max(1, len(longer) // 2)
        del longer[-cut:]
        more += cut
