"""The streamed text completion: events in, chunks out."""

from typing import Any

import msgspec

from kaigate.chat.events import End, Finish, Frame, LogprobsDelta, ReasoningDelta, Start, TextDelta, UsageReport
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.openai_completions_stream import StreamedCompletion

START = Start("c", "gpt", 5)
HEAD = b'data: {"id":"c","object":"text_completion","created":5,"model":"gpt",'


def stream(usage: bool = False, choices: int = 1) -> StreamedCompletion:
    return StreamedCompletion(provider="up", include_usage=usage, choices=choices)


def chunks(data: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(frame[6:]) for frame in data.split(b"\n\n") if frame]


def test_a_plain_stream() -> None:
    encoder = stream()
    assert encoder.feed([START]) == b""
    assert encoder.feed([TextDelta("")]) == b""
    assert encoder.feed([TextDelta("Pa")]) == (
        HEAD + b'"provider":"up","choices":[{"text":"Pa","index":0,"logprobs":null,"finish_reason":null}]}\n\n'
    )
    assert encoder.feed([TextDelta('r"is')]) == (
        HEAD + b'"choices":[{"text":"r\\"is","index":0,"logprobs":null,"finish_reason":null}]}\n\n'
    )
    assert encoder.feed([Finish("stop")]) == (
        HEAD + b'"provider":"up","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}\n\n'
    )
    assert encoder.feed([UsageReport(Usage(1, 1)), End()]) == b""
    assert encoder.end() == b"data: [DONE]\n\n"


def test_usage_comes_last_and_only_on_request() -> None:
    encoder = stream(usage=True)
    encoder.feed([START, TextDelta("x")])
    assert b"provider" not in encoder.feed([Finish("stop"), UsageReport(Usage(3, 2)), End()])
    usage, done = encoder.end().split(b"\n\n")[:2]
    body = msgspec.json.decode(usage[6:])
    assert (body["choices"], body["provider"], body["usage"]["total_tokens"]) == ([], "up", 5)
    assert done == b"data: [DONE]"


def test_choices_do_not_mix() -> None:
    encoder = stream(choices=2)
    out = chunks(
        encoder.feed([START, TextDelta("a"), TextDelta("A"), TextDelta("b", 1), TextDelta("c"), Finish("stop", 1)])
    )
    assert [(item["choices"][0]["index"], item["choices"][0]["text"]) for item in out] == [
        (0, "aA"),
        (1, "b"),
        (0, "c"),
        (1, ""),
    ]
    assert chunks(encoder.feed([TextDelta("d", 1)]))[0]["choices"][0]["index"] == 1
    assert "provider" in chunks(encoder.feed([Finish("length")]))[0]


def test_log_probabilities_ride_with_their_text() -> None:
    encoder = stream()
    first = LogprobsDelta([{"token": "Pa", "logprob": -0.5}])
    (chunk,) = chunks(encoder.feed([START, TextDelta("Pa"), first]))
    assert (chunk["choices"][0]["text"], chunk["choices"][0]["logprobs"]["tokens"]) == ("Pa", ["Pa"])
    (later,) = chunks(encoder.feed([LogprobsDelta([{"token": "ris", "logprob": -0.5}])]))
    assert later["choices"][0]["logprobs"]["text_offset"] == [2]


def test_reasoning_has_no_place() -> None:
    assert stream().feed([START, ReasoningDelta("hm")]) == b""


def test_an_upstream_frame_is_always_encoded_anew() -> None:
    encoder = stream()
    assert b"text_completion" in encoder.relay(Frame([START, TextDelta("a")], b'{"object":"x"}', exact=True))


def test_a_failure_is_the_last_event_and_nothing_says_done() -> None:
    encoder = stream()
    encoder.feed([START, TextDelta("Pa")])
    failed = encoder.fail(UpstreamFailedError("upstream_error", "No."))
    assert chunks(failed)[0]["error"]["code"] == "upstream_error"
    assert b"[DONE]" not in failed
