"""The streamed answer in Ollama's forms: one object per line, and `done: true` only when all is well."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.events import (
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
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.ollama_parts import Form
from kaigate.surfaces.ollama_stream import StreamedAnswer

START = Start("ollama-1", "llama3.2", 1702388023)
HEAD = {"model": "llama3.2", "created_at": "2023-12-12T13:33:43Z"}


def objects(data: bytes) -> list[Any]:
    assert data.endswith(b"\n")
    return [msgspec.json.decode(line) for line in data.splitlines()]


def message(content: str = "", **fields: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content, **fields}, "done": False}


def stream(*batches: list[ChatEvent], form: Form = "chat") -> list[Any]:
    encoder = StreamedAnswer(form, provider="local")
    return objects(b"".join(encoder.feed(batch) for batch in batches) + encoder.end())


def test_a_stream() -> None:
    batches = ([START, TextDelta("Pa")], [TextDelta('ris "')], [Finish("length"), UsageReport(Usage(5, 2)), End()])
    last = {**HEAD, "provider": "local", "done": True, "done_reason": "length", "prompt_eval_count": 5, "eval_count": 2}
    assert stream(*batches) == [
        {**HEAD, "provider": "local", **message("Pa")},
        {**HEAD, **message('ris "')},
        {**last, "message": {"role": "assistant", "content": ""}},
    ]
    assert stream(*batches, form="generate") == [
        {**HEAD, "provider": "local", "response": "Pa", "done": False},
        {**HEAD, "response": 'ris "', "done": False},
        {**last, "response": ""},
    ]


def test_thinking_goes_before_text_and_refusals_are_text() -> None:
    lines = stream(
        [START, ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c"), RefusalDelta("d")],
        [LogprobsDelta([{"token": "b"}])],
        [ReasoningDelta("", signature="s")],
        [Finish("stop"), End()],
    )
    assert [line["message"] for line in lines[:-1]] == [
        {"role": "assistant", "content": "b", "thinking": "a"},
        {"role": "assistant", "content": "d", "thinking": "c"},
        {"role": "assistant", "content": ""},
    ]
    assert lines[2]["logprobs"] == [{"token": "b"}]


def test_tool_calls_go_out_whole_at_the_end_of_the_turn() -> None:
    lines = stream(
        [START, ToolCallStart(0, "c1", "f")],
        [ToolCallDelta(0, '{"a"'), ToolCallStart(1, "c2", "g"), ToolCallDelta(0, ":1}")],
        [Finish("tool_calls")],
        [End()],
    )
    assert len(lines) == 2
    assert lines[0] == {
        **HEAD,
        "provider": "local",
        **message(
            tool_calls=[
                {"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
                {"id": "c2", "function": {"index": 1, "name": "g", "arguments": {}}},
            ]
        ),
    }
    assert (lines[1]["done"], lines[1]["done_reason"]) == (True, "stop")


def test_a_failure_is_the_last_line_and_nothing_says_done() -> None:
    encoder = StreamedAnswer("chat", provider="p")
    data = encoder.feed([START, TextDelta("half")]) + encoder.fail(UpstreamFailedError("upstream_error", "It broke."))
    assert objects(data)[-1] == {"error": "It broke."}
    assert b'"done":true' not in data


@pytest.mark.parametrize(
    "event", [TextDelta("y", 1), Finish("stop", 1), ToolCallStart(0, "c", "f", 1), ReasoningDelta("y", 1)]
)
def test_a_second_choice_fails_the_stream(event: ChatEvent) -> None:
    encoder = StreamedAnswer("chat", provider="p")
    encoder.feed([START, TextDelta("x")])
    with pytest.raises(UpstreamFailedError):
        encoder.feed([event])


def test_a_call_that_can_not_be_written_fails_the_stream() -> None:
    encoder = StreamedAnswer("chat", provider="p")
    with pytest.raises(UpstreamFailedError):
        encoder.feed([START, ToolCallStart(0, "c", "f"), ToolCallDelta(0, "["), Finish("tool_calls")])


def test_a_tool_call_in_a_generate_answer_fails_the_stream() -> None:
    encoder = StreamedAnswer("generate", provider="p")
    with pytest.raises(UpstreamFailedError):
        encoder.feed([START, ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), Finish("tool_calls")])


FIRST = Frame([START, TextDelta("Pa")], b'{"model":"llama3.2","first":1}', exact=True)
MIDDLE = Frame([TextDelta("ris")], b'{"middle":1}', exact=True)
LAST = Frame([Finish("stop"), UsageReport(Usage(5, 2)), End()], b'{"last":1}', exact=True)


def test_untouched_lines_go_out_as_they_came_with_the_provider_in_the_first_and_the_last() -> None:
    encoder = StreamedAnswer("chat", provider="p")
    assert encoder.relay(FIRST) == b'{"provider":"p","model":"llama3.2","first":1}\n'
    assert encoder.relay(MIDDLE) == b'{"middle":1}\n'
    assert encoder.relay(LAST) == b"", "the last line waits until nothing can fail any more"
    assert encoder.end() == b'{"provider":"p","last":1}\n'


def test_touched_and_untouched_lines_mix() -> None:
    encoder = StreamedAnswer("chat", provider="p")
    encoder.relay(FIRST)
    assert objects(encoder.feed([TextDelta("x")])) == [{**HEAD, **message("x")}]
    assert encoder.feed([ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}")]) == b""
    (calls,) = objects(encoder.relay(LAST))
    assert calls["message"]["tool_calls"][0]["id"] == "c"
    assert encoder.end() == b'{"provider":"p","last":1}\n'


def test_a_relayed_stream_that_fails_never_says_done() -> None:
    encoder = StreamedAnswer("chat", provider="p")
    encoder.relay(FIRST)
    encoder.relay(LAST)
    assert encoder.fail(UpstreamFailedError("upstream_error", "It broke.")) == b'{"error":"It broke."}\n'


@pytest.mark.parametrize("form", ["chat", "generate"])
def test_no_text_breaks_a_line_for_readers_of_text(form: Form) -> None:
    text = "a\x85b\u2028c\u2029d\x0b\x0c\x1c\r\n"
    encoder = StreamedAnswer(form, provider=text)
    raw = Frame([TextDelta(text)], msgspec.json.encode({"x": text}), exact=True)
    last = Frame([Finish("stop"), End()], msgspec.json.encode({"y": text}), exact=True)
    data = encoder.feed([Start("i", text, 5), TextDelta(text)]) + encoder.feed([TextDelta(text)])
    data += encoder.feed([ReasoningDelta(text)]) + encoder.relay(raw) + encoder.relay(last) + encoder.end()
    lines = data.decode().splitlines()
    assert len(lines) == 5
    assert [msgspec.json.decode(line)[key] for line, key in ((lines[3], "x"), (lines[4], "y"))] == [text, text]
    fresh = StreamedAnswer(form, provider=text)
    ended = fresh.end() + fresh.fail(UpstreamFailedError("upstream_error", text))
    assert len(ended.decode().splitlines()) == 2
