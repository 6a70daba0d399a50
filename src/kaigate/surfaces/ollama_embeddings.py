"""The client surfaces `POST /api/embed` and the older `POST /api/embeddings` of one text.

Source: Ollama API documentation, "Generate embeddings". Where the client does not say `truncate: true`, a text beyond
the model's window is refused instead of cut: a vector of half a text looks like any other.
"""

from typing import Any, Final

import msgspec

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_wire import REFUSED, EmbedBody, LegacyEmbeddingsBody
from kaigate.surfaces.strict_struct import StrictDecoder

_encode: Final = msgspec.json.Encoder().encode
_EMBED: Final = StrictDecoder(EmbedBody, refused=REFUSED)
_LEGACY: Final = StrictDecoder(LegacyEmbeddingsBody, refused=REFUSED)


def decode_embed(body: bytes, *, max_depth: int) -> EmbeddingRequest:
    """Parse and check a body of `/api/embed`; raises `RequestInvalidError` naming the field and the remedy."""
    wire = _EMBED.decode(body, max_depth=max_depth)
    texts = [wire.input] if isinstance(wire.input, str) else wire.input
    if not texts:
        raise _empty("input")
    for index, text in enumerate(texts):
        if not text:
            raise _empty("input" if isinstance(wire.input, str) else f"input[{index}]")
    return EmbeddingRequest(model=wire.model, inputs=tuple(texts), dimensions=wire.dimensions, truncate=wire.truncate)


def encode_embed(answer: EmbeddingAnswer, request: EmbeddingRequest, provider: str) -> bytes:  # noqa: ARG001 -- as others
    """The body of an answer of `/api/embed`."""
    body: dict[str, Any] = {"model": answer.model, "provider": provider, "embeddings": answer.vectors}
    if answer.usage is not None:
        body["prompt_eval_count"] = answer.usage.input_tokens
    return _encode(body)


def decode_legacy_embeddings(body: bytes, *, max_depth: int) -> EmbeddingRequest:
    """Parse and check a body of `/api/embeddings`; raises `RequestInvalidError` naming the field and the remedy."""
    wire = _LEGACY.decode(body, max_depth=max_depth)
    if not wire.prompt:
        raise _empty("prompt")
    return EmbeddingRequest(model=wire.model, inputs=(wire.prompt,))


def encode_legacy_embeddings(answer: EmbeddingAnswer, request: EmbeddingRequest, provider: str) -> bytes:  # noqa: ARG001
    """The body of an answer of `/api/embeddings`: its one vector."""
    return _encode({"provider": provider, "embedding": answer.vectors[0]})


def _empty(path: str) -> RequestInvalidError:
    return RequestInvalidError(
        "invalid_request",
        f"{path} is empty; send at least one character, since loading models is not served.",
        param=path,
    )
