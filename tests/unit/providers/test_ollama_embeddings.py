"""Embeddings of Ollama: no text is cut unless the client asked for it."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import RequestInvalidError, UpstreamFailedError
from kaigate.providers.ollama_embeddings import decode_answer, encode_request

ONE = EmbeddingRequest("m", ("a",))


def sent(request: EmbeddingRequest, *, num_ctx: int | None = None, drop: bool = False) -> Any:
    body, dropped = encode_request(request, model="up", num_ctx=num_ctx, drop_params=drop)
    return msgspec.json.decode(body), dropped


def test_the_least_request_never_lets_the_server_cut_a_text() -> None:
    assert sent(ONE) == ({"model": "up", "input": ["a"], "truncate": False}, ())


def test_parameters_are_sent() -> None:
    request = EmbeddingRequest("m", ("a", "b"), 64, truncate=True, user="u")
    assert sent(request, num_ctx=2048) == (
        {"model": "up", "input": ["a", "b"], "truncate": True, "dimensions": 64, "options": {"num_ctx": 2048}},
        ("user",),
    )


def test_token_ids_are_refused_always() -> None:
    with pytest.raises(RequestInvalidError) as caught:
        sent(EmbeddingRequest("m", ("a", (1, 2))), drop=True)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "input[1]")


def test_what_can_not_be_honoured_is_refused_or_dropped_by_name() -> None:
    request = EmbeddingRequest("m", ("a",), extra={"input_type": "x"})
    with pytest.raises(RequestInvalidError):
        sent(request)
    assert sent(request, drop=True)[1] == ("input_type",)


def test_an_answer() -> None:
    body = b'{"model":"up-1","embeddings":[[1,0.5]],"total_duration":5,"prompt_eval_count":3}'
    assert decode_answer(body, ONE) == EmbeddingAnswer("up-1", ((1.0, 0.5),), Usage(3, 0))
    assert decode_answer(b'{"embeddings":[[1]]}', ONE) == EmbeddingAnswer("m", ((1.0,),))


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b'{"embeddings":[]}', b'{"embeddings":[[]]}', b'{"embeddings":[[1],[2]]}']
)
def test_an_answer_without_one_vector_for_each_input_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamFailedError):
        decode_answer(body, ONE)


def test_a_text_that_does_not_fit_is_the_request_s_fault() -> None:
    with pytest.raises(RequestInvalidError) as caught:
        decode_answer(b'{"error":"the input length exceeds the context length"}', ONE)
    assert caught.value.code == "context_length_exceeded"
