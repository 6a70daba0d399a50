"""The ceiling of input tokens that a model or a key sets."""

from typing import Final

from kaigate.chat.request import ChatRequest
from kaigate.errors import RequestInvalidError
from kaigate.tokens.estimate import estimate
from kaigate.tokens.exact import ExactCounter

NEAR: Final = 3
"""Beyond this many times the ceiling the estimate can't be wrong enough to be worth an exact count."""


def check_ceiling(request: ChatRequest, ceiling: int | None, *, counter: ExactCounter | None = None) -> int:
    """Input tokens of a request that keeps its ceiling: estimated, or counted where the estimate is above it.

    Raises `RequestInvalidError("context_length_exceeded")` with both figures.
    """
    tokens = estimate(request)
    if ceiling is None or tokens <= ceiling:
        return tokens
    about = "about "
    if counter is not None and tokens <= NEAR * ceiling:
        tokens = counter.count(request)
        about = ""
        if tokens <= ceiling:
            return tokens
    raise RequestInvalidError(
        "context_length_exceeded",
        f"The request has {about}{tokens} input tokens, and the ceiling is {ceiling}; "
        "shorten the messages, or send fewer of them.",
        param="messages",
    )
