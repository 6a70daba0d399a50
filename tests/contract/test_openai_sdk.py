"""Whatever events an answer has, what leaves the gateway satisfies the official `openai` SDK's strict types."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from contract.answers import answers, batches, joined, sse_objects, streamed
from kaigate.chat.events import ChatEvent, UsageReport
from kaigate.surfaces.openai_chat_answer import CompleteAnswer
from kaigate.surfaces.openai_chat_stream import StreamedAnswer
from kaigate.surfaces.openai_models import ModelEntry, model, model_list

CUTS = st.lists(st.integers(0, 60), max_size=8)


@given(events=answers(usage=True), cuts=CUTS)
def test_a_complete_answer_is_a_chat_completion(events: list[ChatEvent], cuts: list[int]) -> None:
    encoder = CompleteAnswer(provider="openai")
    assert all(encoder.feed(batch) == b"" for batch in batches(events, cuts))
    body = encoder.end()
    answer = ChatCompletion.model_validate_json(body, strict=True)
    assert msgspec.json.decode(body)["provider"] == "openai"
    assert answer.usage is not None
    assert {choice.index: _complete(choice) for choice in answer.choices} == joined(events)


@given(events=answers(), cuts=CUTS, include_usage=st.booleans())
def test_a_streamed_answer_is_chat_completion_chunks(
    events: list[ChatEvent], cuts: list[int], include_usage: bool
) -> None:
    expected = joined(events)
    encoder = StreamedAnswer(provider="openai", include_usage=include_usage, choices=len(expected))
    stream = b"".join(encoder.feed(batch) for batch in batches(events, cuts)) + encoder.end()
    objects = sse_objects(stream)
    chunks = [ChatCompletionChunk.model_validate_json(msgspec.json.encode(item), strict=True) for item in objects]
    assert streamed(objects) == expected
    assert len({(chunk.id, chunk.created, chunk.model, chunk.service_tier) for chunk in chunks}) == 1
    asked = include_usage and any(isinstance(event, UsageReport) for event in events)
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - asked) + [True] * asked
    carriers = [index for index, item in enumerate(objects) if "provider" in item]
    last = len(objects) - 1 if asked or not include_usage else 0
    assert carriers == sorted({0, last})


@given(events=answers(max_choices=1), cuts=CUTS)
def test_legacy_callers_get_function_call(events: list[ChatEvent], cuts: list[int]) -> None:
    complete = CompleteAnswer(provider="openai", legacy_functions=True)
    streamed = StreamedAnswer(provider="openai", include_usage=False, legacy_functions=True)
    stream = b""
    for batch in batches(events, cuts):
        complete.feed(batch)
        stream += streamed.feed(batch)
    stream += streamed.end()
    answer = ChatCompletion.model_validate_json(complete.end(), strict=True)
    chunks = [
        ChatCompletionChunk.model_validate_json(msgspec.json.encode(item), strict=True) for item in sse_objects(stream)
    ]
    expected = joined(events)[0]["calls"][:1]
    call = answer.choices[0].message.function_call
    assert ([[call.name, call.arguments]] if call else []) == [[name, text] for _, name, text in expected]
    parts = [chunk.choices[0].delta.function_call for chunk in chunks if chunk.choices[0].delta.function_call]
    name = "".join(part.name or "" for part in parts)
    arguments = "".join(part.arguments or "" for part in parts)
    assert ([[name, arguments]] if parts else []) == [[name, text] for _, name, text in expected]
    assert not any(chunk.choices[0].delta.tool_calls for chunk in chunks)
    reasons = {answer.choices[0].finish_reason, chunks[-1].choices[0].finish_reason}
    assert reasons == ({"function_call"} if expected else {joined(events)[0]["finish"]})


def test_models_are_models() -> None:
    entry = ModelEntry("smollm2", 1_700_000_000, "local")
    assert Model.model_validate_json(model(entry), strict=True).owned_by == "local"
    listed = msgspec.json.decode(model_list([entry]))
    assert listed["object"] == "list"
    assert Model.model_validate(listed["data"][0], strict=True).id == "smollm2"


def test_the_judge_is_strict() -> None:
    encoder = CompleteAnswer(provider="openai")
    body = msgspec.json.decode(encoder.end())
    body["object"] = "something"
    with pytest.raises(ValueError, match="object"):
        ChatCompletion.model_validate(body, strict=True)


def _complete(choice: Any) -> dict[str, Any]:
    message = choice.message
    calls = [[call.id, call.function.name, call.function.arguments] for call in message.tool_calls or ()]
    return {
        "content": message.content or "",
        "reasoning_content": getattr(message, "reasoning_content", ""),
        "refusal": message.refusal or "",
        "calls": calls,
        "logprobs": len(choice.logprobs.content or ()) if choice.logprobs else 0,
        "finish": choice.finish_reason,
    }
