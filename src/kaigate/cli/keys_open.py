"""From a command's options to the key service on the configured database, and from failures to an exit code."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET

from kaigate.cli.problems import refuse
from kaigate.clock import SystemClock
from kaigate.config.database import database_url, make_data_dir
from kaigate.config.load import config_path, load, with_variables
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import ConfigError
from kaigate.config.secrets import SecretError, SecretRef, resolve
from kaigate.errors import GatewayError
from kaigate.keys.pepper import PepperError, pepper_of
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyChange, LimitsChange
from kaigate.keys.service import KeyService
from kaigate.money import from_usd
from kaigate.pipeline.principal import UNLIMITED, Principal
from kaigate.store.errors import StoreError
from kaigate.store.sql.engine import Database
from kaigate.store.sql.migrate import migrate

# Whoever can write the database and read the pepper needs no other right.
OPERATOR: Final = Principal(key_id="cli", name="cli", master=True, role="master")
_LISTS: Final = ("models", "providers", "tools", "networks")
_COUNTS: Final = ("rpm", "tpm", "parallel", "max_input_tokens")
_DAYS: Final = re.compile(r"([1-9][0-9]{0,4})d")


def with_service(config: Path | None, work: Callable[[KeyService], Awaitable[int]]) -> int:
    """Run `work` on the database of the configuration, migrated first; the exit code, with the reason on stderr."""
    try:
        settings = _settings(config)
        secrets = {ref: resolve(ref, os.environ) for ref in _needed(settings)}
        pepper = pepper_of(
            None if settings.keys.pepper is None else secrets[settings.keys.pepper],
            make_data_dir(settings, os.environ),
        )
        db = Database(database_url(settings, os.environ, secrets))
        return asyncio.run(_run(db, KeyService(db, pepper, SystemClock(), KeyPolicy.build(settings)), work))
    except ConfigError as error:
        return refuse(error)
    except GatewayError as error:
        print(error.message, file=sys.stderr)
    except (StoreError, PepperError, SecretError, ValueError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
    return 1


async def _run(db: Database, service: KeyService, work: Callable[[KeyService], Awaitable[int]]) -> int:
    try:
        await migrate(db)
        await service.verify_pepper(OPERATOR)
        return await work(service)
    finally:
        await db.aclose()


def _settings(option: Path | None) -> GatewayConfig:
    """The configuration; without a file the defaults do, since no provider is needed here. Blocking."""
    path = config_path(option, os.environ)
    if path is None:
        return with_variables(GatewayConfig(), os.environ)
    # Other secrets may be readable by the gateway alone.
    return load(path, os.environ, resolve_secrets=False).config


def _needed(config: GatewayConfig) -> list[SecretRef]:
    named = (config.store.database, config.keys.pepper)
    return [reference for reference in named if isinstance(reference, SecretRef)]


def key_change(given: Mapping[str, Any]) -> KeyChange:
    """The rights that options ask for; raises ValueError for an amount or a time that is none."""
    said = {name: value for name, value in given.items() if value is not None}
    rights: dict[str, Any] = {
        name: said[name]
        for name in ("team", "role", "private_only", "preset", "guardrail_profile", "end_users")
        if name in said
    }
    rights |= {name: listed(said[name]) for name in _LISTS if name in said}
    if "expires" in said:
        rights["expires_at"] = moment_ms(said["expires"], datetime.now(UTC))
    return KeyChange(**rights, limits=limits_change(said))


def limits_change(given: Mapping[str, Any]) -> LimitsChange:
    """The limits that options ask for; raises ValueError for an amount that is none."""
    counts = {name: given[name] for name in _COUNTS if given.get(name) is not None}
    budget = given.get("budget_usd")
    if budget is not None:
        counts["budget"] = UNLIMITED if budget.strip() == "-1" else from_usd(budget)
    return LimitsChange(**counts, budget_window=_or_unset(given.get("budget_window")))


def listed(text: str) -> tuple[str, ...]:
    """The entries of a comma-separated list."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def moment_ms(text: str, now: datetime) -> int:
    """Unix milliseconds of `90d` from now, or of an ISO 8601 time, UTC where it names no zone; raises ValueError."""
    days = _DAYS.fullmatch(text)
    if days is not None:
        moment = now + timedelta(days=int(days[1]))
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("--expires: a number of days such as 90d, or a time such as 2027-01-31T12:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _or_unset(value: Any) -> Any:
    return UNSET if value is None else value
