"""Answers of OpenAI-compatible servers decode exactly, or repaired, or not at all."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
    Frame,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, UpstreamFailedError
from kaigate.providers import openai_decode
from kaigate.providers.openai_decode import CompletionDecoder, StreamDecoder

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
START = Start("chatcmpl-1", "m", 1)


def completion(message: dict[str, Any], finish: str = "stop", **fields: Any) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": USAGE,
    }
    return msgspec.json.encode({**body, **fields})


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: " + msgspec.json.encode({**body, **fields}) + b"\n\n"


DONE = b"data: [DONE]\n\n"
ROLE = chunk({"role": "assistant", "content": ""})


def whole(body: bytes) -> Frame:
    decoder = CompletionDecoder(answer_id=lambda: "made-up", model="asked")
    assert decoder.feed(body) == []
    (frame,) = decoder.end()
    return frame


def stream(*parts: bytes, done_optional: bool = False) -> list[Frame]:
    decoder = StreamDecoder(answer_id=lambda: "made-up", model="asked", done_optional=done_optional)
    return [*(frame for part in parts for frame in decoder.feed(part)), *decoder.end()]


def events(frames: list[Frame]) -> list[ChatEvent]:
    return [event for frame in frames for event in frame.events]


def test_a_complete_answer() -> None:
    body = completion({"content": "Paris", "refusal": None, "annotations": []})
    assert whole(body) == Frame(
        [START, TextDelta("Paris"), Finish("stop"), UsageReport(Usage(5, 2)), End()], body, exact=True
    )


def test_everything_that_a_message_can_hold() -> None:
    logprobs = {"content": [{"token": "x", "logprob": -1.0}], "refusal": None}
    body = completion(
        {
            "content": "x",
            "reasoning_content": "r",
            "refusal": "n",
            "annotations": [{"type": "url_citation"}],
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        "tool_calls",
    )
    raw = msgspec.json.decode(body)
    raw["choices"][0]["logprobs"] = logprobs
    frame = whole(msgspec.json.encode(raw))
    assert frame.exact
    assert frame.events[1:-2] == [
        ReasoningDelta("r"),
        TextDelta("x"),
        RefusalDelta("n"),
        AnnotationsDelta([{"type": "url_citation"}]),
        ToolCallStart(0, "c", "f"),
        ToolCallDelta(0, "{}"),
        LogprobsDelta(logprobs["content"]),
        Finish("tool_calls"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        completion({"content": "x"}, usage=None),
        completion({"content": "x"}, usage={"prompt_tokens": 5}),
        completion({"content": "x"}, usage={**USAGE, "total_tokens": 99}),
        completion({"content": "x", "reasoning": "r"}),
        completion({"content": "x"}, x_groq={"id": "1"}),
        completion({"content": "x"}, service_tier="on_demand"),
        completion({"content": "x"}, "eos"),
        completion({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "function_call"),
        completion({"tool_calls": [{"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
        completion({"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
    ],
)
def test_an_answer_that_is_not_standard_is_never_relayed(body: bytes) -> None:
    assert whole(body).exact is False


def test_a_missing_usage_is_not_zero() -> None:
    assert not any(isinstance(event, UsageReport) for event in whole(completion({"content": "x"}, usage=None)).events)


def test_a_tool_call_without_id_gets_one_and_without_arguments_an_empty_object() -> None:
    call = {"id": "", "type": "function", "function": {"name": "f", "arguments": ""}}
    frame = whole(completion({"tool_calls": [call, call]}, "tool_calls"))
    starts = [event for event in frame.events if isinstance(event, ToolCallStart)]
    assert len({event.id for event in starts}) == 2
    assert all(event.id for event in starts)
    assert [event.arguments for event in frame.events if isinstance(event, ToolCallDelta)] == ["{}", "{}"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b'{"choices":[]}',
        b'{"error":{"message":"secret words"}}',
        b'{"object":"error","message":"secret words"}',
        completion({"content": 5}),
        completion({"content": "x"}, "because"),
        completion({"content": "x"})[:-1],
    ],
)
def test_what_is_not_an_answer_is_refused(body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        whole(body)
    assert isinstance(caught.value, UpstreamFailedError)
    assert "secret" not in caught.value.message


def test_a_complete_answer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_decode, "MAX_BODY_BYTES", 10)
    decoder = CompletionDecoder(answer_id=str, model="m")
    decoder.feed(b"x" * 10)
    with pytest.raises(UpstreamFailedError, match="too large"):
        decoder.feed(b"x")


def test_a_standard_stream_is_exact() -> None:
    frames = stream(
        ROLE, chunk({"content": "Pa"}), chunk({"content": "ris"}), chunk({}, "stop"), chunk(usage=USAGE), DONE
    )
    assert events(frames) == [
        START,
        TextDelta(""),
        TextDelta("Pa"),
        TextDelta("ris"),
        Finish("stop"),
        UsageReport(Usage(5, 2)),
        End(),
    ]
    assert [frame.exact for frame in frames] == [True, True, True, True, True, False]
    assert frames[1].raw == chunk({"content": "Pa"})[6:-2]


@pytest.mark.parametrize(
    ("parts", "exact"),
    [
        ((chunk({"content": "x"}),), [False]),  # no role
        ((ROLE, chunk({"role": "assistant", "content": "x"})), [True, False]),  # the role again
        ((ROLE, chunk({"content": "x"}, id="chatcmpl-2")), [True, False]),
        ((ROLE, chunk({"content": "x"}, created=2)), [True, False]),  # llama.cpp
        ((ROLE, chunk({"content": "x"}, model="n")), [True, False]),
        ((ROLE, chunk({"content": "x"}, obfuscation="aB3"), chunk({"content": "y"})), [True, False, True]),
        ((ROLE, chunk({"content": "x"}, weird=1), chunk({"content": "y"})), [True, False, False]),
        ((ROLE, chunk({"content": "x"}, usage=USAGE)), [True, False]),
        ((ROLE.replace(b'{"id', b'{\ndata: "id'),), [False]),  # a frame over two lines
    ],
)
def test_a_frame_that_is_not_standard_is_never_relayed(parts: tuple[bytes, ...], exact: list[bool]) -> None:
    frames = stream(*parts, chunk({}, "stop"), DONE)
    assert [frame.exact for frame in frames][: len(exact)] == exact


def test_azure_begins_with_a_frame_of_its_own() -> None:
    first = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{}]}\n\n'
    frames = stream(first, ROLE, chunk({"content": "x"}), chunk({}, "stop"), DONE)
    assert frames[0].events == []
    assert events(frames)[0] == START


def test_usage_is_told_once_and_the_last_holds() -> None:
    early = {**USAGE, "completion_tokens": 1, "total_tokens": 6}
    frames = stream(ROLE, chunk({"content": "x"}, usage=early), chunk({}, "stop", usage=USAGE), DONE)
    assert [event.usage for event in events(frames) if isinstance(event, UsageReport)] == [Usage(5, 2)]
    assert [type(event) for event in frames[-1].events] == [UsageReport, End]


def test_a_tool_call_in_fragments() -> None:
    def call(index: int, **fields: Any) -> bytes:
        return chunk({"tool_calls": [{"index": index, **fields}]})

    frames = stream(
        ROLE,
        call(0, id="a", type="function", function={"name": "f", "arguments": ""}),
        call(0, function={"arguments": '{"x"'}),
        call(0, function={"arguments": ":1}"}),
        call(1, id="b", type="function", function={"name": "g", "arguments": "{}"}),
        chunk({}, "tool_calls"),
        DONE,
    )
    assert events(frames)[2:-2] == [
        ToolCallStart(0, "a", "f"),
        ToolCallDelta(0, '{"x"'),
        ToolCallDelta(0, ":1}"),
        ToolCallStart(1, "b", "g"),
        ToolCallDelta(1, "{}"),
    ]
    assert all(frame.exact for frame in frames[:-1])


@pytest.mark.parametrize(
    "calls",
    [
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}] * 1
        + [{"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}}],  # one index for all
        [
            {"id": "a", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "function": {"name": "g", "arguments": "{}"}},
        ],
        [{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "g", "arguments": "{}"}}],
    ],
)
def test_servers_that_do_not_count_their_calls(calls: list[dict[str, Any]]) -> None:
    functions = [{"name": name, "arguments": "{}"} for name in ("f", "g")]
    sent = [{**call, "function": function} for call, function in zip(calls, functions, strict=True)]
    frames = stream(ROLE, *(chunk({"tool_calls": [call]}) for call in sent), chunk({}, "tool_calls"), DONE)
    starts = [event for event in events(frames) if isinstance(event, ToolCallStart)]
    assert [(event.index, event.name) for event in starts] == [(0, "f"), (1, "g")]
    assert len({event.id for event in starts}) == 2
    assert [event.index for event in events(frames) if isinstance(event, ToolCallDelta)] == [0, 1]


def test_legacy_function_call_deltas_are_tool_calls() -> None:
    frames = stream(
        ROLE,
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
        chunk({}, "function_call"),
        DONE,
    )
    assert [type(event) for event in events(frames)[2:]] == [ToolCallStart, ToolCallDelta, Finish, End]
    assert not any(frame.exact for frame in frames[1:])


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (ROLE,),
        (ROLE, chunk({"content": "x"})),
        (ROLE, chunk({"content": "x"}), DONE),  # no finish reason
        (DONE,),
        (ROLE, chunk({}, "stop")),  # no [DONE]
        (ROLE, chunk({}, "stop"), DONE[:-2]),
        (ROLE, chunk({}, "stop"), chunk({"content": "more"}), DONE),
        (ROLE, chunk({"content": 5}), chunk({}, "stop"), DONE),
        (ROLE, chunk({}, "because"), DONE),
        (ROLE, b"data: not json\n\n", chunk({}, "stop"), DONE),
        (ROLE, b"data: \xff\n\n", chunk({}, "stop"), DONE),
        (ROLE, b'data: {"something":"secret"}\n\n', chunk({}, "stop"), DONE),
        (ROLE, b'data: {"error":{"message":"secret"}}\n\n', DONE),
        (ROLE, b'data: {"choices":[],"error":{"message":"secret"}}\n\n', DONE),
        (ROLE, b'event: error\ndata: {"object":"error","message":"secret","code":500}\n\n', DONE),
        (ROLE, chunk({"tool_calls": [{"index": 0, "function": {"arguments": "x"}}]}), DONE),
        (ROLE, chunk({"tool_calls": [{"index": 0, "type": "custom"}]}), DONE),
        (completion({"content": "x"}),),  # a server that does not stream
        tuple(chunk({"content": "x"}).replace(b'"index":0', b'"index":%d' % i) for i in range(200)),
    ],
)
def test_a_stream_that_is_cut_off_or_unknown_is_refused(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(GatewayError) as caught:
        stream(*parts)
    assert isinstance(caught.value, UpstreamFailedError)
    assert "secret" not in caught.value.message


def test_the_end_marker_is_optional_only_where_the_row_says_so_and_the_answer_is_finished() -> None:
    frames = stream(ROLE, chunk({}, "stop", usage=USAGE), done_optional=True)
    assert [type(event) for event in frames[-1].events] == [UsageReport, End]
    for parts in ((ROLE,), (ROLE, chunk({}, "stop"), b"data: {"), ()):
        with pytest.raises(UpstreamFailedError):
            stream(*parts, done_optional=True)


def test_what_follows_the_end_marker_goes_nowhere() -> None:
    frames = stream(ROLE, chunk({}, "stop"), DONE + b"data: garbage\n\n")
    assert events(frames)[-1] == End()


def test_an_oversized_event_is_refused() -> None:
    with pytest.raises(UpstreamFailedError, match="oversized"):
        stream(b"data: " + b"x" * (5 << 20))


SERVERS = {
    "plain": [ROLE, chunk({"content": "Grüße 😀"}), chunk({}, "stop"), chunk(usage=USAGE), DONE],
    "crlf": [b": keep-alive\r\n\r\n", ROLE.replace(b"\n", b"\r\n"), chunk({"content": "x"}, "stop"), DONE],
    "extras": [ROLE, chunk({"content": "x", "reasoning": "r"}, x=1), chunk({}, "eos", usage=USAGE), DONE],
}


@given(server=st.sampled_from(sorted(SERVERS)), cuts=st.lists(st.integers(0, 900), max_size=10))
def test_every_cut_gives_the_same_frames(server: str, cuts: list[int]) -> None:
    data = b"".join(SERVERS[server])
    edges = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    assert stream(*pieces) == stream(data)
