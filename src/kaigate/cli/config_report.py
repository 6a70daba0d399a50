"""What the `kaigate config` commands print."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import yaml
from rich.console import Console
from rich.table import Table

from kaigate.cli.problems import refuse
from kaigate.cli.read import find
from kaigate.config.check import check
from kaigate.config.loaded import LoadedConfig
from kaigate.config.patterns import is_glob
from kaigate.config.prefixes import prefix_table, providers_for
from kaigate.config.problems import ConfigError
from kaigate.config.schema import config_schema, guardrail_schema
from kaigate.config.show import effective
from kaigate.providers.registry import ROWS


def report_check(option: Path | None, *, as_json: bool, offline: bool) -> int:
    """The outcome of a full check; the exit code."""
    try:
        loaded = check(find(option, resolve_secrets=not offline).loaded, ROWS, read_files=not offline)
    except ConfigError as error:
        if not as_json:
            return refuse(error)
        _print_json({"ok": False, "problems": [asdict(problem) for problem in error.problems], "warnings": []})
        return 1
    if as_json:
        _print_json({"ok": True, "hash": loaded.hash, "problems": [], "warnings": list(loaded.warnings)})
        return 0
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    Console().print(_allowlist(loaded))
    print(f"configuration {loaded.hash} is valid")
    return 0


def report_effective(option: Path | None, *, as_json: bool) -> int:
    """The effective configuration, as YAML for people or JSON; the exit code."""
    try:
        data = effective(find(option, resolve_secrets=False).loaded.config)
    except ConfigError as error:
        return refuse(error)
    if as_json:
        _print_json(data)
    else:
        print(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), end="")
    return 0


def report_schema(*, guardrails: bool, as_json: bool) -> int:
    """The JSON Schema, indented for people or on one line for programs; the exit code."""
    schema = guardrail_schema() if guardrails else config_schema()
    _print_json(schema, indent=0 if as_json else 2)
    return 0


def _allowlist(loaded: LoadedConfig) -> Table:
    config = loaded.config
    prefixes = prefix_table(config)
    table = Table("model", "aliases", "provider", "upstream model", "zone", title="Allowlist", title_justify="left")
    for name, settings in config.models.items():
        deployments = [(item.provider, item.model or name) for item in settings.deployments]
        for provider, model in deployments or [(item, name) for item in providers_for(prefixes, name)]:
            row = config.providers[provider]
            zone = row.zone or ROWS[row.type].zone
            table.add_row(name, ", ".join(settings.aliases), provider, "as asked" if is_glob(model) else model, zone)
    return table


def _print_json(data: Any, *, indent: int = 0) -> None:
    encoded = msgspec.json.encode(data)
    print((msgspec.json.format(encoded, indent=indent) if indent else encoded).decode())
