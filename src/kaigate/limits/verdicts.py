"""What both stores answer in the same words: standings, waits, and which bound a refusal names."""

from typing import Final

from kaigate.limits.model import Ask, Bound, Standing

# When a parallel request will end is unknown; another try makes sense after this.
PARALLEL_RETRY_MS: Final = 1_000
# A wait without end: the ask is larger than the limit itself. A verdict says 0 for it.
NEVER: Final = 1 << 62


def weight_of(ask: Ask, bound: Bound) -> int:
    """What an ask takes of a bound."""
    if bound.kind == "tokens":
        return ask.tokens
    return ask.nanodollars if bound.kind == "budget" else 1


def standing(bound: Bound, used: int, whole_in_ms: int) -> Standing:
    """What is left of a bound of which `used` is taken; a settlement may have taken more than there was."""
    return Standing(max(0, bound.limit - used), max(0, whole_in_ms))
