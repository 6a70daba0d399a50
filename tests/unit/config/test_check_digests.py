"""A digest is accepted where Ollama reports one, and refused with a remedy everywhere else."""

from typing import Any

import pytest
import yaml

from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.config.problems import ConfigError
from kaigate.providers.registry import ROWS

DIGEST = "0123456789abcdef" * 4
PROVIDERS = {
    "local": {"type": "ollama"},
    "cloud": {"type": "openai_compatible", "base_url": "https://models.example.org/v1"},
}


def problems(folder, models: dict[str, Any]) -> list[str]:
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump({"providers": PROVIDERS, "models": models, "limits": {"enabled": False}}))
    try:
        check(load(path, {}), ROWS)
    except ConfigError as error:
        return [f"{problem.path}: {problem.message}" for problem in error.problems]
    return []


def on(*providers: str, **changes: Any) -> dict[str, Any]:
    return {"deployments": [{"provider": name} for name in providers], **changes}


@pytest.mark.parametrize(
    "models",
    [
        {"llama3.2:3b": {"digest": DIGEST}},
        {"llama3.2:3b": {"digest": f"sha256:{DIGEST}"}},
        {"m": on("local", digest=DIGEST)},
        {"m": {"deployments": [{"provider": "local", "digest": DIGEST}, {"provider": "cloud"}]}},
    ],
)
def test_a_digest_of_an_ollama_model_is_accepted(tmp_path, models):
    assert problems(tmp_path, models) == []


@pytest.mark.parametrize("digest", ["", "sha256:", DIGEST[:-1], DIGEST.upper(), f"sha512:{DIGEST}", DIGEST + "0"])
def test_a_digest_has_64_hex_digits(tmp_path, digest):
    (problem,) = problems(tmp_path, {"m": on("local", digest=digest)})
    assert "models.m.digest: does not have the form" in problem


@pytest.mark.parametrize(
    ("models", "place"),
    [
        ({"m": on("cloud", digest=DIGEST)}, "models.m.digest"),
        ({"m": on("local", "cloud", digest=DIGEST)}, "models.m.digest"),
        ({"m": {"deployments": [{"provider": "cloud", "digest": DIGEST}]}}, "models.m.deployments[0].digest"),
    ],
)
def test_a_provider_without_digests_is_an_error_with_a_remedy(tmp_path, models, place):
    (problem,) = problems(tmp_path, models)
    assert problem.startswith(f'{place}: "cloud" is of type openai_compatible, which reports no digests')
    assert "provider of type ollama" in problem


@pytest.mark.parametrize("settings", [{"digest": DIGEST}, {"deployments": [{"provider": "local", "digest": DIGEST}]}])
def test_a_glob_has_no_digest(tmp_path, settings):
    (problem,) = problems(tmp_path, {"llama*": settings})
    assert "pin each under its own name" in problem
