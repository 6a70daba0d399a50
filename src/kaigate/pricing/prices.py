"""What one call costs: exact integer prices, long-context tiers, and an upper bound to reserve.

The unit is the pico-dollar (1e-12 dollars) per token: a dollar per million tokens is 1,000,000 of them, so that a
published price of up to six decimal places is an exact integer. Amounts are nano-dollars, rounded up once at the end.
"""

from decimal import ROUND_CEILING, Decimal
from typing import Final

import msgspec

from kaigate.chat.usage import Usage

PICO_PER_NANO: Final = 1_000
PICO_PER_DOLLAR: Final = 1_000_000_000_000
MAX_PER_MILLION: Final = 1_000_000_000


class Rates(msgspec.Struct, frozen=True, gc=False):
    """Pico-dollars per token. `cached_input` is input read from a cache, `cache_write` input written to one."""

    input: int
    output: int
    cached_input: int
    cache_write: int

    @classmethod
    def of(cls, input: int, output: int, cached_input: int | None = None, cache_write: int | None = None) -> "Rates":  # noqa: A002 -- the field's name
        """Rates whose cache prices are the input price where none is given."""
        return cls(
            input=input,
            output=output,
            cached_input=input if cached_input is None else cached_input,
            cache_write=input if cache_write is None else cache_write,
        )

    def amount(self, usage: Usage) -> int:
        """Pico-dollars of one usage. Cached and written tokens are part of the input and never exceed it."""
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        plain = usage.input_tokens - cached - written
        return (
            plain * self.input
            + cached * self.cached_input
            + written * self.cache_write
            + usage.output_tokens * self.output
        )

    def most(self, input_tokens: int, output_tokens: int) -> int:
        """Pico-dollars of the dearest usage with at most so many tokens."""
        return input_tokens * max(self.input, self.cached_input, self.cache_write) + output_tokens * self.output


class Tier(msgspec.Struct, frozen=True, gc=False):
    """Rates of the whole call, output included, when its input has more than `above` tokens."""

    above: int
    rates: Rates


class Price(msgspec.Struct, frozen=True):
    """Price of one deployment's calls; `tiers` in ascending order of `above`, `request` in pico-dollars per call."""

    base: Rates
    tiers: tuple[Tier, ...] = ()
    request: int = 0

    def cost(self, usage: Usage) -> int:
        """Nano-dollars of one call, exact and rounded up to the next whole one."""
        return _nano(self.request + self.rates_for(usage.input_tokens).amount(usage))

    def upper_bound(self, input_tokens: int, output_tokens: int) -> int:
        """Nano-dollars that no call of at most so many tokens exceeds, however its input was cached."""
        most = self.base.most(input_tokens, output_tokens)
        for tier in self.tiers:
            if tier.above >= input_tokens:
                break
            most = max(most, tier.rates.most(input_tokens, output_tokens))
        return _nano(self.request + most)

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates of a call with so many input tokens."""
        rates = self.base
        for tier in self.tiers:
            if tier.above >= input_tokens:
                break
            rates = tier.rates
        return rates


FREE: Final = Price(Rates(0, 0, 0, 0))


def per_token(dollars_per_million: Decimal | float | str) -> int:
    """Pico-dollars per token of a price in dollars per million tokens; finer than that is rounded up.

    Raises ValueError for what is no price: negative, not finite, beyond `MAX_PER_MILLION`.
    """
    amount = Decimal(str(dollars_per_million))
    if not amount.is_finite() or not 0 <= amount <= MAX_PER_MILLION:
        raise ValueError(f"a price lies between 0 and {MAX_PER_MILLION} dollars per million tokens")
    return int((amount * (PICO_PER_DOLLAR // 1_000_000)).to_integral_value(rounding=ROUND_CEILING))


def _nano(pico: int) -> int:
    return -(-pico // PICO_PER_NANO)
