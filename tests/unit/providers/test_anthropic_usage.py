"""Counts are cumulative, and what was not said is unknown."""

import pytest

from kaigate.chat.usage import Usage
from kaigate.providers.anthropic_usage import UsageSoFar
from kaigate.providers.anthropic_wire import WireOutputDetails, WireUsage


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], None),
        ([WireUsage(input_tokens=3)], None),
        ([WireUsage(output_tokens=3)], None),
        ([WireUsage(input_tokens=0, output_tokens=0)], Usage(0, 0)),
        ([WireUsage(3, 1), WireUsage(output_tokens=9)], Usage(3, 9)),
        ([WireUsage(3, 1), WireUsage(5, 2)], Usage(5, 2)),
        ([WireUsage(3, 1, 10, 20)], Usage(33, 1, 20, 10)),
        ([WireUsage(3, 1, 10, 20), WireUsage(output_tokens=2, cache_read_input_tokens=0)], Usage(13, 2, 0, 10)),
        ([WireUsage(3, 8, output_tokens_details=WireOutputDetails(6))], Usage(3, 8, reasoning_tokens=6)),
        ([WireUsage(3, 8, output_tokens_details=WireOutputDetails())], Usage(3, 8)),
    ],
)
def test_the_latest_figure_of_each_kind_holds(parts: list[WireUsage], expected: Usage | None) -> None:
    so_far = UsageSoFar()
    for part in parts:
        so_far.take(part)
    assert so_far.usage() == expected
