"""The allowlist: which names are served, by which deployments.

An exact name or alias wins, then the longest glob that admits the name. Prefixes only pick the provider of an
admitted name that names no deployment.
"""

import fnmatch
from collections.abc import Mapping
from typing import Final, Self, TypeVar

from kaigate.config.models import GatewayConfig, ModelSettings
from kaigate.config.patterns import is_glob
from kaigate.errors import RequestInvalidError
from kaigate.pipeline.plan import ModelEntry
from kaigate.pipeline.principal import Principal
from kaigate.routing.entries import EntryBuilder
from kaigate.routing.upstream import BuiltProvider

MAX_NAME: Final = 256
MAX_REMEMBERED: Final = 4096

K = TypeVar("K")
V = TypeVar("V")


class Catalogue:
    """Resolves names for one configuration snapshot; immutable but for a bounded memory."""

    __slots__ = ("_aliases", "_builder", "_entries", "_globs", "_matched")

    def __init__(self, models: Mapping[str, ModelSettings], builder: EntryBuilder) -> None:
        self._builder = builder
        globs = [(name, settings) for name, settings in models.items() if is_glob(name)]
        self._globs = sorted(globs, key=lambda item: len(item[0]), reverse=True)
        self._entries = {name: builder.entry(name, settings) for name, settings in models.items() if not is_glob(name)}
        self._aliases = {
            alias: self._entries[name]
            for name, settings in models.items()
            if name in self._entries
            for alias in settings.aliases
        }
        self._matched: dict[str, ModelEntry] = {}

    @classmethod
    def build(cls, config: GatewayConfig, providers: Mapping[str, BuiltProvider]) -> Self:
        """The catalogue of a cross-checked configuration; `providers` holds each of its providers by name."""
        return cls(config.models, EntryBuilder(config, providers))

    def resolve(self, name: str) -> ModelEntry:
        """The entry behind a client's model name; a glob gives an entry under the name itself.

        Raises `RequestInvalidError("model_not_found")` for a name that is not on the allowlist.
        """
        entry = self._entries.get(name) or self._aliases.get(name) or self._matched.get(name)
        return entry if entry is not None else self._match(name)

    def named(self, name: str) -> ModelEntry:
        """The entry of exactly this name, which a cross-checked configuration gives as a fallback."""
        return self._entries[name]

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

    def _match(self, name: str) -> ModelEntry:
        # `:latest` moves with every pull: through a glob it would pass the rule that refuses it in the file.
        if len(name) <= MAX_NAME and name.isascii() and name.isprintable() and not name.lower().endswith(":latest"):
            for pattern, settings in self._globs:
                if fnmatch.fnmatchcase(name, pattern):
                    entry = self._builder.entry(name, settings, label=pattern)
                    if entry.deployments:
                        return remember(self._matched, name, entry)
        raise self.not_listed()

    def _servable(self, entry: ModelEntry, principal: Principal) -> bool:
        private, providers = principal.private_only or entry.private, principal.providers
        return any(
            (not private or deployment.zone == "private")
            and (providers is None or deployment.provider.name in providers)
            for deployment in entry.deployments
        )


def remember(memory: dict[K, V], key: K, value: V) -> V:
    """Keep a value, forgetting the oldest one beyond the bound: names that match a glob come from clients."""
    if len(memory) >= MAX_REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = value
    return value
