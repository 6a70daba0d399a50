"""Usage as each vendor writes it."""

from typing import Any

import pytest

from kaigate.chat.usage import Usage
from kaigate.providers.openai_usage import canonical_usage

BASE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


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
    ],
)
def test_usage(wire: dict[str, Any] | None, expected: Usage | None) -> None:
    assert canonical_usage(wire) == expected
