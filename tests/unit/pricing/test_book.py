"""Which price counts: the configuration's, the catalogue's, none in the private zone, or unknown."""

import pytest

from kaigate.config.models import GatewayConfig, ModelSettings, PriceSettings, ProviderSettings
from kaigate.pricing import book as book_module
from kaigate.pricing.book import PriceBook, configured
from kaigate.pricing.prices import FREE, Price, Rates
from support.clocks import ManualClock

NOON = 1_795_348_800.0  # 2026-11-22 12:00 UTC
CONFIG = GatewayConfig(
    providers={
        "openai": ProviderSettings(type="openai"),
        "deepseek": ProviderSettings(type="deepseek"),
        "fire": ProviderSettings(type="openai_compatible", base_url="https://api.fireworks.ai/inference/v1"),
        "rented": ProviderSettings(type="vllm", base_url="https://gpu.example/v1", zone="external"),
        "azure": ProviderSettings(type="azure", base_url="https://x.openai.azure.com", zone="private"),
        "local": ProviderSettings(type="ollama"),
    },
    models={
        "gpt-4o": ModelSettings(),
        "cheap": ModelSettings(price=PriceSettings(input=0.1, output=0.2, cached_input=0.0)),
        "gpt-5*": ModelSettings(price=PriceSettings(input=1.0, output=2.0, cache_write=3.0)),
    },
)


@pytest.fixture(scope="module")
def book():
    return PriceBook.build(CONFIG, ManualClock(NOON))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("openai", "openai", "external", "gpt-4o", "gpt-4o"), Rates(2_500_000, 10_000_000, 1_250_000, 2_500_000)),
        (("openai", "openai", "external", "gpt-4o", "cheap"), Rates(100_000, 200_000, 0, 100_000)),
        (("openai", "openai", "external", "gpt-5", "gpt-5*"), Rates(1_000_000, 2_000_000, 1_000_000, 3_000_000)),
        (("local", "ollama", "private", "llama3", "cheap"), Rates(100_000, 200_000, 0, 100_000)),
        (("azure", "azure", "private", "gpt-4o", "x"), Rates(2_500_000, 10_000_000, 1_250_000, 2_500_000)),
        (("azure", "azure", "private", "finetuned-by-us", "x"), FREE.base),
        (("local", "ollama", "private", "llama3", "x"), FREE.base),
        (("local", "ollama", "private", "gpt-4o", "x"), FREE.base),
    ],
)
def test_the_price_of_a_deployment(book, asked, expected):
    assert book.price(*asked) == Price(expected)


@pytest.mark.parametrize(
    "asked",
    [
        ("openai", "openai", "external", "no-such-model", "x"),
        ("rented", "vllm", "external", "llama3", "x"),
        ("unheard-of", "openai_compatible", "external", "gpt-4o", "x"),
    ],
)
def test_an_external_model_that_nobody_prices_has_no_price(book, asked):
    assert book.price(*asked) is None


def test_a_compatible_server_is_known_by_its_address(book):
    assert (
        book.price("fire", "openai_compatible", "external", "accounts/fireworks/models/gpt-oss-120b", "x").base.input
        > 0
    )


def test_a_price_per_time_of_day_changes_with_the_clock():
    clock = ManualClock(NOON)
    book = PriceBook.build(CONFIG, clock)
    asked = ("deepseek", "deepseek", "external", "deepseek-chat", "x")
    day = book.price(*asked)
    clock.advance(4.5 * 3600 - 1)
    assert book.price(*asked) is day or book.price(*asked) == day
    clock.advance(1)
    night = book.price(*asked)
    assert night.base.output * 2 == day.base.output


def test_a_service_tier_is_priced_apart_and_not_remembered_by_any_other_name(book):
    asked = ("openai", "openai", "external", "gpt-5", "x")
    assert book.price(*asked, service_tier="priority").base.output == 2 * book.price(*asked).base.output
    before = len(book._remembered)
    assert book.price(*asked, service_tier="x" * 99) == book.price(*asked)
    assert len(book._remembered) == before


def test_names_from_clients_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(book_module, "MAX_REMEMBERED", 10)
    book = PriceBook.build(CONFIG)
    for number in range(50):
        assert book.price("openai", "openai", "external", f"nonsense-{number}", "*") is None
    assert len(book._remembered) == 10
    assert book.price("openai", "openai", "external", "gpt-4o", "*").base.input == 2_500_000


def test_a_configured_price_is_exact():
    assert configured(PriceSettings(input=0.15, output=0.6, cached_input=0.075)).base == Rates(
        150_000, 600_000, 75_000, 150_000
    )
