"""A request says only what the client said."""

import msgspec

from kaigate.chat.request import ChatRequest, Sampling


def test_sampling_that_was_not_sent_does_not_exist_on_the_wire() -> None:
    assert msgspec.json.encode(Sampling()) == b"{}"
    assert msgspec.json.encode(Sampling(temperature=0.0, n=1)) == b'{"temperature":0.0,"n":1}'


def test_defaults_ask_for_nothing() -> None:
    request = ChatRequest("m", ())
    assert (request.stream, request.include_usage, request.tools, request.extra) == (False, False, (), {})
    assert request.max_output_tokens is None


def test_extras_are_not_shared_between_requests() -> None:
    first, second = ChatRequest("m", ()), ChatRequest("m", ())
    first.extra["x"] = 1
    assert second.extra == {}
