"""Usage as each vendor writes it."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.usage import Usage
from kaigate.providers.openai_usage import canonical_usage, repaired_usage, says_the_same
from kaigate.providers.openai_wire import WireUsage

BASE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def decoded(wire: Any) -> WireUsage | None:
    """Usage as an answer's decoder reads it: exactly, or repaired."""
    try:
        return msgspec.convert(wire, WireUsage | None)
    except msgspec.ValidationError:
        return msgspec.convert(repaired_usage(wire), WireUsage | None)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (BASE, Usage(10, 5)),
        ({**BASE, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Usage(0, 0)),
        (
            {
                **BASE,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(10, 5, 4, 2, 3),
        ),
        ({**BASE, "prompt_tokens_details": None, "completion_tokens_details": None}, Usage(10, 5)),
        ({**BASE, "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 4}, Usage(10, 5, 6)),  # DeepSeek
        ({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}, Usage(35, 74)),  # Gemini
        ({"prompt_tokens": 10, "completion_tokens": 5}, Usage(10, 5)),
        (None, None),
        ({}, None),
        ({"prompt_tokens": 10}, None),
        ({**BASE, "prompt_tokens": -1}, None),
        ({**BASE, "completion_tokens": 1.5}, None),
        ({**BASE, "completion_tokens": True}, None),
        ({**BASE, "total_tokens": None, "queue_time": 0.5, "cost": 0}, Usage(10, 5)),
        ({**BASE, "total_tokens": "15", "note": "text", "prompt_tokens_details": []}, Usage(10, 5)),
        ({**BASE, "prompt_tokens_details": {"cached_tokens": -1, "note": "text"}}, Usage(10, 5)),
        ("text", None),
    ],
)
def test_usage(wire: Any, expected: Usage | None) -> None:
    assert canonical_usage(decoded(wire)) == expected


def test_a_repair_loses_nothing_that_is_canonical() -> None:
    wire = {
        **BASE,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
        "prompt_cache_hit_tokens": 4,
    }
    assert repaired_usage({**wire, "note": "text", "details": {"n": 1}}) == wire


@pytest.mark.parametrize(
    ("wire", "same"),
    [
        (BASE, True),
        ({**BASE, "prompt_tokens_details": {"cached_tokens": 4}}, True),
        ({**BASE, "total_tokens": 99}, False),
        ({**BASE, "total_tokens": 14}, False),
        ({"prompt_tokens": 10, "completion_tokens": 5}, False),
    ],
)
def test_only_figures_that_say_the_same_are_relayed(wire: dict[str, Any], same: bool) -> None:
    read = msgspec.convert(wire, WireUsage)
    usage = canonical_usage(read)
    assert usage is not None
    assert says_the_same(read, usage) is same
