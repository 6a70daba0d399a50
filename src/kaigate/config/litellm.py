"""Turns the configuration of a LiteLLM proxy into one of ours, and accounts for every line of it.

Source: LiteLLM's documentation, "Config.yaml" and "All settings".
"""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yaml

from kaigate.config.aws_region import with_aws
from kaigate.config.check import check
from kaigate.config.document import Document, parse_document, plain_scalar
from kaigate.config.litellm_models import ModelTable
from kaigate.config.litellm_notes import Note, Notes, Section
from kaigate.config.litellm_providers import Environment, ProviderTable
from kaigate.config.litellm_routing import Fallbacks, aliases, strategy
from kaigate.config.litellm_settings import Target, take_general, take_litellm, take_router
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError, KeyPath, Problem, render
from kaigate.config.provider_types import ProviderTypes
from kaigate.config.validate import validate

_NAME: Final = "imported"
_MAX_ROUNDS: Final = 50
_HEAD: Final = "# Made by `kaigate config import-litellm`. Read its report, then check and adjust this file.\n"


class Imported(msgspec.Struct, frozen=True):
    """The configuration as text, empty where nothing was usable; `variables` hold its secrets."""

    text: str
    notes: tuple[Note, ...]
    variables: tuple[str, ...]


def convert(data: bytes, name: str, *, env: Mapping[str, str], types: ProviderTypes) -> Imported:
    """The result for the bytes of a file, named `name` in messages; raises `ConfigError` where that is no YAML."""
    document = parse_document(data, name)
    notes = Notes(document)
    environment = Environment(env)
    whole = _converted(document, notes, environment, types)
    text = _settled(whole, notes, types) if whole.get("models") else ""
    return Imported(text, notes.finish(), tuple(sorted(environment.needed)))


def _converted(document: Document, notes: Notes, environment: Environment, types: ProviderTypes) -> dict[str, Any]:
    root = Section(document.data, (), notes)
    providers = ProviderTable(types, environment)
    models = ModelTable(providers, notes)
    listed = root.raw("model_list")
    credentials = _credentials(root)
    for index, item in enumerate(listed if isinstance(listed, list) else []):
        models.add(item, ("model_list", index), credentials)
    sections = {
        name: Section(root.raw(name), (name,), notes)
        for name in ("litellm_settings", "router_settings", "general_settings")
    }
    litellm, router, general = sections.values()
    target = Target(providers.rows, environment)
    # What the router says comes later, and counts where both say it.
    take_litellm(litellm, target)
    take_router(router, target)
    take_general(general, target)
    strategy(router, target.routing, models.rows)
    aliases(router, "model_group_alias", models.rows)
    aliases(litellm, "model_alias_map", models.rows)
    fallbacks = Fallbacks(models.rows, notes)
    fallbacks.take(router)
    fallbacks.take(litellm)
    _outside(root)
    limits = {"defaults": target.defaults, "models": models.model_limits()}
    whole = {
        "server": target.server,
        "providers": providers.rows,
        "models": models.rows,
        "routing": target.routing,
        "keys": target.keys,
        "limits": {key: value for key, value in limits.items() if value},
        "store": target.store,
    }
    _differences(notes, target)
    return {key: value for key, value in whole.items() if value}


def _credentials(root: Section) -> dict[str, dict[str, Any]]:
    """Values of `credential_list` by name; what they are is told where they are used."""
    found: dict[str, dict[str, Any]] = {}
    given = root.raw("credential_list")
    for index, item in enumerate(given if isinstance(given, list) else []):
        if isinstance(item, dict) and isinstance(item.get("credential_values"), dict):
            found[str(item.get("credential_name"))] = item["credential_values"]
            root.notes.changed(("credential_list", index), "written to the providers that use it")
    return found


def _outside(root: Section) -> None:
    """Sections that have no counterpart."""
    for name, message in (
        ("environment_variables", "set these variables where the gateway runs: a file must not hold secrets"),
        ("include", "included files are not read: import each of them"),
        ("guardrails", "write guardrails.yaml beside the result"),
        ("mcp_servers", "MCP servers are not called by the gateway"),
    ):
        if name in root:
            root.notes.dropped(root.at(name), message)


def _differences(notes: Notes, target: Target) -> None:
    if target.defaults:
        notes.general(
            "limits.defaults: what is not said keeps kaigate's defaults (60 requests a minute, $10 in 30 days, ...)"
        )
    else:
        notes.general(
            "LiteLLM's keys have no limits unless given some; here limits.defaults hold (`kaigate config show`)"
        )
    notes.general("a model without a known price is refused: give it a price, or set limits.allow_unpriced")
    if "master_key" not in target.keys:
        notes.general("LiteLLM without a master_key serves everybody; here every request needs a key")


def _settled(whole: dict[str, Any], notes: Notes, types: ProviderTypes) -> str:
    """The text of the configuration; what its own check refuses is taken out, with a note."""
    for _ in range(_MAX_ROUNDS):
        text = _HEAD + _yaml(whole)
        problems = _problems(text, types)
        if not problems:
            return text
        paths = {render(path): path for path in _paths(whole, ())}
        for problem in problems:
            notes.general(f"{problem.path} was left out: {problem.message}")
        # From the end, so that what is left in a list keeps its place.
        for path in sorted({_nearest(problem.path, paths) for problem in problems}, reverse=True):
            _remove(whole, path)
        if not whole.get("models"):
            break
    return ""


def _nearest(place: str, paths: Mapping[str, KeyPath]) -> KeyPath:
    """What stands at a place, or around it where something is missing there."""
    return paths[max((path for path in paths if place.startswith(path)), key=len)]


def _problems(text: str, types: ProviderTypes) -> tuple[Problem, ...]:
    """What `kaigate config check` would say without reading a secret."""
    document = parse_document(text.encode(), _NAME)
    config, problems = validate(document)
    if config is None or problems:
        return tuple(problems)
    try:
        check(LoadedConfig(with_aws(config, {}), document=document), types, read_files=False)
    except ConfigError as error:
        return error.problems
    return ()


def _paths(value: Any, path: KeyPath) -> list[KeyPath]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        found += _paths(item, (*path, step))
    return found


def _remove(whole: dict[str, Any], path: KeyPath) -> None:
    """Take out what stands at `path`, or all models where that is not known."""
    if not path:
        whole.pop("models", None)
        return
    place: Any = whole
    for step in path[:-1]:
        try:
            place = place[step]
        except (KeyError, IndexError):
            # An earlier problem took it out.
            return
    with contextlib.suppress(KeyError, IndexError):
        place.pop(path[-1])
    if not place:
        _remove(whole, path[:-1])


class _Dumper(yaml.SafeDumper):
    """Writes text so that it is read as text by the core schema too."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- its name belongs to the method
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # PyYAML knows the rules of YAML 1.1 only: `1e5` is text there, and a number here.
    style = None if plain_scalar(value) == value else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _yaml(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
