"""Embeddings of OpenAI-compatible upstreams: what is sent, and every form in which vectors come back."""

import base64
import struct
from typing import Any

import msgspec
import pytest

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import RequestInvalidError, UpstreamFailedError
from kaigate.providers.openai import OpenAICompatible
from kaigate.providers.openai_embeddings import decode_answer, encode_request
from kaigate.providers.provider import EmbeddingProvider
from kaigate.providers.registry import ROWS

ONE = EmbeddingRequest("m", ("a",))
TWO = EmbeddingRequest("m", ("a", "b"))


def sent(request: EmbeddingRequest, row: str = "openai", *, drop: bool = False) -> Any:
    body, dropped = encode_request(request, ROWS[row], model="up", drop_params=drop)
    return msgspec.json.decode(body), dropped


@pytest.mark.parametrize(("row", "encoding"), [("openai", "base64"), ("azure", "base64"), ("vllm", "float")])
def test_the_least_request_asks_for_an_encoding_and_nothing_else(row: str, encoding: str) -> None:
    assert sent(ONE, row) == ({"model": "up", "input": "a", "encoding_format": encoding}, ())


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_how_the_client_wants_its_vectors_is_not_the_upstream_s_concern(encoding: Any) -> None:
    assert sent(EmbeddingRequest("m", ("a",), encoding=encoding))[0]["encoding_format"] == "base64"


def test_parameters_are_sent() -> None:
    body, dropped = sent(EmbeddingRequest("m", ((1, 2), (3,)), 256, user="u", truncate=False))
    assert body == {
        "model": "up",
        "input": [[1, 2], [3]],
        "encoding_format": "base64",
        "dimensions": 256,
        "user": "u",
    }
    assert dropped == ()


@pytest.mark.parametrize(
    ("fields", "param"), [({"truncate": True}, "truncate"), ({"extra": {"input_type": "x"}}, "input_type")]
)
def test_what_can_not_be_honoured_is_refused_or_dropped_by_name(fields: dict[str, Any], param: str) -> None:
    request = EmbeddingRequest("m", ("a",), **fields)
    with pytest.raises(RequestInvalidError) as caught:
        sent(request)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    assert sent(request, drop=True)[1] == (param,)


def test_a_hint_that_the_row_refuses_is_dropped() -> None:
    assert sent(EmbeddingRequest("m", ("a",), user="u"), "mistral") == (
        {"model": "up", "input": "a", "encoding_format": "float"},
        ("user",),
    )


def answer(*items: Any, **fields: Any) -> bytes:
    return msgspec.json.encode({"object": "list", "data": list(items), **fields})


def item(embedding: Any, index: int | None = None) -> dict[str, Any]:
    return {"object": "embedding", "embedding": embedding, **({} if index is None else {"index": index})}


PACKED = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()


def test_vectors_in_numbers_and_in_base64_come_in_the_order_of_the_inputs() -> None:
    body = answer(item([1, 2.5], 1), item(PACKED, 0), model="up-1", usage={"prompt_tokens": 3, "total_tokens": 3})
    assert decode_answer(body, TWO) == EmbeddingAnswer("up-1", ((0.5, -1.0), (1.0, 2.5)), Usage(3, 0))


def test_a_server_that_says_less() -> None:
    assert decode_answer(answer(item([1.0]), item([2.0])), TWO) == EmbeddingAnswer("m", ((1.0,), (2.0,)))
    assert decode_answer(answer(item([1.0]), usage={"total_tokens": 0}), ONE).usage == Usage(0, 0)
    assert decode_answer(answer(item([1.0]), usage={}), ONE).usage is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[]",
        b"{}",
        answer(),
        answer(item([1.0], 0), item([1.0], 0)),
        answer(item([1.0], 0), item([1.0], 1)),
        answer(item([1.0], -1)),
        answer(item([], 0)),
        answer(item("", 0)),
        answer(item("AAA", 0)),
        answer(item("AAAA", 0)),
        answer(item("!!!!", 0)),
        answer(item("AAAA!AA==", 0)),
        answer(item(base64.b64encode(struct.pack("<f", float("nan"))).decode(), 0)),
        answer(item(["secret"], 0)),
        b"[" * 100_000,
    ],
)
def test_an_answer_without_one_finite_vector_for_each_input_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamFailedError) as caught:
        decode_answer(body, ONE)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("row", "version", "path"),
    [
        ("openai", None, "/embeddings"),
        ("azure", None, "/openai/v1/embeddings"),
        ("azure", "2024-10-21", "/openai/deployments/my%2Femb/embeddings?api-version=2024-10-21"),
    ],
)
def test_the_call(row: str, version: str | None, path: str) -> None:
    provider: EmbeddingProvider = OpenAICompatible("o", ROWS[row], api_key="k", api_version=version)
    (call,) = provider.encode_embeddings(ONE, model="my/emb")
    assert (call.method, call.path) == ("POST", path)
    assert dict(call.headers)[b"accept"] == b"application/json"
    assert provider.decode_embeddings([answer(item([1.0]))], ONE).vectors == ((1.0,),)
