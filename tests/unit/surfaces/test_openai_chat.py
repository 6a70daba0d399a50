"""The surface picks the form of the answer that the request asked for."""

import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_chat import OpenAIChat
from kaigate.surfaces.openai_chat_answer import CompleteAnswer
from kaigate.surfaces.openai_chat_stream import StreamedAnswer
from kaigate.surfaces.surface import Surface


def test_it_is_a_surface() -> None:
    surface: Surface = OpenAIChat()
    assert (surface.name, surface.format) == ("openai_chat", "openai_chat")


@pytest.mark.parametrize(
    ("stream", "kind"), [(b"true", StreamedAnswer), (b"false", CompleteAnswer), (b"null", CompleteAnswer)]
)
def test_the_answer_has_the_form_that_was_asked_for(stream: bytes, kind: type) -> None:
    surface = OpenAIChat()
    request = surface.decode(b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":' + stream + b"}")
    assert type(surface.encoder(request, provider="p")) is kind


def test_the_depth_of_a_body_is_configured() -> None:
    tool = b'{"type":"function","function":{"name":"f","parameters":{"a":{"b":{"c":1}}}}}'
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[' + tool + b"]}"
    assert OpenAIChat().decode(body).tools
    with pytest.raises(RequestInvalidError, match="nested deeper than 5"):
        OpenAIChat(max_depth=5).decode(body)


def test_a_refusal_is_in_openai_grammar() -> None:
    assert OpenAIChat().error(RequestInvalidError("invalid_request", "No.", param="x"), "req-1") == (
        b'{"error":{"message":"No.","type":"invalid_request_error","param":"x","code":"invalid_request"}}'
    )
