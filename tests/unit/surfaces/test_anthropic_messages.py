"""The surface picks the form of the answer that the request asked for."""

import msgspec
import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_answer import CompleteAnswer
from kaigate.surfaces.anthropic_messages import AnthropicMessages, count_answer, count_request
from kaigate.surfaces.anthropic_stream import StreamedAnswer
from kaigate.surfaces.surface import Surface

BODY = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]'


def test_it_is_a_surface() -> None:
    surface: Surface = AnthropicMessages()
    assert (surface.name, surface.format) == ("anthropic_messages", "anthropic_messages")


@pytest.mark.parametrize(
    ("stream", "kind"), [(b"true", StreamedAnswer), (b"false", CompleteAnswer), (b"null", CompleteAnswer)]
)
def test_the_answer_has_the_form_that_was_asked_for(stream: bytes, kind: type) -> None:
    surface = AnthropicMessages()
    request = surface.decode(BODY + b',"stream":' + stream + b"}")
    assert type(surface.encoder(request, provider="p")) is kind


def test_headers_are_read() -> None:
    assert AnthropicMessages().decode(BODY + b"}", {b"anthropic-beta": b"a"}).hints == {"anthropic-beta": "a"}


def test_the_depth_of_a_body_is_configured() -> None:
    body = BODY + b',"tools":[{"name":"f","input_schema":{"a":{"b":{"c":1}}}}]}'
    assert AnthropicMessages().decode(body).tools
    with pytest.raises(RequestInvalidError, match="nested deeper than 5"):
        AnthropicMessages(max_depth=5).decode(body)
    with pytest.raises(RequestInvalidError, match="nested deeper than 5"):
        count_request(body.replace(b'"max_tokens":9,', b""), max_depth=5)


def test_a_refusal_has_the_request_id() -> None:
    body = msgspec.json.decode(AnthropicMessages().error(RequestInvalidError("invalid_request", "No."), "req-1"))
    assert (body["type"], body["request_id"], body["error"]["message"]) == ("error", "req-1", "No.")


def test_a_count() -> None:
    request = count_request(b'{"model":"m","messages":[{"role":"user","content":"x"}]}', {b"anthropic-beta": b"a"})
    assert (request.model, request.hints) == ("m", {"anthropic-beta": "a"})
    assert count_answer(12) == b'{"input_tokens":12}'
