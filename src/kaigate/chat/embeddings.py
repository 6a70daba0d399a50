"""Canonical embedding requests and answers."""

from typing import Any, Literal

import msgspec

from kaigate.chat.usage import Usage


class EmbeddingRequest(msgspec.Struct, frozen=True):
    """Texts, or texts as token ids, to be embedded, in the order of the answer.

    `encoding` is how the client wants its vectors; `truncate` whether a text beyond the model's window is cut, None
    where the client does not say. `extra` as in `ChatRequest`.
    """

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    truncate: bool | None = None
    user: str | None = None
    extra: dict[str, Any] = {}


class EmbeddingAnswer(msgspec.Struct, frozen=True):
    """One vector for each input, in their order; `usage` is None where the provider reports none."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None = None
