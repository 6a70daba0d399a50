"""What an Anthropic client gets behind the guard can be replayed: blocks in order, signatures in place."""

from typing import Any

import msgspec
import pytest
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.anthropic_answers import answers, content_says, message_of, said, sse_events
from kaigate.chat.events import ChatEvent, End, Finish, ReasoningDelta, Start, TextDelta, ToolCallDelta, ToolCallStart
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from kaigate.providers.anthropic_decode import StreamDecoder
from kaigate.providers.anthropic_events import MessageEvents
from kaigate.stages.guard_output import GuardOutput
from kaigate.surfaces.anthropic_stream import StreamedAnswer
from kaigate.telemetry.metrics import Metrics
from support.exchanges import chat_request, exchange
from support.secrets import AWS_KEY

GUARD = GuardOutput(Redactor.build(RedactionSettings()), Metrics())


def upstream(events: list[ChatEvent]) -> bytes:
    encoder = StreamedAnswer(provider="")
    stream = b"".join(encoder.feed([event]) for event in events) + encoder.end()
    return stream.replace(b'"provider":"",', b"")


def guarded(stream: bytes) -> dict[str, Any]:
    """The message of a stream that was decoded, searched, and relayed where nothing was changed."""
    decoder = StreamDecoder(MessageEvents(created=1))
    search = GUARD.filter(exchange(chat_request(stream=True)))
    encoder = StreamedAnswer(provider="up")
    out: list[bytes] = []
    for frame in decoder.feed(stream) + decoder.end():
        events = search.feed(frame.events)
        relayed = frame.exact and events is frame.events
        out.append(encoder.relay(frame) if relayed else encoder.feed(events))
    out.append(encoder.feed(search.flush()))
    message = message_of(sse_events(b"".join(out) + encoder.end()))
    Message.model_validate(message, strict=True)
    return message


ANSWER: tuple[ChatEvent, ...] = (
    Start("msg_1", "m", 1),
    ReasoningDelta("hmm, I "),
    ReasoningDelta("think"),
    ReasoningDelta("", signature="c2ln"),
    TextDelta("Let me "),
    TextDelta("see"),
    ToolCallStart(0, "toolu_0", "f"),
    ToolCallDelta(0, '{"a": "wo'),
    ToolCallDelta(0, 'rd"}'),
    Finish("tool_calls"),
    End(),
)


def test_blocks_keep_their_order_and_signatures_their_text() -> None:
    stream = upstream(list(ANSWER))
    message = guarded(stream)
    assert message["content"] == message_of(sse_events(stream))["content"]
    assert [block["type"] for block in message["content"]] == ["thinking", "text", "tool_use"]
    assert message["content"][0] == {"type": "thinking", "thinking": "hmm, I think", "signature": "c2ln"}


@pytest.mark.parametrize("at", range(1, len(AWS_KEY)))
def test_secrets_at_the_border_of_a_block_are_redacted_within_it(at: int) -> None:
    events: list[ChatEvent] = []
    for event in ANSWER:
        events.append(event)
        if isinstance(event, TextDelta) and event.text == "see":
            events += [TextDelta(" " + AWS_KEY[:at]), TextDelta(AWS_KEY[at:])]
    message = guarded(upstream(events))
    assert [block["type"] for block in message["content"]] == ["thinking", "text", "tool_use"]
    assert message["content"][1]["text"] == "Let me see [REDACTED_AWS_KEY]"


@settings(max_examples=60)
@given(events=answers())
def test_a_harmless_answer_comes_out_block_for_block(events: list[ChatEvent]) -> None:
    stream = upstream(events)
    message = guarded(stream)
    assert content_says(message["content"]) == said(events)
    assert [shape(block) for block in message["content"]] == [
        shape(block) for block in message_of(sse_events(stream))["content"]
    ]


@settings(max_examples=40)
@given(words=st.lists(st.sampled_from(["one ", "two", "-", ". "]), min_size=1, max_size=5))
def test_reasoning_text_and_calls_in_turn_stay_in_turn(words: list[str]) -> None:
    events: list[ChatEvent] = [Start("msg_1", "m", 1)]
    for index, word in enumerate(words):
        arguments = msgspec.json.encode({"a": word}).decode()
        events += [ReasoningDelta(word), ReasoningDelta("", signature="c2ln"), TextDelta(word)]
        events += [ToolCallStart(index, f"toolu_{index}", "f"), ToolCallDelta(index, arguments)]
    stream = upstream([*events, Finish("tool_calls"), End()])
    assert guarded(stream)["content"] == message_of(sse_events(stream))["content"]


def shape(block: dict[str, Any]) -> tuple[str, Any, Any]:
    return block["type"], block.get("signature"), block.get("id")
