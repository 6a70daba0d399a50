"""Tokens of what is to be embedded: texts, and texts that the client already made tokens of."""

from collections.abc import Callable
from typing import NamedTuple

from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.errors import RequestInvalidError
from kaigate.tokens.ceiling import NEAR
from kaigate.tokens.estimate import estimate_text
from kaigate.tokens.exact import ExactCounter


class Tokens(NamedTuple):
    """Tokens of all inputs together, and of the longest one."""

    total: int
    longest: int


def measure(request: EmbeddingRequest, of_text: Callable[[str], int] = estimate_text) -> Tokens:
    """The tokens of a request; tokens that the client sent count as they are."""
    counts = [of_text(item) if isinstance(item, str) else len(item) for item in request.inputs]
    return Tokens(sum(counts), max(counts))


def check_ceilings(
    request: EmbeddingRequest, *, of_all: int | None, of_one: int | None, counter: ExactCounter | None = None
) -> Tokens:
    """The tokens of a request that keeps its ceilings: estimated, or counted where the estimate is above one.

    Raises `RequestInvalidError("context_length_exceeded")` with both figures.
    """
    tokens, about = measure(request), "about "
    if _kept(tokens, of_all, of_one):
        return tokens
    if counter is not None and _kept(Tokens(tokens.total // NEAR, tokens.longest // NEAR), of_all, of_one):
        tokens, about = measure(request, counter.count_text), ""
        if _kept(tokens, of_all, of_one):
            return tokens
    if of_one is not None and tokens.longest > of_one:
        what = f"An input has {about}{tokens.longest} tokens, and the ceiling is {of_one}; send shorter texts."
    else:
        what = f"The inputs have {about}{tokens.total} tokens, and the ceiling is {of_all}; send fewer of them at once."
    raise RequestInvalidError("context_length_exceeded", what, param="input")


def _kept(tokens: Tokens, of_all: int | None, of_one: int | None) -> bool:
    return (of_all is None or tokens.total <= of_all) and (of_one is None or tokens.longest <= of_one)
