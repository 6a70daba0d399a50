"""Embedding requests in OpenAI's form; `tests/contract` has the official SDK read the answers."""

import base64
import struct
from typing import Any

import msgspec
import pytest

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_embeddings import MAX_INPUTS, MAX_TOKENS, decode_embeddings, encode_embeddings


def read(**fields: Any) -> EmbeddingRequest:
    return decode_embeddings(msgspec.json.encode({"model": "m", **fields}), max_depth=8)


@pytest.mark.parametrize(
    ("wire", "inputs"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
        (["x"] * MAX_INPUTS, ("x",) * MAX_INPUTS),
        ([1] * MAX_TOKENS, ((1,) * MAX_TOKENS,)),
    ],
)
def test_every_form_of_input(wire: Any, inputs: Any) -> None:
    assert read(input=wire) == EmbeddingRequest("m", inputs)


def test_parameters() -> None:
    request = read(input="a", encoding_format="base64", dimensions=256, user="u")
    assert request == EmbeddingRequest("m", ("a",), 256, "base64", user="u")
    assert read(input="a", encoding_format=None, dimensions=None, user=None) == EmbeddingRequest("m", ("a",))


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input": ""}, "invalid_request", "input"),
        ({"input": []}, "invalid_request", "input"),
        ({"input": ["a", ""]}, "invalid_request", "input[1]"),
        ({"input": [[1], []]}, "invalid_request", "input[1]"),
        ({"input": ["a", [1]]}, "invalid_request", "input[1]"),
        ({"input": [[1], "a"]}, "invalid_request", "input[1]"),
        ({"input": ["a", 1]}, "invalid_request", "input[1]"),
        ({"input": [1, "a"]}, "invalid_request", "input[0]"),
        ({"input": [-1]}, "invalid_request", "input[0]"),
        ({"input": ["x"] * (MAX_INPUTS + 1)}, "invalid_request", "input"),
        ({"input": [1] * (MAX_TOKENS + 1)}, "invalid_request", "input"),
        ({"input": [[1] * (MAX_TOKENS + 1)]}, "invalid_request", "input[0]"),
        ({"input": {"a": 1}}, "invalid_request", "input"),
        ({}, "invalid_request", "input"),
        ({"input": "a", "encoding_format": "hex"}, "invalid_request", "encoding_format"),
        ({"input": "a", "dimensions": 0}, "invalid_request", "dimensions"),
        ({"input": "a", "api_base": "x"}, "unsupported_parameter", "api_base"),
    ],
)
def test_what_is_not_served_is_refused_by_name(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        read(**fields)
    assert (caught.value.code, caught.value.param) == (code, param), caught.value.message


def test_a_body_has_one_reading_only() -> None:
    with pytest.raises(RequestInvalidError, match="twice"):
        decode_embeddings(b'{"model":"m","input":"a","input":"b"}', max_depth=8)


def test_an_answer_in_numbers() -> None:
    answer = EmbeddingAnswer("up", ((0.5, -1.0), (0.25, 2.0)), Usage(7, 0))
    assert msgspec.json.decode(encode_embeddings(answer, read(input=["a", "b"]), "openai")) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": [0.25, 2.0]},
        ],
        "model": "up",
        "provider": "openai",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


def test_an_answer_in_base64_is_little_endian_floats() -> None:
    answer = EmbeddingAnswer("up", ((0.5, -1.0),))
    body = msgspec.json.decode(encode_embeddings(answer, read(input="a", encoding_format="base64"), "p"))
    assert struct.unpack("<2f", base64.b64decode(body["data"][0]["embedding"])) == (0.5, -1.0)
    assert body["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
