"""Bounds the tokens of what is to be embedded."""

from collections.abc import Callable

from kaigate.errors import UnavailableError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.stage import Stage
from kaigate.stages.count import ceiling_of
from kaigate.tokens.embeddings import check_ceilings
from kaigate.tokens.exact import ExactCounter


class CountEmbedding(Stage):
    """Refuses inputs beyond a ceiling: a model's holds for each of them, a key's for all together.

    Nothing is generated, so that the reservation is for the input alone.
    """

    def __init__(self, counter: Callable[[], ExactCounter | None], *, default_ceiling: int | None = None) -> None:
        """`counter` and `default_ceiling` as in `Count`."""
        self._counter = counter
        self._default = default_ceiling

    def enter(self, exchange: Exchange) -> None:
        request, entry = exchange.embedding, exchange.entry
        if request is None or entry is None:
            raise UnavailableError("internal_error", "The request was not authorised.")
        tokens = check_ceilings(
            request,
            of_all=ceiling_of(exchange.principal, self._default),
            # What the client allows to be cut is never too long.
            of_one=None if request.truncate else entry.max_input_tokens,
            counter=self._counter(),
        )
        exchange.input_tokens = tokens.total
        exchange.longest_input = 0 if request.truncate else tokens.longest
        exchange.output_ceiling = 0
