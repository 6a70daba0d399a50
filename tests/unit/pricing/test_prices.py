"""Costs are exact, and what is reserved is never less than what is spent."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.usage import Usage
from kaigate.pricing.prices import Price, Rates, Tier, per_token

rate = st.integers(0, 200_000_000)
all_rates = st.builds(Rates, rate, rate, rate, rate)
count = st.integers(0, 2_000_000)


@st.composite
def price(draw):
    thresholds = sorted(draw(st.sets(st.integers(0, 1_000_000), max_size=3)))
    tiers = tuple(Tier(above, draw(all_rates)) for above in thresholds)
    return Price(draw(all_rates), tiers, draw(st.integers(0, 10_000_000_000)))


usages = st.builds(Usage, count, count, count, count)
SONNET = Price(Rates.of(per_token(3), per_token(15), per_token("0.3"), per_token("3.75")))


@pytest.mark.parametrize(
    ("usage", "nanodollars"),
    [
        (Usage(0, 0), 0),
        (Usage(1_000_000, 0), 3_000_000_000),
        (Usage(0, 1_000_000), 15_000_000_000),
        (Usage(1_000_000, 0, cached_input_tokens=1_000_000), 300_000_000),
        (Usage(1_000_000, 0, cache_write_tokens=1_000_000), 3_750_000_000),
        (
            Usage(1000, 10, cached_input_tokens=600, cache_write_tokens=300),
            100 * 3000 + 600 * 300 + 300 * 3750 + 150_000,
        ),
    ],
)
def test_cached_and_written_tokens_are_part_of_the_input(usage, nanodollars):
    assert SONNET.cost(usage) == nanodollars


def test_more_cached_than_input_tokens_are_not_charged():
    assert SONNET.cost(Usage(10, 0, cached_input_tokens=500, cache_write_tokens=500)) == 10 * 300


def test_a_fraction_of_a_nano_dollar_is_rounded_up_once():
    tiny = Price(Rates.of(per_token("0.000001"), per_token("0.0004")))
    assert tiny.cost(Usage(1, 0)) == 1
    assert tiny.cost(Usage(500, 1)) == 1
    assert tiny.cost(Usage(601, 1)) == 2


def test_a_long_prompt_puts_the_whole_call_into_the_higher_tier():
    rates, long = Rates.of(1000, 5000), Rates.of(2000, 9000)
    tiered = Price(rates, (Tier(200_000, long),))
    assert tiered.cost(Usage(200_000, 10)) == 200_000 + 50
    assert tiered.cost(Usage(200_001, 10)) == 400_002 + 90
    # The bound is no higher than it must be: no call of so many tokens reaches the tier.
    assert tiered.upper_bound(200_000, 10) == tiered.cost(Usage(200_000, 10))
    assert tiered.upper_bound(200_001, 10) == tiered.cost(Usage(200_001, 10))


def test_a_price_per_request_is_added():
    assert Price(Rates.of(1000, 0), request=5_000_000_000).cost(Usage(1, 0)) == 5_000_001


def test_cache_prices_are_the_input_price_where_none_is_known():
    assert Rates.of(7, 9) == Rates(7, 9, 7, 7)
    assert Rates.of(7, 9, 0, 0) == Rates(7, 9, 0, 0)


@given(price(), usages, count, count)
def test_no_usage_within_the_counts_exceeds_the_upper_bound(price, usage, more_in, more_out):
    bound = price.upper_bound(usage.input_tokens + more_in, usage.output_tokens + more_out)
    assert price.cost(usage) <= bound


@given(price(), usages)
def test_a_cost_is_that_of_exact_fractions(price, usage):
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    rates = [tier.rates for tier in price.tiers if usage.input_tokens > tier.above][-1:] or [price.base]
    pico = price.request + usage.output_tokens * rates[0].output + cached * rates[0].cached_input
    pico += written * rates[0].cache_write + (usage.input_tokens - cached - written) * rates[0].input
    assert price.cost(usage) == ceil(Fraction(pico, 1000))


@pytest.mark.parametrize(
    ("dollars", "picodollars"),
    [
        (0, 0),
        (15, 15_000_000),
        (0.15, 150_000),
        ("0.000001", 1),
        (Decimal("0.0175"), 17_500),
        (1e-9, 1),
        (1_000_000_000, 10**15),
    ],
)
def test_dollars_per_million_tokens_are_whole_pico_dollars_per_token(dollars, picodollars):
    assert per_token(dollars) == picodollars


@pytest.mark.parametrize("dollars", [-1, float("nan"), float("inf"), 1e300])
def test_what_is_no_price_is_refused(dollars):
    with pytest.raises(ValueError):
        per_token(dollars)
