"""One configured Ollama server."""

import msgspec
import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.chat.events import Start
from kaigate.chat.request import ChatRequest
from kaigate.errors import UpstreamFailedError
from kaigate.providers.ollama import ROOM_FOR_ANSWERS, Ollama, in_window
from kaigate.providers.openai import OpenAICompatible
from kaigate.providers.provider import EmbeddingProvider, Provider
from kaigate.providers.registry import ROWS

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


@pytest.mark.parametrize(
    ("context_tokens", "max_input_tokens", "max_tokens", "num_ctx"),
    [
        (None, None, None, None),
        (None, None, 512, None),
        (None, 6000, 2000, 8000),
        (None, 6000, None, 6000 + ROOM_FOR_ANSWERS),
        (16384, 6000, 2000, 16384),
    ],
)
def test_a_model_is_loaded_with_the_window_of_its_ceilings(
    context_tokens: int | None, max_input_tokens: int | None, max_tokens: int | None, num_ctx: int | None
) -> None:
    provider = in_window(
        Ollama("local", api_key="k"),
        context_tokens=context_tokens,
        max_input_tokens=max_input_tokens,
        max_tokens=max_tokens,
    )
    for asked in (1, 1000):
        call = provider.encode(REQUEST, model="m", max_output_tokens=asked)
        assert msgspec.json.decode(call.body)["options"].get("num_ctx") == num_ctx, "one window for every request"
        assert dict(call.headers)[b"authorization"] == b"Bearer k"
    assert provider.name == "local"


def test_other_providers_have_no_window_to_be_told() -> None:
    provider: Provider = OpenAICompatible("o", ROWS["openai"])
    assert in_window(provider, context_tokens=5, max_input_tokens=5, max_tokens=5) is provider


def test_what_may_be_dropped_stays_so_in_a_window() -> None:
    provider = Ollama("local", drop_params=True).with_window(512)
    request = ChatRequest("m", REQUEST.messages, extra={"min_tokens": 5})
    assert provider.encode(request, model="m", max_output_tokens=None).dropped == ("min_tokens",)


def test_embeddings_are_one_call_in_the_same_window() -> None:
    provider: EmbeddingProvider = Ollama("local", num_ctx=512)
    request = EmbeddingRequest("m", ("a", "b"))
    (call,) = provider.encode_embeddings(request, model="up")
    assert (call.method, call.path) == ("POST", "/api/embed")
    assert b'"num_ctx":512' in call.body
    assert provider.decode_embeddings([b'{"embeddings":[[1],[2]]}'], request).vectors == ((1.0,), (2.0,))
