"""LiteLLM's `model_list`: deployments of the same name become one entry of the allowlist."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from kaigate.config.litellm_notes import Notes, Section
from kaigate.config.litellm_providers import ProviderTable
from kaigate.config.litellm_vendors import meaning
from kaigate.config.patterns import is_glob
from kaigate.config.problems import KeyPath, shown

_NAME: Final = re.compile(r"[!-~]{1,256}")
_MAX_SECONDS: Final = 86_400
_PRICES: Final = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
}
_CAPABILITIES: Final = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_response_schema": "json_schema",
    "supports_reasoning": "reasoning",
    "supports_audio_input": "audio",
    "supports_pdf_input": "documents",
}
_MODES: Final = frozenset(("chat", "completion", "embedding", "responses"))
# What was looked at elsewhere: with the provider.
_OF_PROVIDER: Final = frozenset(
    (
        "model",
        "custom_llm_provider",
        "api_key",
        "api_base",
        "base_url",
        "api_version",
        "organization",
        "extra_headers",
        "drop_params",
        "litellm_credential_name",
    )
)
_DEFAULTS: Final = frozenset(
    (
        "temperature",
        "top_p",
        "top_k",
        "n",
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "user",
        "reasoning_effort",
        "thinking",
        "extra_body",
        "response_format",
        "tools",
        "stream",
    )
)


class ModelTable:
    """The allowlist so far, and per model the limits that its deployments had."""

    def __init__(self, providers: ProviderTable, notes: Notes) -> None:
        self._providers = providers
        self._notes = notes
        self.rows: dict[str, dict[str, Any]] = {}
        self.limits: dict[str, list[dict[str, int]]] = {}
        self._places: dict[str, list[KeyPath]] = {}

    def add(self, item: object, path: KeyPath, credentials: dict[str, dict[str, Any]]) -> None:
        """One item of `model_list`."""
        section = Section(item, path, self._notes)
        given, mapping = section.text("model_name"), section.raw("litellm_params")
        if given is None or not _NAME.fullmatch(given) or not isinstance(mapping, dict):
            self._notes.dropped(path, "needs a model_name without spaces and litellm_params")
            return
        params = Section(
            self._with_credentials(mapping, section, credentials), section.at("litellm_params"), self._notes
        )
        info = Section(section.raw("model_info"), section.at("model_info"), self._notes)
        name = plain(given)
        deployment = self._deployment(name, params) if self._served(info) else None
        if deployment is None:
            self._notes.dropped(path, "this deployment is left out")
            return
        if name == given:
            self._notes.carried(section.at("model_name"), f"models.{shown(name)}")
        else:
            self._notes.changed(section.at("model_name"), f"models.{shown(name)}: :latest is refused here")
        row = self.rows.setdefault(name, {"deployments": []})
        _ceilings(row, params, info)
        _prices(row, params, info)
        _capabilities(row, info)
        self._limits(name, params)
        same = [each for each in row["deployments"] if _target(each) == _target(deployment)]
        if same:
            same[0]["weight"] = min(1000, same[0].get("weight", 1) + deployment.get("weight", 1))
            self._notes.changed(params.path, "is the same as an earlier deployment, which got more weight")
        else:
            row["deployments"].append(deployment)
        _leftovers(params)

    def _with_credentials(
        self, given: dict[str, Any], section: Section, credentials: dict[str, dict[str, Any]]
    ) -> dict[str, Any]:
        wanted = given.get("litellm_credential_name")
        if not isinstance(wanted, str):
            return given
        path = (*section.at("litellm_params"), "litellm_credential_name")
        if wanted not in credentials:
            self._notes.dropped(path, "names nothing in credential_list")
            return given
        self._notes.changed(path, "what credential_list says was written to the provider")
        return {**credentials[wanted], **given}

    def _served(self, info: Section) -> bool:
        mode = info.text("mode")
        if mode is not None and mode not in _MODES:
            self._notes.dropped(info.at("mode"), "models of this kind are not served here")
            return False
        if mode is not None:
            self._notes.carried(info.at("mode"), "every route serves every model")
        return True

    def _deployment(self, name: str, params: Section) -> dict[str, Any] | None:
        model = params.text("model")
        where = params.at("model")
        if model is None or not _NAME.fullmatch(model):
            self._notes.dropped(where, "is no model name")
            return None
        found = meaning(model, params.text("custom_llm_provider"), params.text("api_base") or params.text("base_url"))
        if found is None:
            self._notes.dropped(where, "this provider is not known here")
            return None
        upstream = found.model
        if is_glob(upstream) or is_glob(name):
            if upstream not in {name, "*"} or not is_glob(name) or "/" in name:
                self._notes.dropped(
                    where,
                    "names that are rewritten by a wildcard are not known here: list the models, or use globs "
                    "of the upstream's own names such as gpt-*",
                )
                return None
            upstream = name
        provider = self._providers.provider(found, params)
        if provider is None:
            return None
        if plain(upstream) != upstream:
            upstream = plain(upstream)
            self._notes.changed(where, "without :latest, which moves with every pull: name a version, and pin it")
        else:
            self._notes.carried(where, f"a deployment on providers.{provider}")
        deployment: dict[str, Any] = {"provider": provider}
        if upstream != name:
            deployment["model"] = upstream
        for key in ("weight", "order"):
            value = params.number(key)
            if value is not None:
                deployment[key] = max(1 if key == "weight" else 0, min(1000, round(value)))
                told = self._notes.carried if deployment[key] == value else self._notes.changed
                told(params.at(key), f"{key}: {deployment[key]}")
        return deployment

    def _limits(self, name: str, params: Section) -> None:
        found: dict[str, int] = {}
        for key, most in (("rpm", 10_000_000), ("tpm", 10_000_000_000)):
            value = params.number(key)
            if value is not None and value >= 0:
                found[key] = int(min(value, most))
        self.limits.setdefault(name, []).append(found)
        self._places.setdefault(name, []).append(params.path)

    def model_limits(self) -> dict[str, dict[str, int]]:
        """Requests and tokens per minute of each model: the sums, where every deployment has one."""
        sums: dict[str, dict[str, int]] = {}
        for name, limits in self.limits.items():
            for key, most in (("rpm", 10_000_000), ("tpm", 10_000_000_000)):
                values = [item[key] for item in limits if key in item]
                paths = [(*path, key) for path, item in zip(self._places[name], limits, strict=True) if key in item]
                if values and len(values) == len(limits):
                    sums.setdefault(name, {})[key] = min(most, sum(values))
                    _each(self._notes, paths, f"limits.models.{shown(name)}.{key}: the sum over its deployments")
                else:
                    for path in paths:
                        self._notes.dropped(path, "other deployments of the model have none")
        return sums


def _each(notes: Notes, paths: Iterable[KeyPath], message: str) -> None:
    for path in paths:
        notes.changed(path, message)


def plain(name: str) -> str:
    """A name without `:latest`, which is refused here."""
    return name[: -len(":latest")] if name.lower().endswith(":latest") and len(name) > len(":latest") else name


def _target(deployment: dict[str, Any]) -> tuple[str, str | None]:
    return deployment["provider"], deployment.get("model")


def _ceilings(row: dict[str, Any], params: Section, info: Section) -> None:
    for section, key, target, meant in (
        (params, "max_tokens", "max_tokens", "a ceiling, no default"),
        (params, "max_completion_tokens", "max_tokens", "a ceiling, no default"),
        (params, "max_input_tokens", "max_input_tokens", "longer requests are refused"),
        (info, "max_output_tokens", "max_tokens", "a ceiling that is sent upstream"),
        (info, "max_input_tokens", "context_tokens", "longer requests go elsewhere or are refused"),
    ):
        value = section.number(key)
        if value is None:
            continue
        if not 1 <= value <= 1_000_000_000:
            section.notes.dropped(section.at(key), "is not in a usable range")
            continue
        # Deployments of one model have one ceiling here: the lowest fits all of them.
        row[target] = min(int(value), row.get(target, int(value)))
        section.notes.changed(section.at(key), f"models.<name>.{target}: {meant}")
    seconds = params.number("timeout")
    if seconds is not None and seconds > 0:
        row["timeout_s"] = max(min(seconds, _MAX_SECONDS), row.get("timeout_s", 0.0))
        params.notes.carried(params.at("timeout"), "models.<name>.timeout_s")
    elif seconds is not None:
        params.notes.dropped(params.at("timeout"), "is not in a usable range")


def _prices(row: dict[str, Any], params: Section, info: Section) -> None:
    found: dict[str, float] = {}
    places: list[tuple[Section, str]] = []
    for section in (info, params):
        for key, target in _PRICES.items():
            value = section.number(key)
            if value is not None and 0 <= value <= 1000:
                found[target] = float(round(Decimal(str(value)) * 1_000_000, 9))
                places.append((section, key))
            elif value is not None:
                section.notes.dropped(section.at(key), "is not in a usable range")
    if not {"input", "output"} <= found.keys():
        for section, key in places:
            section.notes.dropped(section.at(key), "a price has both input and output here")
        return
    before = row.get("price", {})
    # One price per model here: the dearest keeps budgets.
    row["price"] = {name: max(value, before.get(name, value)) for name, value in {**before, **found}.items()}
    for section, key in places:
        section.notes.changed(section.at(key), f"models.<name>.price.{_PRICES[key]}: dollars per million tokens")


def _capabilities(row: dict[str, Any], info: Section) -> None:
    for key, target in _CAPABILITIES.items():
        value = info.flag(key)
        if value is not None:
            able = row.setdefault("capabilities", {})
            able[target] = value and able.get(target, True)
            info.notes.carried(info.at(key), f"models.<name>.capabilities.{target}")
    for key in ("id", "base_model", "description", "metadata"):
        if key in info:
            info.notes.dropped(info.at(key), "describes the deployment to LiteLLM only")


def _leftovers(params: Section) -> None:
    for key in params:
        if key in _OF_PROVIDER or key.startswith("aws_"):
            if key == "custom_llm_provider":
                params.notes.carried(params.at(key), "the provider's type")
            continue
        if key in _DEFAULTS:
            params.notes.dropped(params.at(key), "the gateway adds no parameters to a request: clients send them")
        elif key == "stream_timeout":
            params.notes.dropped(params.at(key), "set providers.<name>.first_byte_timeout_s or idle_timeout_s")
        elif key in {"max_retries", "num_retries"}:
            params.notes.dropped(params.at(key), "is set for all models: routing.max_attempts")
