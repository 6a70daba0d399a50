"""The surface picks the form of the answer that the request asked for."""

import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_answer import CompleteAnswer
from kaigate.surfaces.ollama_generate import OllamaGenerate
from kaigate.surfaces.ollama_stream import StreamedAnswer
from kaigate.surfaces.surface import Surface

BODY = b'{"model":"m","prompt":"x"'


def test_it_is_a_surface() -> None:
    surface: Surface = OllamaGenerate()
    assert (surface.name, surface.format) == ("ollama_generate", "ollama_generate")


@pytest.mark.parametrize(
    ("stream", "kind"),
    [(b',"stream":true', StreamedAnswer), (b',"stream":false', CompleteAnswer), (b"", StreamedAnswer)],
)
def test_the_answer_has_the_form_that_was_asked_for(stream: bytes, kind: type) -> None:
    surface = OllamaGenerate()
    encoder = surface.encoder(surface.decode(BODY + stream + b"}"), provider="p")
    assert type(encoder) is kind
    assert (b"message" in encoder.end()) is (surface.name == "ollama_chat")


def test_the_depth_of_a_body_is_configured() -> None:
    body = BODY + b',"format":{"a":{"b":{"c":1}}}}'
    assert OllamaGenerate().decode(body).response_format
    with pytest.raises(RequestInvalidError, match="nested deeper than 3"):
        OllamaGenerate(max_depth=3).decode(body)


def test_a_refusal_is_in_ollama_grammar() -> None:
    assert (
        OllamaGenerate().error(RequestInvalidError("invalid_request", "No.", param="x"), "req-1") == b'{"error":"No."}'
    )
