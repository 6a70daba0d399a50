"""The surface picks the form of the answer that the request asked for."""

import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_responses import OpenAIResponses
from kaigate.surfaces.openai_responses_answer import CompleteResponse
from kaigate.surfaces.openai_responses_stream import StreamedResponse
from kaigate.surfaces.surface import Surface


def test_it_is_a_surface() -> None:
    surface: Surface = OpenAIResponses()
    assert (surface.name, surface.format) == ("openai_responses", "openai_responses")


@pytest.mark.parametrize(("stream", "kind"), [(b"true", StreamedResponse), (b"false", CompleteResponse)])
def test_the_answer_has_the_form_that_was_asked_for(stream: bytes, kind: type) -> None:
    surface = OpenAIResponses()
    request = surface.decode(b'{"model":"m","input":"x","stream":' + stream + b"}")
    assert type(surface.encoder(request, provider="p")) is kind


def test_the_depth_of_a_body_is_configured() -> None:
    body = b'{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"a":{"b":{"c":1}}}}]}'
    assert OpenAIResponses().decode(body).tools
    with pytest.raises(RequestInvalidError, match="nested deeper than 5"):
        OpenAIResponses(max_depth=5).decode(body)


def test_a_refusal_is_in_openai_grammar() -> None:
    assert OpenAIResponses().error(RequestInvalidError("invalid_request", "No.", param="x"), "req-1") == (
        b'{"error":{"message":"No.","type":"invalid_request_error","param":"x","code":"invalid_request"}}'
    )
