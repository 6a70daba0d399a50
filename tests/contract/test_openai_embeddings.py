"""The official `openai` client asks for embeddings and reads them, and its types admit what we send upstream."""

import httpx
import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError
from kaigate.providers.openai import OpenAICompatible
from kaigate.providers.registry import ROWS
from kaigate.surfaces.openai_embeddings import decode_embeddings, encode_embeddings
from kaigate.surfaces.openai_error import error_body

VECTORS = st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1), min_size=1)


def client(vectors: list[list[float]], seen: list[EmbeddingRequest]) -> openai.OpenAI:
    """A client whose requests end in our surface; its own strict mode refuses the base64 that it asks for."""

    def serve(sent: httpx.Request) -> httpx.Response:
        try:
            request = decode_embeddings(sent.content, max_depth=8)
        except GatewayError as error:
            return httpx.Response(error.status, content=error_body(error))
        seen.append(request)
        answer = EmbeddingAnswer("up", tuple(map(tuple, vectors)), Usage(3, 0))
        body = encode_embeddings(answer, request, "p")
        return httpx.Response(200, content=body, headers={"content-type": "application/json"})

    return openai.OpenAI(
        api_key="k",
        base_url="http://127.0.0.1:9/v1",
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(serve)),
    )


@settings(max_examples=25)
@given(vectors=VECTORS)
def test_the_client_reads_the_same_numbers_in_both_encodings(vectors: list[list[float]]) -> None:
    seen: list[EmbeddingRequest] = []
    asking = client(vectors, seen)
    packed = asking.embeddings.create(model="m", input=["x"] * len(vectors))
    plain = asking.embeddings.create(model="m", input=["x"] * len(vectors), encoding_format="float")
    assert [request.encoding for request in seen] == ["base64", "float"]
    assert [list(item.embedding) for item in packed.data] == vectors
    assert [list(item.embedding) for item in plain.data] == vectors
    assert [item.index for item in plain.data] == list(range(len(vectors)))
    assert plain.usage.prompt_tokens == 3


def test_every_parameter_of_the_client_is_understood() -> None:
    seen: list[EmbeddingRequest] = []
    client([[0.5]], seen).embeddings.create(model="m", input=[[1, 2]], dimensions=1, user="u", encoding_format="float")
    assert seen == [EmbeddingRequest("m", ((1, 2),), 1, "float", user="u")]


def test_a_refusal_is_the_client_s_error() -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client([[0.5]], []).embeddings.create(model="m", input="")
    assert caught.value.param == "input"


@given(vectors=VECTORS, base64=st.booleans())
def test_what_one_of_us_writes_the_other_reads(vectors: list[list[float]], base64: bool) -> None:
    request = EmbeddingRequest("m", ("x",) * len(vectors), encoding="base64" if base64 else "float")
    body = encode_embeddings(EmbeddingAnswer("up", tuple(map(tuple, vectors)), Usage(3, 0)), request, "p")
    if not base64:
        assert CreateEmbeddingResponse.model_validate_json(body, strict=True).data
    answer = OpenAICompatible("o", ROWS["openai"]).decode_embeddings([body], request)
    assert answer == EmbeddingAnswer("up", tuple(map(tuple, vectors)), Usage(3, 0))


def test_a_request_is_the_same_upstream() -> None:
    wire = {"model": "m", "input": ["a", "b"], "dimensions": 8, "user": "u"}
    request = decode_embeddings(msgspec.json.encode(wire), max_depth=8)
    (call,) = OpenAICompatible("o", ROWS["openai"]).encode_embeddings(request, model="m")
    assert msgspec.json.decode(call.body) == {**wire, "encoding_format": "base64"}
