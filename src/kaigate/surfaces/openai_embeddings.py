"""The client surface `POST /v1/embeddings` (source: OpenAI API reference, "Create embeddings")."""

import base64
import sys
from array import array
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.strict_struct import StrictDecoder

MAX_INPUTS: Final = 2048
MAX_TOKENS: Final = 8192
"""OpenAI's bounds: inputs of one request, and tokens of one input."""

_encode: Final = msgspec.json.Encoder().encode
_Token = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class EmbeddingsBody(msgspec.Struct, forbid_unknown_fields=True):
    """`input` is one text, texts, one text as token ids, or texts as token ids."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str | list[str | _Token | list[_Token]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=65_536)] | None = None
    user: Annotated[str, Meta(max_length=512)] | None = None


_BODY: Final = StrictDecoder(EmbeddingsBody, allowed={"encoding_format": "float or base64"})


def decode_embeddings(body: bytes, *, max_depth: int) -> EmbeddingRequest:
    """Parse and check one body; raises `RequestInvalidError` naming the field and the remedy."""
    wire = _BODY.decode(body, max_depth=max_depth)
    return EmbeddingRequest(
        model=wire.model,
        inputs=_inputs(wire.input),
        dimensions=wire.dimensions,
        encoding=wire.encoding_format or "float",
        user=wire.user,
    )


def encode_embeddings(answer: EmbeddingAnswer, request: EmbeddingRequest, provider: str) -> bytes:
    """The body of the answer: numbers, or base64 of little-endian 32-bit floats, as the client asked."""
    form = _base64 if request.encoding == "base64" else _numbers
    body: dict[str, Any] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": form(vector)}
            for index, vector in enumerate(answer.vectors)
        ],
        "model": answer.model,
        "provider": provider,
        # The SDK's type requires it: without figures of the provider there are none to give.
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
    }
    if answer.usage is not None:
        body["usage"] = {"prompt_tokens": answer.usage.input_tokens, "total_tokens": answer.usage.total_tokens}
    return _encode(body)


def _inputs(wire: str | list[str | int | list[int]]) -> tuple[str | tuple[int, ...], ...]:
    if isinstance(wire, str):
        return (_text(wire, "input"),)
    if not wire:
        raise _invalid("input", "is empty; send at least one text")
    if all(isinstance(item, int) for item in wire):
        return (_tokens(wire, "input"),)
    if len(wire) > MAX_INPUTS:
        raise _invalid("input", f"has more than {MAX_INPUTS} texts; send them in several requests")
    texts = isinstance(wire[0], str)
    inputs: list[str | tuple[int, ...]] = []
    for index, item in enumerate(wire):
        if isinstance(item, str) and texts:
            inputs.append(_text(item, f"input[{index}]"))
        elif isinstance(item, list) and not texts:
            inputs.append(_tokens(item, f"input[{index}]"))
        else:
            raise _invalid(f"input[{index}]", "is of another kind than those before it; send texts or token ids")
    return tuple(inputs)


def _text(text: str, path: str) -> str:
    if not text:
        raise _invalid(path, "is empty; send at least one character")
    return text


def _tokens(tokens: list[Any], path: str) -> tuple[int, ...]:
    if not tokens:
        raise _invalid(path, "is empty; send at least one token")
    if len(tokens) > MAX_TOKENS:
        raise _invalid(path, f"has more than {MAX_TOKENS} tokens; send shorter texts")
    return tuple(tokens)


def _numbers(vector: tuple[float, ...]) -> tuple[float, ...]:
    return vector


def _base64(vector: tuple[float, ...]) -> str:
    values = array("f", vector)
    if sys.byteorder == "big":
        values.byteswap()
    return base64.b64encode(values.tobytes()).decode()


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
