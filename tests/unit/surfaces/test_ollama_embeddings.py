"""Embeddings in Ollama's two forms."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_embeddings import (
    decode_embed,
    decode_legacy_embeddings,
    encode_embed,
    encode_legacy_embeddings,
)

ANSWER = EmbeddingAnswer("up", ((0.5, 1.0), (2.0, 3.0)), Usage(7, 0))


def embed(**fields: Any) -> EmbeddingRequest:
    return decode_embed(msgspec.json.encode({"model": "m", **fields}), max_depth=8)


def legacy(**fields: Any) -> EmbeddingRequest:
    return decode_legacy_embeddings(msgspec.json.encode({"model": "m", **fields}), max_depth=8)


def test_one_text_or_several() -> None:
    assert embed(input="a") == EmbeddingRequest("m", ("a",))
    assert embed(input=["a", "b"], truncate=True, dimensions=64) == EmbeddingRequest("m", ("a", "b"), 64, truncate=True)
    assert legacy(prompt="a") == EmbeddingRequest("m", ("a",))


@pytest.mark.parametrize(("make", "field"), [(embed, "input"), (legacy, "prompt")])
def test_how_the_model_is_loaded_is_accepted_and_ignored(make: Any, field: str) -> None:
    assert make(**{field: "a", "keep_alive": "5m", "options": {"num_ctx": 99}}) == EmbeddingRequest("m", ("a",))


@pytest.mark.parametrize(
    ("make", "fields", "param"),
    [
        (embed, {"input": ""}, "input"),
        (embed, {"input": []}, "input"),
        (embed, {"input": ["a", ""]}, "input[1]"),
        (embed, {"input": ["a"] * 2049}, "input"),
        (embed, {"input": [1]}, "input[0]"),
        (embed, {"prompt": "a"}, "prompt"),
        (embed, {"input": "a", "options": {"num_gpu": 1}}, "options.num_gpu"),
        (legacy, {"prompt": ""}, "prompt"),
        (legacy, {"input": "a"}, "input"),
        (legacy, {}, "prompt"),
    ],
)
def test_what_is_not_served_is_refused_by_name(make: Any, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        make(**fields)
    assert caught.value.param == param, caught.value.message


def test_answers() -> None:
    assert msgspec.json.decode(encode_embed(ANSWER, embed(input="a"), "local")) == {
        "model": "up",
        "provider": "local",
        "embeddings": [[0.5, 1.0], [2.0, 3.0]],
        "prompt_eval_count": 7,
    }
    unmetered = EmbeddingAnswer("up", ((1.0,),))
    assert "prompt_eval_count" not in msgspec.json.decode(encode_embed(unmetered, embed(input="a"), "local"))
    assert msgspec.json.decode(encode_legacy_embeddings(ANSWER, legacy(prompt="a"), "local")) == {
        "provider": "local",
        "embedding": [0.5, 1.0],
    }
