"""The price of each deployment of one configuration snapshot."""

from math import inf
from typing import TYPE_CHECKING, Final, Self

from kaigate.clock import Clock, SystemClock
from kaigate.config.models import GatewayConfig, PriceSettings, ProviderSettings
from kaigate.pricing.catalogue import SERVICE_TIERS, VENDORS, Catalogue, changes
from kaigate.pricing.prices import FREE, Price, Rates, per_token

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

MAX_REMEMBERED: Final = 4096
_MINUTE_S: Final = 60

Key = tuple[str, str, str, str, str]


class PriceBook:
    """Finds prices: the configuration's first, then the catalogue's; private deployments are free unless priced.

    Answers are remembered, in a bounded number: a name that a glob admits comes from a client.
    """

    __slots__ = ("_catalogue", "_clock", "_own", "_remembered", "_vendors")

    def __init__(
        self,
        own: dict[str, Price],
        catalogue: Catalogue | None = None,
        vendors: "dict[str, Provider] | None" = None,
        clock: Clock | None = None,
    ) -> None:
        """`own` are prices by entry of the allowlist, `vendors` the catalogue's vendors by provider name."""
        self._own = own
        self._catalogue = catalogue
        self._vendors = vendors or {}
        self._clock = clock or SystemClock()
        self._remembered: dict[Key, tuple[float, Price | None, ModelInfo | None]] = {}

    @classmethod
    def build(cls, config: GatewayConfig, clock: Clock | None = None) -> Self:
        """The price book of a cross-checked configuration.

        Takes 0.3 s the first time that a provider needs the catalogue, which is not for the event loop.
        """
        own = {name: configured(model.price) for name, model in config.models.items() if model.price is not None}
        sold = {name: provider for name, provider in config.providers.items() if _sold(provider)}
        if not sold:
            return cls(own, clock=clock)
        catalogue = Catalogue()
        found = {name: catalogue.vendor(provider.type, provider.base_url) for name, provider in sold.items()}
        return cls(own, catalogue, {name: vendor for name, vendor in found.items() if vendor is not None}, clock)

    def price(
        self,
        provider_name: str,
        provider_type: str,
        zone: str,
        upstream_model: str,
        model_entry: str,
        *,
        service_tier: str = "",
    ) -> Price | None:
        """The price of a deployment now; None where nobody knows it.

        `model_entry` is the key under `models`, for a glob the pattern itself. A deployment that the catalogue does not
        know costs nothing in the private zone. `service_tier` is the one that the request asks for.
        """
        own = self._own.get(model_entry)
        if own is not None:
            return own
        tier = service_tier if service_tier in SERVICE_TIERS else ""
        key = (provider_name, provider_type, zone, upstream_model, tier)
        found = self._remembered.get(key)
        if found is None or found[0] <= self._clock.now():
            found = self._look_up(key, found[2] if found is not None else None)
            if key not in self._remembered and len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = found
        return found[1]

    def _look_up(self, key: Key, model: "ModelInfo | None") -> "tuple[float, Price | None, ModelInfo | None]":
        """The time until which the price holds, the price, and the catalogue's model."""
        provider, _, zone, name, tier = key
        unknown = FREE if zone == "private" else None
        vendor = self._vendors.get(provider)
        if self._catalogue is None or vendor is None:
            return inf, unknown, None
        model = model or self._catalogue.model(vendor, name)
        if model is None:
            return inf, unknown, None
        now = self._clock.now()
        price = self._catalogue.price(vendor, model, now, tier)
        until = now - now % _MINUTE_S + _MINUTE_S if changes(model) else inf
        return until, price or unknown, model


def configured(price: PriceSettings) -> Price:
    """A price as the configuration gives it, in dollars per million tokens."""
    return Price(
        Rates.of(
            per_token(price.input),
            per_token(price.output),
            None if price.cached_input is None else per_token(price.cached_input),
            None if price.cache_write is None else per_token(price.cache_write),
        )
    )


def _sold(provider: ProviderSettings) -> bool:
    """Whether the catalogue may know a provider: by its type, or by a public address."""
    return provider.type in VENDORS or (provider.base_url or "").startswith("https://")
