"""Answers what only asks how many tokens a request has."""

from collections.abc import Callable
from typing import Final

from kaigate.errors import UnavailableError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.stage import Stage
from kaigate.tokens.estimate import estimate
from kaigate.tokens.exact import ExactCounter

MAX_EXACT: Final = 65_536
"""Estimated tokens up to which they are counted: that takes some milliseconds, in which nobody else is served."""


class CountTokens(Stage):
    """The innermost stage of `count_tokens`: counted where the exact counter is there, else estimated.

    Nothing is sent upstream, so that it costs nothing and no limit applies. `answer` makes the body.
    """

    def __init__(self, counter: Callable[[], ExactCounter | None], answer: Callable[[int], bytes]) -> None:
        self._counter = counter
        self._answer = answer

    def enter(self, exchange: Exchange) -> None:
        request = exchange.request
        if request is None:
            raise UnavailableError("internal_error", "The request was not parsed.")
        tokens = estimate(request)
        counter = self._counter()
        if counter is not None and tokens <= MAX_EXACT:
            tokens = counter.count(request)
        exchange.static_body = self._answer(tokens)
