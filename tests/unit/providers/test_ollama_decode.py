"""Ollama's lines become events, however they are cut; the official client judges the shapes in `tests/contract`."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    Frame,
    LogprobsDelta,
    ReasoningDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, RequestInvalidError, UpstreamFailedError
from kaigate.providers import ollama_decode
from kaigate.providers.ollama_decode import OllamaDecoder

START = Start("ollama-1", "llama3.2", 1702388023)


def line(message: dict[str, Any] | None = None, **fields: Any) -> bytes:
    body: dict[str, Any] = {"model": "llama3.2", "created_at": "2023-12-12T14:33:43.416799+01:00", "done": False}
    if message is not None:
        body["message"] = {"role": "assistant", **message}
    return msgspec.json.encode({**body, **fields}) + b"\n"


LAST = line({"content": ""}, done=True, done_reason="stop", prompt_eval_count=5, eval_count=2, total_duration=9)


def read(*parts: bytes) -> list[ChatEvent]:
    decoder = OllamaDecoder(answer_id="ollama-1", model="asked")
    frames = [*(frame for part in parts for frame in decoder.feed(part)), *decoder.end()]
    return [event for frame in frames for event in frame.events]


def test_a_stream() -> None:
    assert read(line({"content": "Pa"}), line({"content": "ris"}), LAST) == [
        START,
        TextDelta("Pa"),
        TextDelta("ris"),
        Finish("stop"),
        UsageReport(Usage(5, 2)),
        End(),
    ]


def frames(*parts: bytes) -> list[Frame]:
    decoder = OllamaDecoder(answer_id="ollama-1", model="asked")
    return [*(frame for part in parts for frame in decoder.feed(part)), *decoder.end()]


NUMBERS = {
    "total_duration": 9,
    "load_duration": 1,
    "prompt_eval_count": 5,
    "prompt_eval_duration": 2,
    "eval_count": 2,
    "eval_duration": 3,
}


def test_lines_of_which_every_key_is_in_their_events_are_exact() -> None:
    lines = (
        line({"content": 'Pa "\\" \\'}),
        line({"content": "", "thinking": 'hm "'}),
        line({"content": "ris"}, done=True, done_reason="stop", **NUMBERS),
    )
    read_frames = frames(*lines)
    assert [frame.exact for frame in read_frames] == [True, True, True]
    assert [frame.raw + b"\n" for frame in read_frames] == list(lines)
    assert [frame.exact for frame in frames(lines[2].strip())] == [True]


CALL = {"function": {"name": "f", "arguments": {"a": 1}}}


@pytest.mark.parametrize(
    "touched",
    [
        line({"content": "x", "tool_calls": [CALL]}),
        line({"content": "x"}, logprobs=[{"token": "x", "logprob": -1}]),
        line({"content": "x"}, model="other"),
        line({"content": "x"}, remote_host="internal.example"),
        line({"content": "x", "images": ["secret"]}),
        line({"content": "x"}).replace(b'"content":"x"', b'"content":"secret","content":"x"'),
        line({"content": "x"}).replace(b'"content":"x"', b'"content":"\\"secret\\"" , "content" : "x"'),
        line({"content": "x"}).replace(b'"message":{', b'"message":{"content":"secret"},"message":{'),
        line({"content": "x"}).replace(b'"model"', b'"mod\\u0065l":"secret","model"'),
        line({"content": "x"}, eval_count=5),
        line({"content": "x"}, created_at="secret"),
        line({"content": "x", "role": "secret"}),
    ],
)
def test_a_line_that_says_more_than_its_events_is_not_exact(touched: bytes) -> None:
    first, frame, *_ = frames(line({"content": "first"}), touched, LAST)
    assert first.exact
    assert not frame.exact
    assert TextDelta("x") in frame.events


def test_a_server_that_deviated_once_is_not_tried_again() -> None:
    assert [frame.exact for frame in frames(line({"content": "x"}, later="key"), LAST)] == [False, False]


def test_a_complete_answer_is_one_line_without_an_end() -> None:
    body = line({"content": "Paris"}, done=True, done_reason="length", prompt_eval_count=5, eval_count=2).strip()
    assert read(body) == [START, TextDelta("Paris"), Finish("length"), UsageReport(Usage(5, 2)), End()]


def test_thinking_tools_and_log_probabilities() -> None:
    call = {"function": {"name": "f", "arguments": {"city": "Paris", "n": 1}}}
    with_id = {"id": "call_x", "function": {"name": "g"}}
    events = read(
        line({"content": "", "thinking": "hm"}, logprobs=[{"token": "hm", "logprob": -1}]),
        line({"content": "", "tool_calls": [call, with_id]}),
        LAST,
    )
    assert events[1:-2] == [
        ReasoningDelta("hm"),
        LogprobsDelta([{"token": "hm", "logprob": -1}]),
        ToolCallStart(0, "call_ollama-1_0", "f"),
        ToolCallDelta(0, '{"city":"Paris","n":1}'),
        ToolCallStart(1, "call_x", "g"),
        ToolCallDelta(1, "{}"),
        Finish("tool_calls"),
    ]


@pytest.mark.parametrize("fields", [{"eval_count": 2}, {"prompt_eval_count": 5}, {}])
def test_a_count_that_is_absent_is_unknown(fields: dict[str, int]) -> None:
    events = read(line({"content": "x"}), line(done=True, done_reason="stop", **fields))
    assert not any(isinstance(event, UsageReport) for event in events)


def test_an_older_server_gives_no_reason() -> None:
    assert Finish("stop") in read(line({"content": "x"}), line(done=True))


@pytest.mark.parametrize("when", ["", "yesterday", "2023-12-12T14:33:43.416799123Z"])
def test_the_time_is_read_or_zero(when: str) -> None:
    start = read(line({"content": "x"}, created_at=when), LAST)[0]
    assert isinstance(start, Start)
    assert start.created == (1702391623 if when.endswith("Z") else 0)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (line({"content": "x"}),),
        (line({"content": "x"}), LAST[:-20]),
        (b"<html>\n",),
        (b"\xff\n",),
        (b"[]\n",),
        (b"[" * 100_000 + b"\n",),
        (b"{}\n",),
        (line(),),
        (line({"content": 5}),),
        (line({"content": "x"}), line(done=True, done_reason="unload")),
        (line({"content": "x"}), b'{"error":"secret words"}\n'),
        (b'{"error":{"message":"secret words"}}\n',),
    ],
)
def test_an_answer_that_is_cut_off_or_unknown_is_refused(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(GatewayError) as caught:
        read(*parts)
    assert isinstance(caught.value, UpstreamFailedError)
    assert "secret" not in caught.value.message


def test_a_prompt_that_does_not_fit_is_the_request_s_fault() -> None:
    with pytest.raises(RequestInvalidError) as caught:
        read(b'{"error":"the input length exceeds the context length"}\n')
    assert caught.value.code == "context_length_exceeded"


def test_lines_and_tool_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama_decode, "MAX_TOOL_CALLS", 2)
    call = {"function": {"name": "f", "arguments": {}}}
    with pytest.raises(UpstreamFailedError, match="too many tool calls"):
        read(line({"tool_calls": [call] * 3}))
    monkeypatch.setattr(ollama_decode, "MAX_LINE_BYTES", 100)
    with pytest.raises(UpstreamFailedError, match="oversized"):
        read(b"x" * 101)


def test_what_follows_the_last_line_goes_nowhere() -> None:
    assert read(line({"content": "x"}), LAST + b"garbage\n", b"more")[-1] == End()


@given(cuts=st.lists(st.integers(0, 700), max_size=10))
def test_every_cut_gives_the_same_events(cuts: list[int]) -> None:
    data = line({"content": "Grüße 😀"}) + b"\n" + line({"thinking": "x"}) + LAST
    edges = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    assert read(*(data[a:b] for a, b in itertools.pairwise(edges))) == read(data)
