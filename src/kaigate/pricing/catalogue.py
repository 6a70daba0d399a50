"""Published prices of well-known vendors, from the kept library genai-prices (MIT), pinned in the lock file.

Its data are part of the package: nothing is fetched, neither at import nor later. The library takes about 0.25 s and
10 MB to import (it brings an HTTP client that is never used), so it is imported by the first `Catalogue` only.
"""

import importlib.metadata
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kaigate.pricing.prices import Price, Rates, Tier, per_token

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices
    from genai_prices.types import Tier as CatalogueTier

    Amount = Decimal | TieredPrices | None

VENDORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "anthropic": "anthropic",
        "azure": "azure",
        "bedrock": "aws",
        "cerebras": "cerebras",
        "deepseek": "deepseek",
        "gemini": "google",
        "groq": "groq",
        "mistral": "mistral",
        "openai": "openai",
        "openrouter": "openrouter",
        "together": "together",
        "xai": "x-ai",
    }
)
"""Our provider types to the library's names of vendors."""
SERVICE_TIERS: Final = frozenset({"fast", "flex", "priority"})
"""OpenAI's service tiers with prices of their own; any other is charged at the standard price."""
_LIBRARY: Final = "genai-prices"
_RELEASES: Final[Mapping[str, date]] = MappingProxyType({"0.2.3": date(2026, 11, 10)})


def catalogue_date() -> date | None:
    """Day on which the installed prices were released; None for a release that this version does not know.

    The data carry no date of their own, so the pinned release's is kept here. Reads the package's metadata.
    """
    return _RELEASES.get(importlib.metadata.version(_LIBRARY))


class Catalogue:
    """Looks models up with the library's own matching rules. Building the first one imports the library."""

    __slots__ = ("_vendors",)

    def __init__(self) -> None:
        from genai_prices.data import providers  # noqa: PLC0415 -- heavy; most private gateways never need it

        # The library's own look-up functions remember every name without bound, and names may come from clients.
        self._vendors = providers

    def vendor(self, provider_type: str, base_url: str | None) -> "Provider | None":
        """The vendor behind a provider: the one whose address it has, else the one of its type."""
        if base_url is not None:
            for vendor in self._vendors:
                if re.match(vendor.api_pattern, base_url):
                    return vendor
        name = VENDORS.get(provider_type)
        return next((vendor for vendor in self._vendors if vendor.id == name), None)

    def model(self, vendor: "Provider", name: str) -> "ModelInfo | None":
        """The vendor's model of this name; Azure and Vertex also sell others' models at their prices. 0.1 to 0.4 ms."""
        return vendor.find_model(name, all_providers=self._vendors)

    def price(self, vendor: "Provider", model: "ModelInfo", at: float, service_tier: str = "") -> Price | None:
        """The price at a Unix time, None where the model is not sold by the token."""
        own = any(candidate is model for candidate in vendor.models)
        context = {"service_tier": service_tier} if own and service_tier in SERVICE_TIERS else None
        return priced(model.get_prices(datetime.fromtimestamp(at, UTC), context))


def changes(model: "ModelInfo") -> bool:
    """Whether a model's price depends on the day or the time of day; it then changes on whole minutes (UTC)."""
    return isinstance(model.prices, list) or any(variant.constraint for variant in model.price_variants or ())


def priced(prices: "ModelPrice") -> Price | None:
    """Tokens of other modalities are charged as text, reasoning at the dearer of its own and the output's price."""
    plain = (prices.input_mtok, prices.output_mtok, prices.output_reasoning_mtok)
    if plain == (None, None, None):
        return None
    cache = (prices.cache_read_mtok, prices.cache_write_mtok)
    thresholds = sorted({tier.start for amount in (*plain, *cache) for tier in _tiers(amount)})
    request = prices.requests_kcount
    return Price(
        base=_rates(plain, cache, 0),
        tiers=tuple(Tier(start, _rates(plain, cache, start + 1)) for start in thresholds),
        # Dollars per thousand requests, in pico-dollars per request: as dollars per million tokens, a thousandfold.
        request=per_token(request) * 1_000 if isinstance(request, Decimal) else 0,
    )


def _rates(plain: "tuple[Amount, ...]", cache: "tuple[Amount, Amount]", input_tokens: int) -> Rates:
    tokens_in, tokens_out, reasoning = (_rate(amount, input_tokens) or 0 for amount in plain)
    cached, written = (_rate(amount, input_tokens) for amount in cache)
    return Rates.of(tokens_in, max(tokens_out, reasoning), cached, written)


def _rate(amount: "Amount", input_tokens: int) -> int | None:
    if amount is None or isinstance(amount, Decimal):
        return None if amount is None else per_token(amount)
    reached = [tier.price for tier in amount.tiers if input_tokens > tier.start]
    return per_token(reached[-1] if reached else amount.base)


def _tiers(amount: "Amount") -> "list[CatalogueTier]":
    return [] if amount is None or isinstance(amount, Decimal) else amount.tiers
