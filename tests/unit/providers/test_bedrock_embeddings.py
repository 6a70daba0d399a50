"""Embeddings of Titan and Cohere."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import RequestInvalidError, UpstreamFailedError
from kaigate.providers.bedrock_embeddings import decode_embeddings, encode_embeddings

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-english-v3"


def encoded(
    model: str, inputs: tuple[Any, ...], *, drop: bool = False, **fields: Any
) -> tuple[list[Any], tuple[str, ...]]:
    bodies, dropped = encode_embeddings(EmbeddingRequest("m", inputs, **fields), model=model, drop_params=drop)
    return [msgspec.json.decode(body) for body in bodies], dropped


def refused(model: str, inputs: tuple[Any, ...], **fields: Any) -> str | None:
    with pytest.raises(RequestInvalidError) as caught:
        encoded(model, inputs, **fields)
    return caught.value.param


def test_titan_takes_one_text_in_a_call() -> None:
    bodies, dropped = encoded(TITAN, ("a", "b"), dimensions=256, user="u")
    assert bodies == [{"inputText": "a", "dimensions": 256}, {"inputText": "b", "dimensions": 256}]
    assert dropped == ("user",)


def test_cohere_takes_batches() -> None:
    texts = tuple(str(number) for number in range(200))
    bodies, _ = encoded(COHERE, texts)
    assert [len(body["texts"]) for body in bodies] == [96, 96, 8]
    assert [text for body in bodies for text in body["texts"]] == list(texts)
    assert bodies[0].keys() == {"texts", "input_type"}


def test_cohere_s_options() -> None:
    bodies, _ = encoded(COHERE, ("a",), truncate=True, extra={"input_type": "search_query"})
    assert bodies == [{"texts": ["a"], "input_type": "search_query", "truncate": "END"}]
    assert encoded(COHERE, ("a",), truncate=False)[0][0]["truncate"] == "NONE"


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        (TITAN, {"truncate": True}, "truncate"),
        ("amazon.titan-embed-text-v1", {"dimensions": 8}, "dimensions"),
        (COHERE, {"dimensions": 8}, "dimensions"),
        (TITAN, {"extra": {"input_type": "search_query"}}, "input_type"),
    ],
)
def test_what_a_model_lacks_is_refused_or_dropped(model: str, fields: dict[str, Any], param: str) -> None:
    assert refused(model, ("a",), **fields) == param
    assert encoded(model, ("a",), drop=True, **fields)[1] == (param,)


def test_what_can_not_be_embedded_is_refused() -> None:
    assert refused(TITAN, ((1, 2),)) == "input"
    assert refused(TITAN, ("a", " ")) == "input"
    assert refused(COHERE, ("a",), extra={"input_type": "x"}) == "input_type"
    assert refused("anthropic.claude-sonnet-4-5", ("a",)) == "model"


def test_titan_s_answers() -> None:
    bodies = [b'{"embedding":[1,2.5],"inputTextTokenCount":3,"embeddingsByType":{}}'] * 2
    answer = decode_embeddings(bodies, EmbeddingRequest("m", ("a", "b")))
    assert (answer.vectors, answer.usage) == (((1.0, 2.5), (1.0, 2.5)), Usage(6, 0))


@pytest.mark.parametrize("embeddings", [[[1.0], [2.0]], {"float": [[1.0], [2.0]]}])
def test_cohere_s_answers(embeddings: Any) -> None:
    body = msgspec.json.encode({"embeddings": embeddings, "id": "x", "texts": ["a", "b"]})
    answer = decode_embeddings([body], EmbeddingRequest("m", ("a", "b")))
    assert (answer.vectors, answer.usage) == (((1.0,), (2.0,)), None)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"embedding":["x"]}', b'{"embeddings":[[1],[2],[3]]}', b'{"embeddings":{}}']
)
def test_other_answers_are_refused(body: bytes) -> None:
    with pytest.raises(UpstreamFailedError):
        decode_embeddings([body], EmbeddingRequest("m", ("a", "b")))
