"""Money as integer nano-dollars: sums are exact, and a fraction of a cent is still a number."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

NANO: Final = 1_000_000_000
MAX_USD: Final = 1_000_000_000


def from_usd(text: str | float | Decimal) -> int:
    """Nano-dollars of an amount in dollars, exactly; raises ValueError for what is no amount or finer than a nano."""
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        raise ValueError("not an amount in dollars") from None
    if not amount.is_finite() or abs(amount) > MAX_USD:
        raise ValueError(f"an amount lies between -{MAX_USD} and {MAX_USD} dollars")
    scaled = amount * NANO
    if scaled != scaled.to_integral_value():
        raise ValueError("an amount has at most nine decimal places")
    return int(scaled)


def to_usd(nanodollars: int, places: int = 9) -> str:
    """Dollars with at most `places` decimal places, without trailing zeros: `0.000123`."""
    amount = (Decimal(nanodollars) / NANO).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
