"""A configuration that was read: the typed settings, resolved secrets, and where everything stands."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from pydantic import BaseModel

from kaigate.config.document import Document
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import KeyPath
from kaigate.config.secrets import Secret, SecretRef
from kaigate.config.show import effective


@dataclass(frozen=True, slots=True)
class ServerOverrides:
    """What the command line says instead of the file's `server` section; None leaves the file's value."""

    host: str | None = None
    port: int | None = None
    admin_port: int | None = None
    ops_port: int | None = None
    reuse_port: bool | None = None

    def apply(self, config: GatewayConfig) -> GatewayConfig:
        """The configuration with these values in place."""
        given = {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}
        return config.model_copy(update={"server": config.server.model_copy(update=given)}) if given else config


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A whole configuration snapshot.

    `sources` are the files it came from, also one that did not exist but would be read; `hash` is a short digest of
    the effective configuration without secrets; `document` holds the positions for cross-checks.
    """

    config: GatewayConfig
    secrets: Mapping[SecretRef, Secret] = field(default_factory=dict, repr=False)
    sources: tuple[Path, ...] = ()
    hash: str = ""
    warnings: tuple[str, ...] = ()
    overrides: ServerOverrides = ServerOverrides()
    document: Document = field(default_factory=lambda: Document({}), repr=False, compare=False)

    def secret(self, reference: SecretRef | None) -> str | None:
        """The value of a reference, None for none."""
        return None if reference is None else self.secrets[reference].reveal()

    @property
    def watched(self) -> tuple[Path, ...]:
        """Every file whose change matters: the sources and the secrets' files."""
        return (*self.sources, *(Path(ref.target) for ref in self.secrets if ref.scheme == "file"))


def config_hash(config: GatewayConfig) -> str:
    """Twelve hex digits of SHA-256 over the canonical effective configuration, which holds no secret."""
    canonical = msgspec.json.encode(effective(config), order="sorted")
    return hashlib.sha256(canonical).hexdigest()[:12]


def references(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, SecretRef]]:
    """Every secret reference of a configuration, with its path."""
    if isinstance(value, SecretRef):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from references(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from references(item, (*path, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from references(item, (*path, index))
