"""The legacy shape of log probabilities, and the words of the format."""

import pytest

from kaigate.chat.events import FinishReason, LogprobsDelta, Start
from kaigate.surfaces.openai_completions_choice import LegacyLogprobs, head, joined, wire_reason


@pytest.mark.parametrize(
    ("reason", "word"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("tool_calls", "stop")],
)
def test_reasons(reason: FinishReason, word: str) -> None:
    assert wire_reason(reason) == word


def test_head() -> None:
    fields = {"id": "c", "object": "text_completion", "created": 5, "model": "gpt"}
    assert head(Start("c", "gpt", 5)) == fields
    assert head(Start("c", "gpt", 5, "fp", "flex")) == {**fields, "system_fingerprint": "fp"}


def test_log_probabilities_stand_side_by_side() -> None:
    legacy = LegacyLogprobs()
    first = legacy.take(
        LogprobsDelta(
            [
                {"token": "Pa", "logprob": -0.5, "top_logprobs": [{"token": "Lo", "logprob": -2.0}]},
                {"token": "r", "logprob": -1.0},
            ]
        )
    )
    assert first == {
        "tokens": ["Pa", "r"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [{"Lo": -2.0}, {}],
        "text_offset": [0, 2],
    }
    second = legacy.take(LogprobsDelta([{"token": "is", "logprob": -0.1}]))
    assert second is not None
    assert second["text_offset"] == [3]
    whole = joined(joined(None, first), second)
    assert whole is not None
    assert (whole["tokens"], whole["text_offset"]) == (["Pa", "r", "is"], [0, 2, 3])
    assert joined(first, None) == first


def test_those_of_a_refusal_have_no_place() -> None:
    assert LegacyLogprobs().take(LogprobsDelta(None, [{"token": "No"}])) is None
