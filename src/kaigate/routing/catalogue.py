"""The allowlist: which names are served, by which deployments.

An exact name or alias wins, then the longest glob that admits the name. Prefixes only pick the provider of an
admitted name that names no deployment.
"""

import fnmatch
from collections.abc import Mapping
from typing import Final, Self, TypeVar

from kaigate.config.models import GatewayConfig, ModelSettings
from kaigate.config.patterns import is_glob
from kaigate.config.prefixes import PrefixTable, prefix_table, providers_for
from kaigate.errors import RequestInvalidError, UnavailableError
from kaigate.pipeline.plan import Deployment, Exclusion, ModelEntry, RoutePlan
from kaigate.pipeline.principal import Principal
from kaigate.routing.upstream import BuiltProvider

MAX_NAME: Final = 256
MAX_REMEMBERED: Final = 4096

K = TypeVar("K")
V = TypeVar("V")


class Catalogue:
    """Resolves names and plans routes for one configuration snapshot; immutable but for bounded memories."""

    __slots__ = ("_aliases", "_entries", "_globs", "_matched", "_plans", "_prefixes", "_providers")

    def __init__(
        self, models: Mapping[str, ModelSettings], prefixes: PrefixTable, providers: Mapping[str, BuiltProvider]
    ) -> None:
        self._prefixes = prefixes
        self._providers = providers
        globs = [(name, settings) for name, settings in models.items() if is_glob(name)]
        self._globs = sorted(globs, key=lambda item: len(item[0]), reverse=True)
        self._entries = {name: self._entry(name, settings) for name, settings in models.items() if not is_glob(name)}
        self._aliases = {
            alias: self._entries[name]
            for name, settings in models.items()
            if name in self._entries
            for alias in settings.aliases
        }
        self._matched: dict[str, ModelEntry] = {}
        self._plans: dict[tuple[str, bool], RoutePlan] = {}

    @classmethod
    def build(cls, config: GatewayConfig, providers: Mapping[str, BuiltProvider]) -> Self:
        """The catalogue of a cross-checked configuration; `providers` holds each of its providers by name."""
        return cls(config.models, prefix_table(config), providers)

    def resolve(self, name: str) -> ModelEntry:
        """The entry behind a client's model name; a glob gives an entry under the name itself.

        Raises `RequestInvalidError("model_not_found")` for a name that is not on the allowlist.
        """
        entry = self._entries.get(name) or self._aliases.get(name) or self._matched.get(name)
        return entry if entry is not None else self._match(name)

    def visible_to(self, principal: Principal) -> list[str]:
        """Names that this caller may use, in the file's order, each followed by its aliases.

        A glob admits names that only the upstream knows, so it is not listed.
        """
        names: list[str] = []
        for name, entry in self._entries.items():
            if principal.may_use(name) and self._servable(entry, principal):
                names.append(name)
                names.extend(alias for alias, target in self._aliases.items() if target is entry)
        return names

    def not_listed(self) -> RequestInvalidError:
        """The error for a name that is not on the allowlist."""
        return RequestInvalidError(
            "model_not_found",
            "This model is not on the allowlist. GET /v1/models lists the models that may be used.",
            param="model",
        )

    def plan(self, entry: ModelEntry, *, private: bool) -> RoutePlan:
        """Candidates for a request, in order; `private` admits only providers of the private zone.

        Raises `UnavailableError("no_private_provider")` where none is left.
        """
        key = (entry.name, private or entry.private)
        plan = self._plans.get(key)
        if plan is None:
            plan = _remember(self._plans, key, _plan(entry, private=key[1]))
        if not plan.candidates:
            raise UnavailableError(
                "no_private_provider",
                "This request may only be served by a private provider, and none serves this model.",
            )
        return plan

    def _match(self, name: str) -> ModelEntry:
        # `:latest` moves with every pull: through a glob it would pass the rule that refuses it in the file.
        if len(name) <= MAX_NAME and name.isascii() and name.isprintable() and not name.lower().endswith(":latest"):
            for pattern, settings in self._globs:
                if fnmatch.fnmatchcase(name, pattern):
                    entry = self._entry(name, settings, label=pattern)
                    if entry.deployments:
                        return _remember(self._matched, name, entry)
        raise self.not_listed()

    def _entry(self, name: str, settings: ModelSettings, *, label: str | None = None) -> ModelEntry:
        chosen = [(item.provider, item.model or name) for item in settings.deployments]
        if not chosen:
            chosen = [(provider, name) for provider in providers_for(self._prefixes, name)]
        return ModelEntry(
            name=name,
            label=label or name,
            deployments=tuple(self._deployment(provider, model, settings) for provider, model in chosen),
            max_tokens=settings.max_tokens,
            max_input_tokens=settings.max_input_tokens,
            private=settings.private,
        )

    def _deployment(self, provider: str, model: str, settings: ModelSettings) -> Deployment:
        built = self._providers[provider]
        return Deployment(
            provider=built.provider,
            target=built.target,
            base_path=built.base_path,
            model=model,
            zone=built.zone,
            deadlines=built.deadlines_within(settings.timeout_s),
            header_lines=f"x-kaigate-provider: {provider}\r\nx-kaigate-model: {model}\r\n".encode(),
        )

    def _servable(self, entry: ModelEntry, principal: Principal) -> bool:
        if not (principal.private_only or entry.private):
            return True
        return any(deployment.zone == "private" for deployment in entry.deployments)


def _plan(entry: ModelEntry, *, private: bool) -> RoutePlan:
    if not private:
        return RoutePlan(entry.deployments)
    return RoutePlan(
        candidates=tuple(item for item in entry.deployments if item.zone == "private"),
        excluded=tuple(
            Exclusion(item.provider.name, item.model, "not in the private zone")
            for item in entry.deployments
            if item.zone != "private"
        ),
    )


def _remember(memory: dict[K, V], key: K, value: V) -> V:
    """Keep a value, forgetting the oldest one beyond the bound: names that match a glob come from clients."""
    if len(memory) >= MAX_REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
    return value
