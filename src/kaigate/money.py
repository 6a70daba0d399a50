"""Money as integer nano-dollars: sums are exact, and a fraction of a cent is still a number."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from typing import Final

NANO: Final = 1_000_000_000
MAX_USD: Final = 1_000_000_000

_NANO_DOLLAR: Final = Decimal("1e-9")
_EXACT: Final = Context(prec=28, traps=[Inexact, InvalidOperation])


def from_usd(text: str | float | Decimal) -> int:
    """Nano-dollars of an amount in dollars, exactly; raises ValueError for what is no amount or finer than a nano."""
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        raise ValueError("not an amount in dollars") from None
    # Comparisons are exact, whatever the exponent; arithmetic in the default context would round or overflow.
    if not amount.is_finite() or not -MAX_USD <= amount <= MAX_USD:
        raise ValueError(f"an amount lies between -{MAX_USD} and {MAX_USD} dollars")
    try:
        return int(amount.quantize(_NANO_DOLLAR, context=_EXACT).scaleb(9, context=_EXACT))
    except Inexact:
        raise ValueError("an amount has at most nine decimal places") from None


def to_usd(nanodollars: int, places: int = 9) -> str:
    """Dollars with at most `places` decimal places, without trailing zeros: `0.000123`."""
    amount = (Decimal(nanodollars) / NANO).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
