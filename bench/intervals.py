"""Statistics of paired rounds: the median and how sure it is.

Rounds are paired because the machine's speed drifts: a ratio within one round cancels the drift that both sides share.
"""

import random
import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

_RESAMPLES: Final = 4000
_TAIL: Final = 0.025
_SEED: Final = 20_260_101


class Estimate(msgspec.Struct, frozen=True):
    """A median over rounds with its 95 % confidence interval, in the unit of the samples."""

    median: float
    low: float
    high: float
    rounds: int


def estimate(samples: Sequence[float]) -> Estimate:
    """Median and percentile-bootstrap interval (Efron 1979), the same for the same samples.

    Raises ValueError when there is no sample. With one sample the interval is that sample.
    """
    if not samples:
        raise ValueError("no samples")
    dice = random.Random(_SEED)
    medians = sorted(statistics.median(dice.choices(samples, k=len(samples))) for _ in range(_RESAMPLES))
    cut = int(_RESAMPLES * _TAIL)
    return Estimate(statistics.median(samples), medians[cut], medians[-1 - cut], len(samples))


def paired_ratio(values: Sequence[float], base: Sequence[float]) -> Estimate:
    """Estimate of value / base, round by round. Raises ValueError when the rounds do not pair."""
    return estimate([value / other for value, other in zip(values, base, strict=True)])


def paired_difference(values: Sequence[float], base: Sequence[float]) -> Estimate:
    """Estimate of value - base, round by round. Raises ValueError when the rounds do not pair."""
    return estimate([value - other for value, other in zip(values, base, strict=True)])
