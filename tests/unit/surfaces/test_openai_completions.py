"""The surface picks the form of the answer that the request asked for."""

import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_completions import OpenAICompletions
from kaigate.surfaces.openai_completions_answer import CompleteCompletion
from kaigate.surfaces.openai_completions_stream import StreamedCompletion
from kaigate.surfaces.surface import Surface


def test_it_is_a_surface() -> None:
    surface: Surface = OpenAICompletions()
    assert (surface.name, surface.format) == ("openai_completions", "openai_completions")


@pytest.mark.parametrize(("stream", "kind"), [(b"true", StreamedCompletion), (b"null", CompleteCompletion)])
def test_the_answer_has_the_form_that_was_asked_for(stream: bytes, kind: type) -> None:
    surface = OpenAICompletions()
    request = surface.decode(b'{"model":"m","prompt":"x","stream":' + stream + b"}")
    assert type(surface.encoder(request, provider="p")) is kind


def test_the_depth_of_a_body_is_configured() -> None:
    with pytest.raises(RequestInvalidError, match="nested deeper than 2"):
        OpenAICompletions(max_depth=2).decode(b'{"model":"m","prompt":[["x"]]}')


def test_a_refusal_is_in_openai_grammar() -> None:
    assert OpenAICompletions().error(RequestInvalidError("invalid_request", "No.", param="x"), "req-1") == (
        b'{"error":{"message":"No.","type":"invalid_request_error","param":"x","code":"invalid_request"}}'
    )
