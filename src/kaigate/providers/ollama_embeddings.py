"""Embeddings of Ollama's `POST /api/embed` (source: Ollama API documentation, "Generate embeddings")."""

from typing import Any, Final

import msgspec

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import RequestInvalidError
from kaigate.providers.failures import stream_failure
from kaigate.providers.openai_embeddings import broken, finite
from kaigate.providers.openai_encode import refuse_or_drop

_encode: Final = msgspec.json.Encoder().encode


class _Answer(msgspec.Struct, gc=False):
    embeddings: list[list[float]] | None = None
    model: str | None = None
    prompt_eval_count: int | None = None
    error: Any = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def encode_request(
    request: EmbeddingRequest, *, model: str, num_ctx: int | None, drop_params: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of parameters left out of it.

    Ollama cuts a text that is too long unless it is told not to: it is told so, unless the client asked for that.
    Raises `RequestInvalidError` for token ids, which Ollama does not take.
    """
    dropped: list[str] = []
    for index, item in enumerate(request.inputs):
        if not isinstance(item, str):
            raise RequestInvalidError(
                "unsupported_parameter",
                "The model behind this name takes texts, not token ids; send strings.",
                param=f"input[{index}]",
            )
    body: dict[str, Any] = {"model": model, "input": request.inputs, "truncate": bool(request.truncate)}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if num_ctx is not None:
        body["options"] = {"num_ctx": num_ctx}
    if request.user is not None:
        dropped.append("user")
    for name in request.extra:
        refuse_or_drop(name, dropped, drop_params=drop_params)
    return _encode(body), tuple(dropped)


def decode_answer(body: bytes, request: EmbeddingRequest) -> EmbeddingAnswer:
    """The vectors in the order of the inputs; raises `UpstreamFailedError` on what is not one for each."""
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise broken("has a shape that is not known") from None
    if answer.error is not None:
        raise stream_failure(answer.error)
    vectors = tuple(finite(vector) for vector in answer.embeddings or ())
    if len(vectors) != len(request.inputs):
        raise broken("has not one vector for each input")
    tokens = answer.prompt_eval_count
    return EmbeddingAnswer(answer.model or request.model, vectors, None if tokens is None else Usage(max(tokens, 0), 0))
