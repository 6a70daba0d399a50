"""LiteLLM's fallbacks, aliases and strategies, from `router_settings` and `litellm_settings`."""

from collections.abc import Iterator
from typing import Any, Final

from kaigate.config.litellm_models import plain
from kaigate.config.litellm_notes import Notes, Section
from kaigate.config.patterns import is_glob
from kaigate.config.problems import KeyPath, shown

STRATEGIES: Final = {
    "simple-shuffle": ("weighted", True),
    "latency-based-routing": ("fastest", True),
    "cost-based-routing": ("cheapest", True),
    "least-busy": ("weighted", False),
    "usage-based-routing": ("weighted", False),
    "usage-based-routing-v2": ("weighted", False),
}
_CHAINS: Final = {"fallbacks": "fallbacks", "context_window_fallbacks": "context_fallbacks"}


class Fallbacks:
    """Adds fallbacks one by one, but none that leads nowhere or in a circle."""

    def __init__(self, models: dict[str, dict[str, Any]], notes: Notes) -> None:
        self._models = models
        self._notes = notes

    def take(self, section: Section) -> None:
        """The chains of a section."""
        for key, field in _CHAINS.items():
            for source, targets, path in _pairs(section, key):
                for name in self._sources(source):
                    self._chain(name, targets, field, path, quiet=source == "*")
        default = section.raw("default_fallbacks")
        if isinstance(default, list):
            for name in self._sources("*"):
                self._chain(name, default, "fallbacks", section.at("default_fallbacks"), quiet=True)
        if "content_policy_fallbacks" in section:
            section.notes.dropped(section.at("content_policy_fallbacks"), "a refusal for safety never falls back")

    def _sources(self, source: str) -> list[str]:
        return [name for name in self._models if not is_glob(name)] if source == "*" else [source]

    def _chain(self, source: str, targets: list[Any], field: str, path: KeyPath, *, quiet: bool) -> None:
        source = plain(source)
        for target in map(plain, map(str, targets)):
            problem = self._problem(source, target, field)
            if problem is None:
                self._models[source].setdefault(field, []).append(target)
                self._notes.carried(path, f"models.{shown(source)}.{field}: {shown(target)}")
            elif not quiet or target not in self._models:
                self._notes.dropped(path, f"{shown(source)} to {shown(target)}: {problem}")
            else:
                self._notes.carried(path, f"but not {shown(source)} to {shown(target)}: {problem}")

    def _problem(self, source: str, target: str, field: str) -> str | None:
        for name in (source, target):
            if name not in self._models or is_glob(name):
                return f"{shown(name)} is no model of the list"
        if target in self._models[source].get(field, ()):
            return "is said already"
        return "fallbacks would go round in a circle" if self._leads(target, source) else None

    def _leads(self, start: str, goal: str) -> bool:
        seen, left = set(), [start]
        while left:
            name = left.pop()
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                left += [each for field in _CHAINS.values() for each in self._models[name].get(field, ())]
        return False


def _pairs(section: Section, key: str) -> Iterator[tuple[str, list[Any], KeyPath]]:
    given = section.raw(key)
    for index, item in enumerate(given if isinstance(given, list) else []):
        path = (*section.at(key), index)
        if not isinstance(item, dict):
            section.notes.dropped(path, "is no mapping of a model to a list of models")
            continue
        for source, targets in item.items():
            if isinstance(targets, list) and all(isinstance(each, str) for each in targets):
                yield source, targets, (*path, source)
            else:
                section.notes.dropped((*path, source), "is no list of models")


def aliases(section: Section, key: str, models: dict[str, dict[str, Any]]) -> None:
    """`model_group_alias` or `model_alias_map`: further names of models."""
    if key not in section:
        return
    given = Section(section.raw(key), section.at(key), section.notes)
    taken = {alias for row in models.values() for alias in row.get("aliases", ())}
    for alias in given:
        value = given.raw(alias)
        target = plain(str(value.get("model") if isinstance(value, dict) else value))
        usable = alias.isascii() and alias.isprintable() and " " not in alias and 0 < len(alias) <= 256
        if target not in models or is_glob(target) or is_glob(alias) or not usable:
            section.notes.dropped(given.at(alias), f"{shown(target)} is no model of the list, or this is no name")
        elif alias in models or alias in taken or plain(alias) != alias:
            section.notes.dropped(given.at(alias), "this name is taken, or is refused here")
        else:
            taken.add(alias)
            models[target].setdefault("aliases", []).append(alias)
            section.notes.carried(given.at(alias), f"models.{shown(target)}.aliases")


def strategy(section: Section, routing: dict[str, Any], models: dict[str, dict[str, Any]]) -> None:
    """`routing_strategy`; LiteLLM shuffles where nothing is said."""
    given = section.text("routing_strategy")
    if given in STRATEGIES:
        name, same = STRATEGIES[given]
        routing["strategy"] = name
        told = section.notes.carried if same else section.notes.changed
        told(section.at("routing_strategy"), f"routing.strategy: {name}")
        return
    if given is not None:
        section.notes.dropped(section.at("routing_strategy"), "is not known here")
    if any(len(row["deployments"]) > 1 for row in models.values()):
        routing["strategy"] = "weighted"
        section.notes.general("LiteLLM spreads requests over the deployments of a model: routing.strategy: weighted")
