"""Whatever events an answer has, the official `openai` client reads the text completion from it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import APIError
from openai.types import Completion

from contract.answers import answers, batches, sse_objects
from contract.openai_client import Canned
from kaigate.chat.events import ChatEvent, Finish, LogprobsDelta, RefusalDelta, Start, TextDelta
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.openai_completions import OpenAICompletions
from kaigate.surfaces.surface import AnswerEncoder

SURFACE = OpenAICompletions()
CANNED = Canned()
CUTS = st.lists(st.integers(0, 60), max_size=8)


def encoder(choices: int = 1, **fields: Any) -> AnswerEncoder:
    body = {"model": "m", "prompt": "x", "n": choices, **fields}
    return SURFACE.encoder(SURFACE.decode(msgspec.json.encode(body)), provider="up")


def wanted(events: list[ChatEvent]) -> dict[int, tuple[str, int, str]]:
    """Text, number of log probabilities and finish reason of each choice."""
    found: dict[int, tuple[str, int, str]] = {}
    for event in events:
        if isinstance(event, TextDelta | RefusalDelta | LogprobsDelta | Finish):
            text, logprobs, reason = found.get(event.choice, ("", 0, ""))
            if isinstance(event, Finish):
                reason = "stop" if event.reason == "tool_calls" else event.reason
            elif isinstance(event, LogprobsDelta):
                logprobs += len(event.content or ())
            else:
                text += event.text
            found[event.choice] = (text, logprobs, reason)
    return found


@given(events=answers(), cuts=CUTS)
def test_a_complete_answer_is_a_completion(events: list[ChatEvent], cuts: list[int]) -> None:
    expected = wanted(events)
    writer = encoder(len(expected))
    assert all(writer.feed(batch) == b"" for batch in batches(events, cuts))
    CANNED.body, CANNED.content_type = writer.end(), writer.content_type
    answer = CANNED.client.completions.create(model="m", prompt="x")
    assert {
        choice.index: (
            choice.text,
            len(choice.logprobs.tokens or ()) if choice.logprobs else 0,
            choice.finish_reason,
        )
        for choice in answer.choices
    } == expected


@given(events=answers(), cuts=CUTS, include_usage=st.booleans())
def test_a_streamed_answer_is_completion_chunks(events: list[ChatEvent], cuts: list[int], include_usage: bool) -> None:
    expected = wanted(events)
    writer = encoder(len(expected), stream=True, stream_options={"include_usage": include_usage})
    objects = sse_objects(b"".join([writer.feed(batch) for batch in batches(events, cuts)]) + writer.end())
    found: dict[int, tuple[str, int, str]] = {}
    for item in objects:
        for choice in item["choices"]:
            text, logprobs, reason = found.get(choice["index"], ("", 0, ""))
            assert not reason, "nothing follows the finish reason"
            logprobs += len((choice["logprobs"] or {}).get("tokens", ()))
            found[choice["index"]] = (text + choice["text"], logprobs, choice["finish_reason"] or "")
            # OpenAI's own streams have null until the end, which its SDK's type, made for both forms, does not know.
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        Completion.model_validate_json(msgspec.json.encode(item), strict=True)
    assert found == expected


def test_the_client_raises_on_a_failure_within_a_stream() -> None:
    writer = encoder(stream=True)
    writer.feed([Start("1", "m", 5), TextDelta("Pa")])
    CANNED.body = writer.fail(UpstreamFailedError("upstream_error", "It broke off."))
    CANNED.content_type = writer.content_type
    with pytest.raises(APIError, match="It broke off"):
        list(CANNED.client.completions.create(model="m", prompt="x", stream=True))
