"""One configured upstream: addresses, credentials, decoders."""

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest
from kaigate.errors import RequestInvalidError
from kaigate.providers.openai import OpenAICompatible
from kaigate.providers.openai_decode import CompletionDecoder, StreamDecoder
from kaigate.providers.registry import ROWS

REQUEST = ChatRequest("m", (Message("user", (TextBlock("Hi"),)),))


def headers(provider: OpenAICompatible, request: ChatRequest = REQUEST) -> dict[bytes, bytes]:
    call = provider.encode(request, model="up", max_output_tokens=None)
    assert call.method == "POST"
    assert len({name for name, _ in call.headers}) == len(call.headers)
    return dict(call.headers)


def test_the_credential_and_the_organization_travel_in_headers() -> None:
    sent = headers(OpenAICompatible("o", ROWS["openai"], api_key="k1", organization="org", headers={"X-Team": "a"}))
    assert sent == {
        b"content-type": b"application/json",
        b"authorization": b"Bearer k1",
        b"openai-organization": b"org",
        b"x-team": b"a",
        b"accept": b"application/json",
    }


def test_without_a_key_there_is_no_credential() -> None:
    assert b"authorization" not in headers(OpenAICompatible("o", ROWS["llamacpp"]))


def test_a_stream_is_asked_for_as_events() -> None:
    request = ChatRequest("m", REQUEST.messages, stream=True)
    assert headers(OpenAICompatible("o", ROWS["openai"]), request)[b"accept"] == b"text/event-stream"


@pytest.mark.parametrize(
    ("row", "version", "path"),
    [
        ("openai", None, "/chat/completions"),
        ("openai", "2024-10-21", "/chat/completions"),
        ("azure", None, "/openai/v1/chat/completions"),
        ("azure", "2024-10-21", "/openai/deployments/my%2Fgpt/chat/completions?api-version=2024-10-21"),
        ("azure", "a&b=c", "/openai/deployments/my%2Fgpt/chat/completions?api-version=a%26b%3Dc"),
    ],
)
def test_the_path(row: str, version: str | None, path: str) -> None:
    provider = OpenAICompatible("o", ROWS[row], api_key="k", api_version=version)
    assert provider.encode(REQUEST, model="my/gpt", max_output_tokens=None).path == path


def test_azure_has_its_own_credential_header() -> None:
    sent = headers(OpenAICompatible("o", ROWS["azure"], api_key="k1"))
    assert sent[b"api-key"] == b"k1"
    assert b"authorization" not in sent


def test_the_decoder_fits_the_request() -> None:
    provider = OpenAICompatible("o", ROWS["openai"])
    assert isinstance(provider.decoder(REQUEST), CompletionDecoder)
    assert isinstance(provider.decoder(ChatRequest("m", REQUEST.messages, stream=True)), StreamDecoder)


def test_an_answer_without_an_id_gets_one_of_its_own() -> None:
    provider = OpenAICompatible("o", ROWS["openai"])
    body = b'{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}'
    ids = set()
    for _ in range(2):
        decoder = provider.decoder(REQUEST)
        decoder.feed(body)
        ids.add(decoder.end()[0].events[0].id)  # type: ignore[union-attr]
    assert len(ids) == 2
    assert all(identity.startswith("chatcmpl-") for identity in ids)


def test_failures_are_translated() -> None:
    assert isinstance(OpenAICompatible("o", ROWS["openai"]).failure(400, {}, b""), RequestInvalidError)
