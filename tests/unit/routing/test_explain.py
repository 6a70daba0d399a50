"""A plan in a header is bounded, and safe to send."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kaigate.pipeline.plan import Exclusion, RoutePlan
from kaigate.routing.explain import MAX_HEADER, described, header
from support.exchanges import deployment


def test_a_plan_is_names_zones_and_reasons():
    plan = RoutePlan((deployment(),), (Exclusion("far", "x", "its weight is 0", "drained"),))
    assert described(plan) == {
        "candidates": [{"provider": "local", "model": "up", "zone": "private", "entry": ""}],
        "excluded": [{"provider": "far", "model": "x", "kind": "drained", "reason": "its weight is 0"}],
    }
    assert msgspec.json.decode(header(plan)) == described(plan)


@given(st.integers(0, 60), st.integers(0, 60), st.text(max_size=200))
def test_a_header_is_one_bounded_line_of_ascii(candidates, excluded, name):
    plan = RoutePlan((deployment(model=name),) * candidates, (Exclusion("p", name, "r"),) * excluded)
    line = header(plan)
    assert len(line) <= MAX_HEADER
    assert line.isascii()
    assert b"\r" not in line
    assert b"\n" not in line
    told = msgspec.json.decode(line)
    assert len(told["candidates"]) + len(told["excluded"]) + told.get("more", 0) == candidates + excluded
