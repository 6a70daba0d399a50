"""The streamed answer: events in, chunks out. `tests/contract` proves its rules for every sequence of events."""

import msgspec
import pytest

from kaigate.chat.events import (
    ChatEvent,
    End,
    Finish,
    Frame,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.openai_chat_stream import StreamedAnswer

START = Start("chatcmpl-1", "gpt", 5, "fp", "flex")
HEAD = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"gpt",'
    b'"system_fingerprint":"fp","service_tier":"flex",'
)


def stream(usage: bool = False) -> StreamedAnswer:
    return StreamedAnswer(provider="up", include_usage=usage)


def test_a_plain_stream() -> None:
    encoder = stream()
    assert encoder.feed([START]) == b""
    assert encoder.feed([TextDelta("Pa")]) == (
        HEAD + b'"provider":"up","choices":[{"index":0,"delta":{"role":"assistant","content":"Pa"},'
        b'"logprobs":null,"finish_reason":null}]}\n\n'
    )
    assert encoder.feed([TextDelta('r"is')]) == (
        HEAD + b'"choices":[{"index":0,"delta":{"content":"r\\"is"},"logprobs":null,"finish_reason":null}]}\n\n'
    )
    assert encoder.feed([Finish("stop")]) == (
        HEAD + b'"provider":"up","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
    )
    assert encoder.feed([UsageReport(Usage(1, 1)), End()]) == b""
    assert encoder.end() == b"data: [DONE]\n\n"


def test_usage_comes_last_and_only_on_request() -> None:
    encoder = stream(usage=True)
    encoder.feed([START, TextDelta("x")])
    finish = encoder.feed([Finish("stop"), UsageReport(Usage(3, 2)), End()])
    assert b"provider" not in finish
    usage, done = encoder.end().split(b"\n\n")[:2]
    body = msgspec.json.decode(usage[6:])
    assert (body["choices"], body["provider"], body["usage"]["total_tokens"]) == ([], "up", 5)
    assert done == b"data: [DONE]"


def test_usage_that_never_came_is_not_invented() -> None:
    encoder = stream(usage=True)
    encoder.feed([START, TextDelta("x"), Finish("stop"), End()])
    assert encoder.end() == b"data: [DONE]\n\n"


def test_an_answer_without_text_still_has_its_role() -> None:
    encoder = stream()
    body = msgspec.json.decode(encoder.feed([START, Finish("content_filter"), End()])[6:])
    assert body["choices"][0]["delta"] == {"role": "assistant", "content": ""}


def test_a_tool_call_that_comes_at_once_is_one_entry() -> None:
    encoder = stream()
    events: list[ChatEvent] = [START, ToolCallStart(0, "c", "look"), ToolCallDelta(0, "{"), ToolCallDelta(0, "}")]
    body = msgspec.json.decode(encoder.feed(events)[6:])
    assert body["choices"][0]["delta"]["tool_calls"] == [
        {"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    ]


def test_a_failure_is_the_last_event_and_no_success() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("half")])
    failure = encoder.fail(UpstreamFailedError("upstream_timeout", "Too late."))
    assert failure.startswith(b'data: {"error":')
    assert failure.endswith(b"}\n\n")
    assert b"[DONE]" not in failure


def raw(delta: str, finish: str = "null", extra: str = "") -> bytes:
    return (
        '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"gpt",'
        f'"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{extra}}}'
    ).encode()


def test_upstream_bytes_pass_as_they_are_with_the_provider_in_the_first_and_last() -> None:
    encoder = stream()
    first, middle, last = raw('{"role":"assistant","content":""}'), raw('{"content":"x"}'), raw("{}", '"stop"')
    assert (
        encoder.relay(Frame([START, TextDelta("")], first, exact=True))
        == b'data: {"provider":"up",' + first[1:] + b"\n\n"
    )
    assert encoder.relay(Frame([TextDelta("x")], middle, exact=True)) == b"data: " + middle + b"\n\n"
    assert encoder.relay(Frame([Finish("stop")], last, exact=True)) == b'data: {"provider":"up",' + last[1:] + b"\n\n"
    assert encoder.relay(Frame([End()], b"[DONE]")) == b""


@pytest.mark.parametrize("asked", [False, True])
def test_an_upstream_usage_frame_passes_only_on_request(asked: bool) -> None:
    encoder = stream(usage=asked)
    encoder.relay(Frame([START, TextDelta("")], raw('{"role":"assistant"}'), exact=True))
    finish = encoder.relay(Frame([Finish("stop")], raw("{}", '"stop"'), exact=True))
    assert (b"provider" in finish) is not asked
    usage = encoder.relay(Frame([UsageReport(Usage(1, 1))], b'{"choices":[],"usage":{"n":1}}', exact=True))
    assert usage == (b'data: {"provider":"up","choices":[],"usage":{"n":1}}\n\n' if asked else b"")
    assert encoder.end() == b"data: [DONE]\n\n"


def test_a_frame_that_relies_on_a_role_which_was_never_sent_is_encoded_anew() -> None:
    encoder = stream()
    encoder.feed([START])  # the frame with the role was held back
    out = encoder.relay(Frame([TextDelta("x")], raw('{"content":"x"}'), exact=True))
    assert b'"role":"assistant"' in out


def test_a_legacy_caller_never_gets_upstream_bytes() -> None:
    encoder = StreamedAnswer(provider="up", include_usage=False, legacy_functions=True)
    events: list[ChatEvent] = [START, ToolCallStart(0, "c", "look")]
    out = encoder.relay(Frame(events, b'{"role":1}', exact=True))
    assert b'"function_call":{"name":"look","arguments":""}' in out
