"""The catalogue's prices are the library's own, to the nano-dollar, and never come from the network."""

import random
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path

import pytest
from genai_prices.types import ModelPrice, TieredPrices
from genai_prices.types import Tier as CatalogueTier
from genai_prices.types import Usage as CatalogueUsage

from kaigate.chat.usage import Usage
from kaigate.pricing.catalogue import VENDORS, Catalogue, catalogue_date, changes, priced
from kaigate.pricing.prices import Price, Rates, Tier, per_token
from kaigate.providers.registry import ROWS

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
CATALOGUE = Catalogue()


def look_up(provider_type, model, at=NOW, tier=""):
    vendor = CATALOGUE.vendor(provider_type, None)
    found = CATALOGUE.model(vendor, model)
    return found and CATALOGUE.price(vendor, found, at, tier)


def rates(*dollars):
    return Rates.of(*(None if amount is None else per_token(amount) for amount in dollars))


# Dollars per million tokens: input, output, cached input, cache write.
FLAT = [
    ("openai", "gpt-4o", (2.5, 10, 1.25)),
    ("openai", "gpt-4o-2024-08-06", (2.5, 10, 1.25)),
    ("openai", "gpt-4o-mini", (0.15, 0.6, 0.075)),
    ("openai", "gpt-5", (1.25, 10, 0.125)),
    ("openai", "o3", (2, 8, 0.5)),
    ("openai", "text-embedding-3-small", (0.02, 0)),
    ("anthropic", "claude-sonnet-4-20250514", (3, 15, 0.3, 3.75)),
    ("anthropic", "claude-3-5-haiku-20241022", (0.8, 4, 0.08, 1)),
    ("bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0", (3, 15, 0.3, 3.75)),
    ("bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", (3, 15, 0.3, 3.75)),
    ("bedrock", "amazon.nova-pro-v1:0", (0.8, 3.2, 0.2)),
    ("bedrock", "meta.llama3-1-70b-instruct-v1:0", (0.72, 0.72)),
    ("azure", "gpt-4o", (2.5, 10, 1.25)),
    ("azure", "gpt-4.1-mini", (0.4, 1.6, 0.1)),
    ("groq", "llama-3.3-70b-versatile", (0.59, 0.79)),
    ("groq", "llama-3.1-8b-instant", (0.05, 0.08)),
    ("mistral", "mistral-large-latest", (2, 6)),
    ("mistral", "mistral-small-latest", (0.15, 0.6, 0.015)),
]
LONG = [
    ("openai", "gpt-5.4", 272_000, (2.5, 15, 0.25), (5, 22.5, 0.5)),
    ("anthropic", "claude-sonnet-4-5", 200_000, (3, 15, 0.3, 3.75), (6, 22.5, 0.6, 7.5)),
    ("gemini", "gemini-2.5-pro", 200_000, (1.25, 10, 0.125), (2.5, 15, 0.25)),
]


@pytest.mark.parametrize(("provider_type", "model", "dollars"), FLAT)
def test_well_known_models_have_their_published_price(provider_type, model, dollars):
    assert look_up(provider_type, model) == Price(rates(*dollars))


@pytest.mark.parametrize(("provider_type", "model", "above", "short", "long"), LONG)
def test_long_prompts_have_the_higher_price_of_their_tier(provider_type, model, above, short, long):
    assert look_up(provider_type, model) == Price(rates(*short), (Tier(above, rates(*long)),))


def test_a_price_follows_its_date_and_the_time_of_day():
    before = datetime(2025, 6, 9, 23, 59, tzinfo=UTC).timestamp()
    assert look_up("openai", "o3", before) == Price(rates(10, 40, 0.5))
    assert look_up("deepseek", "deepseek-chat", NOW) == Price(rates(0.27, 1.1, 0.07))
    night = datetime(2026, 11, 22, 20, tzinfo=UTC).timestamp()
    assert look_up("deepseek", "deepseek-chat", night) == Price(rates(0.135, 0.55, 0.035))


def test_a_model_says_whether_its_price_changes():
    for provider_type, name, expected in (("openai", "o3", True), ("openai", "text-embedding-3-small", False)):
        model = CATALOGUE.model(CATALOGUE.vendor(provider_type, None), name)
        assert changes(model) is expected


