"""Embeddings through InvokeModel: Titan takes one text in a call, Cohere up to 96.

Source: Bedrock user guide, "Amazon Titan Text Embeddings models" and "Cohere Embed models".
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.chat.usage import Usage
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_events import broken
from kaigate.providers.bedrock_models import family
from kaigate.providers.openai_encode import refuse_or_drop

MAX_BATCH: Final = 96
_INPUT_TYPES: Final = frozenset({"search_document", "search_query", "classification", "clustering"})
_encode: Final = msgspec.json.Encoder().encode


class _Vectors(msgspec.Struct, gc=False):
    float: list[list[float]]


class _Answer(msgspec.Struct, gc=False, rename={"tokens": "inputTextTokenCount"}):
    """Titan's `embedding`, or Cohere's `embeddings`: a list, or lists by type."""

    embedding: list[float] | None = None
    tokens: int | None = None
    embeddings: list[list[float]] | _Vectors | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def encode_embeddings(
    request: EmbeddingRequest, *, model: str, drop_params: bool
) -> tuple[list[bytes], tuple[str, ...]]:
    """The bodies of all calls, and the names of parameters left out of them.

    Raises `RequestInvalidError` for token ids, for a model that is no embedding model known here, and for what it
    can't honour.
    """
    dropped: list[str] = []
    texts = [_text(item, index) for index, item in enumerate(request.inputs)]
    kind = family(model)
    known = {"input_type"} if kind == "cohere" else set()
    for name in request.extra:
        if name not in known:
            refuse_or_drop(name, dropped, drop_params=drop_params)
    if request.user is not None:
        dropped.append("user")
    if kind == "cohere":
        bodies = _cohere(request, texts, dropped, drop_params=drop_params)
    elif kind == "titan":
        bodies = _titan(request, texts, model, dropped, drop_params=drop_params)
    else:
        raise RequestInvalidError(
            "unsupported_parameter", "The model behind this name does not make embeddings.", param="model"
        )
    return bodies, tuple(dict.fromkeys(dropped))


def decode_embeddings(bodies: Sequence[bytes], request: EmbeddingRequest) -> EmbeddingAnswer:
    """The vectors in the order of the inputs; usage only where every call reports it (Cohere does not)."""
    vectors: list[tuple[float, ...]] = []
    tokens: int | None = 0
    for body in bodies:
        answer = _decoded(body)
        tokens = None if tokens is None or answer.tokens is None else tokens + max(answer.tokens, 0)
        vectors.extend(map(tuple, _vectors(answer)))
    if len(vectors) != len(request.inputs):
        raise broken("has not one vector for each input")
    return EmbeddingAnswer(request.model, tuple(vectors), None if tokens is None else Usage(tokens, 0))


def _decoded(body: bytes) -> _Answer:
    try:
        return _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise broken("has a shape that is not known") from None


def _vectors(answer: _Answer) -> list[list[float]]:
    if answer.embedding is not None:
        return [answer.embedding]
    if isinstance(answer.embeddings, _Vectors):
        return answer.embeddings.float
    if answer.embeddings is not None:
        return answer.embeddings
    raise broken("has no vectors")


def _text(item: str | tuple[int, ...], index: int) -> str:
    if not isinstance(item, str):
        raise RequestInvalidError(
            "unsupported_parameter",
            f"input[{index}] is token ids, which the model behind this name does not take; send text.",
            param="input",
        )
    if not item or item.isspace():
        raise RequestInvalidError("invalid_request", f"input[{index}] is blank; send text.", param="input")
    return item


def _titan(
    request: EmbeddingRequest, texts: list[str], model: str, dropped: list[str], *, drop_params: bool
) -> list[bytes]:
    """Titan refuses what is too long, so only the wish to have it cut can't be honoured."""
    options: dict[str, Any] = {}
    if request.truncate:
        refuse_or_drop("truncate", dropped, drop_params=drop_params)
    if request.dimensions is not None:
        if "embed-text-v2" in model:
            options["dimensions"] = request.dimensions
        else:
            refuse_or_drop("dimensions", dropped, drop_params=drop_params)
    return [_encode({"inputText": text, **options}) for text in texts]


def _cohere(request: EmbeddingRequest, texts: list[str], dropped: list[str], *, drop_params: bool) -> list[bytes]:
    wanted = request.extra.get("input_type", "search_document")
    if wanted not in _INPUT_TYPES:
        raise RequestInvalidError(
            "invalid_request", f"input_type must be one of {', '.join(sorted(_INPUT_TYPES))}.", param="input_type"
        )
    options: dict[str, Any] = {"input_type": wanted}
    if request.truncate is not None:
        options["truncate"] = "END" if request.truncate else "NONE"
    if request.dimensions is not None:
        refuse_or_drop("dimensions", dropped, drop_params=drop_params)
    batches = [texts[start : start + MAX_BATCH] for start in range(0, len(texts), MAX_BATCH)]
    return [_encode({"texts": batch, **options}) for batch in batches]
