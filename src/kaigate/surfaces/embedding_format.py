"""The client formats of embeddings, as rows of data: how each is read and written."""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest
from kaigate.surfaces import ollama_embeddings, openai_embeddings


class Decode(Protocol):
    """Parses a body; raises `RequestInvalidError` naming the field and the remedy."""

    def __call__(self, body: bytes, *, max_depth: int) -> EmbeddingRequest:
        """The request of one body."""
        ...


class EmbeddingFormat(msgspec.Struct, frozen=True):
    """One format: its name, and the two ends of its route. `encode` is told who answered."""

    name: str
    decode: Decode
    encode: Callable[[EmbeddingAnswer, EmbeddingRequest, str], bytes]


FORMATS: Final = (
    EmbeddingFormat("openai_embeddings", openai_embeddings.decode_embeddings, openai_embeddings.encode_embeddings),
    EmbeddingFormat("ollama_embed", ollama_embeddings.decode_embed, ollama_embeddings.encode_embed),
    EmbeddingFormat(
        "ollama_embeddings", ollama_embeddings.decode_legacy_embeddings, ollama_embeddings.encode_legacy_embeddings
    ),
)
