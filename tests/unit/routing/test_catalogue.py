import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.config.models import DeploymentSettings, GatewayConfig, ModelSettings, ProviderSettings
from kaigate.errors import GatewayError, RequestInvalidError
from kaigate.pipeline.principal import Principal
from kaigate.providers import registry
from kaigate.routing.catalogue import MAX_REMEMBERED, Catalogue
from kaigate.routing.upstream import BuiltProvider, build_upstream

PROVIDERS = {
    "openai": ProviderSettings(type="openai", timeout_s=100),
    "ollama": ProviderSettings(type="ollama", timeout_s=200),
}


def built() -> dict[str, BuiltProvider]:
    return {
        name: build_upstream(settings, registry.build(name, settings.type), registry.ROWS[settings.type])
        for name, settings in PROVIDERS.items()
    }


def on(*deployments: tuple[str, str | None], **settings) -> ModelSettings:
    chosen = tuple(DeploymentSettings(provider=provider, model=model) for provider, model in deployments)
    return ModelSettings(deployments=chosen, **settings)


MODELS = {
    "llama3.2:3b": ModelSettings(aliases=("fast", "llama3.2:latest"), max_tokens=10, max_input_tokens=20, timeout_s=5),
    "assistant": on(("openai", "gpt-4o-mini"), ("ollama", "llama3.1:8b"), aliases=("helper",)),
    "clinic": on(("openai", "gpt-5"), ("ollama", "qwen2.5:7b"), private=True),
    "gpt-5": ModelSettings(),
    "gpt-4o*": ModelSettings(),
    "gpt-4*": ModelSettings(max_tokens=7),
    "team-*": on(("ollama", "qwen2.5:7b")),
    "*oddity": ModelSettings(),
}


def catalogue() -> Catalogue:
    return Catalogue.build(GatewayConfig(providers=PROVIDERS, models=MODELS), built())


def routes(entry) -> list[tuple[str, str]]:
    return [(item.provider.name, item.model) for item in entry.deployments]


ANYONE = Principal(key_id="k", name="anyone")


@pytest.mark.parametrize(
    ("asked", "name", "expected"),
    [
        ("gpt-5", "gpt-5", [("openai", "gpt-5")]),
        ("llama3.2:3b", "llama3.2:3b", [("ollama", "llama3.2:3b")]),
        ("fast", "llama3.2:3b", [("ollama", "llama3.2:3b")]),
        ("llama3.2:latest", "llama3.2:3b", [("ollama", "llama3.2:3b")]),
        ("assistant", "assistant", [("openai", "gpt-4o-mini"), ("ollama", "llama3.1:8b")]),
        ("helper", "assistant", [("openai", "gpt-4o-mini"), ("ollama", "llama3.1:8b")]),
        ("gpt-4o-2024", "gpt-4o-2024", [("openai", "gpt-4o-2024")]),
        ("team-red", "team-red", [("ollama", "qwen2.5:7b")]),
    ],
)
def test_a_listed_name_resolves_to_its_deployments_in_order(asked, name, expected):
    entry = catalogue().resolve(asked)
    assert entry.name == name
    assert routes(entry) == expected


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "gpt-6",
        "GPT-5",
        "gpt-5 ",
        " gpt-5",
        "llama3.2:3",
        "llama3.2:3b\n",
        "gpt-4o:latest",
        "gpt-4o:LATEST",
        "gpt-4o\x00",
        "gpt-4ö",
        "gpt-4o" + "x" * 300,
        "an-oddity",
        "team",
        "*",
    ],
)
def test_any_other_name_is_not_found_and_not_repeated(asked):
    with pytest.raises(RequestInvalidError, match="not on the allowlist") as caught:
        catalogue().resolve(asked)
    assert (caught.value.code, caught.value.status, caught.value.param) == ("model_not_found", 404, "model")
    assert "/v1/models" in caught.value.message
    assert not asked.strip("* ") or asked not in caught.value.message


def test_the_longest_glob_wins():
    assert catalogue().resolve("gpt-4o-mini").max_tokens is None
    assert catalogue().resolve("gpt-4-turbo").max_tokens == 7


def test_ceilings_and_timeouts_are_the_models_own():
    entry = catalogue().resolve("fast")
    assert (entry.max_tokens, entry.max_input_tokens) == (10, 20)
    assert entry.deployments[0].deadlines.total_s == 5
    assert catalogue().resolve("gpt-5").deployments[0].deadlines.total_s == 100


@pytest.mark.parametrize(
    ("caller", "names"),
    [
        (ANYONE, ["llama3.2:3b", "fast", "llama3.2:latest", "assistant", "helper", "clinic", "gpt-5"]),
        (Principal(key_id="k", name="n", models=("gpt-*",)), ["gpt-5"]),
        (Principal(key_id="k", name="n", models=("assistant",)), ["assistant", "helper"]),
        (Principal(key_id="k", name="n", models=()), []),
        (
            Principal(key_id="k", name="n", private_only=True),
            ["llama3.2:3b", "fast", "llama3.2:latest", "assistant", "helper", "clinic"],
        ),
        (Principal(key_id="k", name="n", providers=("openai",)), ["assistant", "helper", "gpt-5"]),
    ],
)
def test_callers_see_what_they_may_use_and_can_be_served(caller, names):
    assert catalogue().visible_to(caller) == names


@pytest.mark.parametrize("name", catalogue().visible_to(ANYONE))
def test_every_visible_name_resolves(name):
    assert catalogue().resolve(name).deployments


def test_names_that_clients_make_up_are_remembered_within_bounds():
    book = catalogue()
    for number in range(MAX_REMEMBERED + 50):
        book.resolve(f"team-{number}")
    assert len(book._matched) == MAX_REMEMBERED
    assert book.resolve("team-0").name == "team-0"


@given(st.text(max_size=30))
def test_every_name_resolves_or_is_refused_as_published(name):
    try:
        status = 200 if catalogue().resolve(name).deployments else 0
    except GatewayError as error:
        status = error.status
    assert status in {200, 404}
