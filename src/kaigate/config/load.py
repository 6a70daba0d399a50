"""Reads `gateway.yaml` and the guardrail file beside it into a checked, typed snapshot."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from kaigate.config.aws_region import with_aws
from kaigate.config.document import Document, read_document
from kaigate.config.loaded import LoadedConfig, ServerOverrides, config_hash, references
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import ConfigError, KeyPath, Problem
from kaigate.config.secrets import Secret, SecretError, SecretRef, resolve
from kaigate.config.validate import validate

CONFIG_VARIABLE: Final = "KAIGATE_CONFIG"
MASTER_KEY_VARIABLE: Final = "KAIGATE_MASTER_KEY"
REDIS_VARIABLE: Final = "KAIGATE_REDIS_URL"
DATABASE_VARIABLE: Final = "KAIGATE_DATABASE_URL"

_GUARDRAILS: Final[KeyPath] = ("guardrails",)


def config_path(option: Path | None, env: Mapping[str, str]) -> Path | None:
    """The file to read: the option, else `KAIGATE_CONFIG`, else None."""
    if option is not None:
        return option
    named = env.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def load(
    path: Path | None,
    env: Mapping[str, str],
    *,
    overrides: ServerOverrides | None = None,
    resolve_secrets: bool = True,
) -> LoadedConfig:
    """Read, validate and resolve the configuration at `path`, or at `KAIGATE_CONFIG`. Blocking.

    Raises `ConfigError` with every problem found. `resolve_secrets=False` reads no secret, for checks elsewhere.
    """
    file = config_path(path, env)
    if file is None:
        raise ConfigError([Problem("kaigate", 0, 0, "", f"no configuration file: give one, or set {CONFIG_VARIABLE}")])
    guardrail_file = guardrails_beside(file)
    document = read_document(file, str(file))
    if not isinstance(document.data, dict):
        raise ConfigError([*document.problems, document.problem((), "must be a mapping (key: value)")])
    # A section whose lines are all commented out is an absent section.
    document = replace(document, data={key: value for key, value in document.data.items() if value is not None})
    # A dangling link counts as present: its guardrails are missing, not absent.
    if (guardrail_file.exists() or guardrail_file.is_symlink()) and guardrail_file != file:
        _merge_guardrails(document, guardrail_file)
    config, problems = validate(document)
    problems += document.problems
    if config is None:
        raise ConfigError(problems)
    config = with_variables(config, env)
    secrets: dict[SecretRef, Secret] = {}
    if resolve_secrets:
        problems += _resolve_all(config, env, document, secrets)
    if problems:
        raise ConfigError(problems)
    overrides = overrides or ServerOverrides()
    config = overrides.apply(config)
    return LoadedConfig(
        config=config,
        secrets=secrets,
        sources=(file, guardrail_file),
        hash=config_hash(config),
        overrides=overrides,
        document=document,
    )


def guardrails_beside(path: Path) -> Path:
    """`guardrail-settings.yaml` beside `gateway-settings.yaml`, `guardrails.yaml` beside any other name."""
    stem = "guardrail-settings" if path.stem == "gateway-settings" else "guardrails"
    return path.with_name(stem + (path.suffix or ".yaml"))


def with_variables(config: GatewayConfig, env: Mapping[str, str]) -> GatewayConfig:
    """The configuration with what the environment says: master key, Redis URL, database URL, AWS region."""
    if env.get(MASTER_KEY_VARIABLE):
        keys = config.keys.model_copy(update={"master_key": SecretRef("env", MASTER_KEY_VARIABLE)})
        config = config.model_copy(update={"keys": keys})
    store = config.store
    if env.get(REDIS_VARIABLE):
        redis = store.redis.model_copy(update={"url": SecretRef("env", REDIS_VARIABLE)})
        store = store.model_copy(update={"redis": redis})
    if env.get(DATABASE_VARIABLE):
        store = store.model_copy(update={"database": SecretRef("env", DATABASE_VARIABLE)})
    config = config if store is config.store else config.model_copy(update={"store": store})
    return with_aws(config, env)


def _merge_guardrails(document: Document, path: Path) -> None:
    if "guardrails" in document.data:
        message = f"guardrails are configured here and in {path.name}: keep one of them"
        document.problems.append(document.problem(_GUARDRAILS, message, key=True))
        return
    try:
        beside = read_document(path, str(path))
    except ConfigError as error:
        document.problems.extend(error.problems)
        return
    document.data["guardrails"] = {} if beside.data is None else beside.data
    document.problems.extend(beside.problems)
    document.keys.update({_GUARDRAILS + below: mark for below, mark in beside.keys.items()})
    document.values.update({_GUARDRAILS + below: mark for below, mark in beside.values.items()})


def _resolve_all(
    config: GatewayConfig, env: Mapping[str, str], document: Document, secrets: dict[SecretRef, Secret]
) -> list[Problem]:
    problems = []
    for path, reference in references(config):
        try:
            secrets[reference] = resolve(reference, env)
        except SecretError as error:
            problems.append(document.problem(path, str(error)))
    return problems