def test_a_service_tier_has_its_own_price_and_an_unknown_one_the_standard():
    standard = look_up("openai", "gpt-5")
    assert look_up("openai", "gpt-5", tier="priority") == Price(rates(2.5, 20, 0.25))
    assert look_up("openai", "gpt-5", tier="flex").base.output == standard.base.output // 2
    assert look_up("openai", "gpt-5", tier="auto") == standard
    # Azure sells OpenAI's models under its own conditions: OpenAI's tiers are not its.
    assert look_up("azure", "gpt-5", tier="priority") == standard


@pytest.mark.parametrize(
    ("provider_type", "model"), [("openai", "nonsense"), ("azure", "my-deployment"), ("openai", "whisper-1")]
)
def test_an_unknown_model_and_one_that_is_not_sold_by_the_token_have_no_price(provider_type, model):
    assert look_up(provider_type, model) is None


def test_a_vendor_is_known_by_its_address_or_else_by_its_type():
    assert CATALOGUE.vendor("openai_compatible", "https://api.fireworks.ai/inference/v1").id == "fireworks"
    assert CATALOGUE.vendor("openai", "https://api.groq.com/openai/v1").id == "groq"
    assert CATALOGUE.vendor("openai", "https://proxy.internal/v1").id == "openai"
    assert CATALOGUE.vendor("openai_compatible", "https://proxy.internal/v1") is None
    assert CATALOGUE.vendor("ollama", None) is None


def test_every_vendor_exists_and_every_external_type_has_one():
    for provider_type in VENDORS:
        assert CATALOGUE.vendor(provider_type, None) is not None
    external = {name for name, row in ROWS.items() if row.zone == "external"} - {"openai_compatible"}
    assert external <= set(VENDORS)


def test_a_price_per_request_is_in_pico_dollars():
    price = priced(ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1), requests_kcount=Decimal(12)))
    assert price.cost(Usage(0, 0)) == 12_000_000


def test_tiers_of_one_rate_hold_the_others_still():
    prices = ModelPrice(
        input_mtok=TieredPrices(base=Decimal(1), tiers=[CatalogueTier(10, Decimal(2)), CatalogueTier(20, Decimal(3))]),
        output_mtok=Decimal(9),
        output_reasoning_mtok=Decimal(11),
    )
    assert priced(prices) == Price(rates(1, 11), (Tier(10, rates(2, 11)), Tier(20, rates(3, 11))))


def test_costs_are_the_librarys_own_for_every_model_of_every_vendor():
    pick = random.Random(7)
    at = datetime.fromtimestamp(NOW, UTC)
    seen = inexact = 0
    for provider_type in VENDORS:
        vendor = CATALOGUE.vendor(provider_type, None)
        for model in vendor.models:
            price = CATALOGUE.price(vendor, model, NOW)
            if price is None:
                continue
            tokens_in = pick.choice((0, 100, 50_000, 200_000, 200_001, 400_000))
            cached = pick.randint(0, tokens_in)
            written = pick.randint(0, tokens_in - cached)
            tokens_out = pick.randint(0, 9999)
            reported = CatalogueUsage(
                input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached, cache_write_tokens=written
            )
            theirs = model.calc_price(reported, vendor, genai_request_timestamp=at).total_price * 10**9
            ours = price.cost(Usage(tokens_in, tokens_out, cached, written))
            seen += 1
            inexact += ours != ceil(theirs)
            # Prices that the library got by division have 16 places; ours are rounded up at the sixth.
            assert ceil(theirs) <= ours <= ceil(theirs) + (tokens_in + tokens_out) // 1000 + 1, (vendor.id, model.id)
    assert seen > 1000
    assert inexact < seen // 100


def test_the_data_are_dated_and_pinned():
    assert catalogue_date() == date(2026, 11, 10)
    assert "genai-prices==0.2.3 " in (ROOT / "requirements" / "runtime.txt").read_text()


def test_the_library_is_imported_late_and_never_connects():
    program = """
import socket, sys, threading
from kaigate.pricing.book import PriceBook
from kaigate.config.models import GatewayConfig
PriceBook.build(GatewayConfig())
assert "genai_prices" not in sys.modules
def refuse(*_, **__): raise AssertionError("a socket")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from kaigate.pricing.catalogue import Catalogue
catalogue = Catalogue()
vendor = catalogue.vendor("openai", None)
assert catalogue.price(vendor, catalogue.model(vendor, "gpt-4o"), 1.8e9)
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
