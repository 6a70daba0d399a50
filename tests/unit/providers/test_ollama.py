"""One configured Ollama server."""

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import Start
from kaigate.chat.request import ChatRequest
from kaigate.errors import UpstreamFailedError
from kaigate.providers.ollama import Ollama

REQUEST = ChatRequest("m", (Message("user", (TextBlock("Hi"),)),))


def test_the_call_goes_to_the_native_api() -> None:
    call = Ollama("local", num_ctx=512).encode(REQUEST, model="llama3.2:3b", max_output_tokens=5)
    assert (call.method, call.path) == ("POST", "/api/chat")
    assert b'"num_ctx":512' in call.body
    assert b"authorization" not in dict(call.headers)


def test_a_key_and_further_headers_are_sent() -> None:
    call = Ollama("cloud", api_key="k", headers={"X-A": "b"}).encode(REQUEST, model="m", max_output_tokens=None)
    assert dict(call.headers)[b"authorization"] == b"Bearer k"
    assert dict(call.headers)[b"x-a"] == b"b"


def test_ids_of_answers_begin_with_ollama_and_differ() -> None:
    ids = set()
    for _ in range(2):
        decoder = Ollama("local").decoder(REQUEST)
        decoder.feed(b'{"message":{"content":"x"},"done":true}')
        start = decoder.end()[0].events[0]
        assert isinstance(start, Start)
        ids.add(start.id)
    assert len(ids) == 2
    assert all(identity.startswith("ollama-") for identity in ids)


def test_a_model_that_is_not_pulled_is_the_operator_s_to_mend() -> None:
    error = Ollama("local").failure(404, {}, b'{"error":"model not found, try pulling it first"}')
    assert isinstance(error, UpstreamFailedError)
    assert error.status == 502
