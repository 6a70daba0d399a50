"""Whatever events an answer has, what leaves the gateway satisfies the official `anthropic` SDK's strict types."""

from inspect import signature
from typing import Any

import msgspec
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contract.answers import batches
from contract.anthropic_answers import answers, content_says, message_of, partial_message, said, sse_events
from kaigate.chat.events import AnnotationsDelta, ChatEvent, End, Finish, Start, TextDelta, UsageReport
from kaigate.errors import CODES, UpstreamFailedError
from kaigate.surfaces.anthropic_answer import CompleteAnswer
from kaigate.surfaces.anthropic_error import error_type
from kaigate.surfaces.anthropic_messages import count_answer
from kaigate.surfaces.anthropic_stream import StreamedAnswer

CUTS = st.lists(st.integers(0, 60), max_size=8)
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def accumulated(events: list[dict[str, Any]]) -> Message:
    """What the SDK's own stream helper makes of a stream; each event is checked strictly before."""
    snapshot: Any = None
    # Releases before 1.0 keep the arguments elsewhere.
    kept: dict[str, Any] = {"json_bufs": {}} if "json_bufs" in signature(accumulate_event).parameters else {}
    for value in events:
        event = EVENT.validate_json(msgspec.json.encode(value), strict=True)
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, **kept)
    return Message.model_validate(snapshot.model_dump(), strict=True)


@settings(max_examples=60)
@given(events=answers(), cuts=CUTS)
def test_a_complete_answer_is_a_message(events: list[ChatEvent], cuts: list[int]) -> None:
    encoder = CompleteAnswer(provider="up")
    assert all(encoder.feed(batch) == b"" for batch in batches(events, cuts))
    body = encoder.end()
    message = Message.model_validate_json(body, strict=True)
    assert msgspec.json.decode(body)["provider"] == "up"
    assert content_says([block.model_dump() for block in message.content]) == said(events)
    assert message.stop_reason == expected_reason(events)


@settings(max_examples=60)
@given(events=answers(), cuts=CUTS)
def test_a_streamed_answer_is_the_same_message(events: list[ChatEvent], cuts: list[int]) -> None:
    encoder = StreamedAnswer(provider="up")
    stream = b"".join(encoder.feed(batch) for batch in batches(events, cuts)) + encoder.end()
    objects = sse_events(stream)
    assert [index for index, value in enumerate(objects) if "provider" in value] == [0, len(objects) - 1]
    message = accumulated(objects)
    assert content_says([block.model_dump() for block in message.content]) == said(events)
    assert message.stop_reason == expected_reason(events)
    raw = message_of(sse_events(stream))
    assert content_says(raw["content"]) == said(events)
    usage = next((event.usage for event in events if isinstance(event, UsageReport)), None)
    if usage is not None:
        assert message.usage.output_tokens == usage.output_tokens
        cached = usage.cached_input_tokens + usage.cache_write_tokens
        assert message.usage.input_tokens == max(0, usage.input_tokens - cached)
        assert message.usage.cache_read_input_tokens == usage.cached_input_tokens
        assert message.usage.cache_creation_input_tokens == usage.cache_write_tokens


@settings(max_examples=60)
@given(events=answers(), cuts=CUTS, length=st.integers(0, 40))
def test_a_stream_that_breaks_off_says_all_it_knew_and_never_ends_well(
    events: list[ChatEvent], cuts: list[int], length: int
) -> None:
    known = events[: length % len(events)]
    encoder = StreamedAnswer(provider="up")
    stream = b"".join(encoder.feed(batch) for batch in batches(known, cuts))
    with pytest.raises(UpstreamFailedError):
        encoder.end()
    stream += encoder.fail(UpstreamFailedError("upstream_error", "Broken off."))
    *before, error = sse_events(stream)
    assert error["type"] == "error"
    assert not any(value["type"] in ("message_stop", "message_delta") for value in before)
    if before:
        # Arguments that broke off are no JSON: the client has them as they came.
        text = "".join(value["delta"].get("text", "") for value in before if value["type"] == "content_block_delta")
        assert text == "".join(event.text for event in known if "text" in said_kind(event))


@settings(max_examples=60)
@given(events=answers())
def test_blocks_are_the_same_for_every_batching(events: list[ChatEvent]) -> None:
    one, many = StreamedAnswer(provider="up"), StreamedAnswer(provider="up")
    whole = one.feed([event for event in events if not isinstance(event, UsageReport)]) + one.end()
    single = b"".join(many.feed([event]) for event in events if not isinstance(event, UsageReport)) + many.end()
    assert whole == single


def test_citations_are_citations() -> None:
    original = {
        "type": "char_location",
        "cited_text": "x",
        "document_index": 0,
        "document_title": None,
        "start_char_index": 0,
        "end_char_index": 1,
        "file_id": None,
    }
    page = {"type": "url_citation", "url_citation": {"url": "https://e.org", "title": "E"}}
    odd = {"type": "file_path", "file_path": {"file_id": "f"}}
    events = [
        Start("msg_1", "m", 1),
        TextDelta("x"),
        AnnotationsDelta([{"citation": original}, page, odd]),
        Finish("stop"),
        End(),
    ]
    encoder, whole = StreamedAnswer(provider="up"), CompleteAnswer(provider="up")
    whole.feed(events)
    for message in (
        accumulated(sse_events(encoder.feed(events) + encoder.end())),
        Message.model_validate_json(whole.end(), strict=True),
    ):
        (block,) = message.content
        assert block.type == "text"
        assert [item.type for item in block.citations or ()] == ["char_location", "web_search_result_location"]


def test_a_count_is_a_count() -> None:
    assert MessageTokensCount.model_validate_json(count_answer(7), strict=True).input_tokens == 7


def test_every_error_has_a_type_that_anthropic_documents() -> None:
    documented = {
        "invalid_request_error",
        "authentication_error",
        "billing_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "timeout_error",
        "api_error",
        "overloaded_error",
    }
    assert {error_type(UpstreamFailedError(code, "x")) for code in CODES} == documented


def test_the_judge_is_strict() -> None:
    encoder = StreamedAnswer(provider="up")
    (start, *_) = sse_events(encoder.feed([Start("msg_1", "m", 1)]))
    assert partial_message([start])["content"] == []
    start["message"]["role"] = "user"
    with pytest.raises(ValueError, match="assistant"):
        EVENT.validate_json(msgspec.json.encode(start), strict=True)


def said_kind(event: ChatEvent) -> str:
    return "text" if type(event).__name__ in ("TextDelta", "RefusalDelta") else "other"


def expected_reason(events: list[ChatEvent]) -> str:
    finish = next(event for event in events if isinstance(event, Finish))
    refused = any(type(event).__name__ == "RefusalDelta" and event.text for event in events)  # type: ignore[union-attr]
    if finish.reason != "stop":
        return {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}[finish.reason]
    if refused:
        return "refusal"
    return "stop_sequence" if finish.stop_sequence else "end_turn"
