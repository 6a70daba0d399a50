"""Embeddings of OpenAI and compatible servers (source: OpenAI API reference, "Create embeddings")."""

import binascii
import math
import sys
from array import array
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.providers.openai_encode import refuse_or_drop
from kaigate.providers.provider_row import ProviderRow

_encode: Final = msgspec.json.Encoder().encode


class _Vector(msgspec.Struct, gc=False):
    embedding: list[float] | str
    index: int | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Answer(msgspec.Struct, gc=False):
    data: list[_Vector]
    model: str | None = None
    usage: _Usage | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def encode_request(
    request: EmbeddingRequest, row: ProviderRow, *, model: str, drop_params: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of parameters left out of it.

    The encoding is always asked for, in the row's way: servers differ in their default, and one failed on null.
    Raises `RequestInvalidError("unsupported_parameter")` for what the row refuses, unless `drop_params`.
    """
    dropped: list[str] = []
    body: dict[str, Any] = {
        "model": model,
        "input": request.inputs if len(request.inputs) > 1 else request.inputs[0],
        "encoding_format": row.embedding_encoding,
    }
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if request.user is not None:
        body["user"] = request.user
    for name in ("dimensions", "user"):
        if name in body and name in row.refused:
            refuse_or_drop(name, dropped, drop_params=drop_params)
            del body[name]
    if request.truncate:
        # False is what these servers do anyway: a text that is too long is an error.
        refuse_or_drop("truncate", dropped, drop_params=drop_params)
    for name in request.extra:
        refuse_or_drop(name, dropped, drop_params=drop_params)
    return _encode(body), tuple(dropped)


def decode_answer(body: bytes, request: EmbeddingRequest) -> EmbeddingAnswer:
    """The vectors in the order of the inputs, from numbers or base64; raises `UpstreamFailedError` on anything else."""
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise broken("has a shape that is not known") from None
    vectors: list[tuple[float, ...] | None] = [None] * len(request.inputs)
    for position, item in enumerate(answer.data):
        index = position if item.index is None else item.index
        if not 0 <= index < len(vectors) or vectors[index] is not None:
            raise broken("has not one vector for each input")
        vectors[index] = finite(_unpacked(item.embedding) if isinstance(item.embedding, str) else item.embedding)
    complete = tuple(vector for vector in vectors if vector is not None)
    if len(complete) != len(vectors):
        raise broken("has not one vector for each input")
    return EmbeddingAnswer(answer.model or request.model, complete, _usage(answer.usage))


def finite(values: Sequence[float]) -> tuple[float, ...]:
    """A vector as it may leave; raises `UpstreamFailedError` for none, and for numbers that JSON does not have."""
    # A sum is finite only if its parts are, and takes a tenth of the time of asking each of thousands.
    if not values or not math.isfinite(sum(values)):
        raise broken("has a vector that is empty or not finite")
    return tuple(values)


def broken(what: str) -> UpstreamFailedError:
    """The error for an answer that is no list of vectors."""
    return UpstreamFailedError("upstream_error", f"The model server's answer {what}.")


def _unpacked(text: str) -> Sequence[float]:
    """Base64 of little-endian 32-bit floats."""
    values = array("f")
    try:
        values.frombytes(binascii.a2b_base64(text, strict_mode=True))
    except ValueError:
        raise broken("has a vector that is not base64 of floats") from None
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _usage(usage: _Usage | None) -> Usage | None:
    """Input tokens: absent is unknown, never 0. Servers that only total them mean the same."""
    if usage is None:
        return None
    tokens = usage.prompt_tokens if usage.prompt_tokens is not None else usage.total_tokens
    return None if tokens is None else Usage(max(tokens, 0), 0)
