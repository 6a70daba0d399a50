"""The rows of embedding formats: each reads what it is sent and writes what its clients expect."""

import msgspec
import pytest

from kaigate.chat.embeddings import EmbeddingAnswer
from kaigate.chat.usage import Usage
from kaigate.surfaces.embedding_format import FORMATS, EmbeddingFormat

ANSWER = EmbeddingAnswer("up", ((0.5, 1.0),), Usage(3, 0))


def test_names_differ() -> None:
    assert len({form.name for form in FORMATS}) == len(FORMATS) == 3


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_request_is_read_and_its_vector_written(form: EmbeddingFormat) -> None:
    field = "prompt" if form.name == "ollama_embeddings" else "input"
    request = form.decode(msgspec.json.encode({"model": "m", field: "hello"}), max_depth=8)
    assert (request.model, request.inputs) == ("m", ("hello",))
    body = msgspec.json.decode(form.encode(ANSWER, request, "near"))
    assert body["provider"] == "near"
    assert "0.5" in str(body)
