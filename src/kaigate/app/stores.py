"""What outlives every configuration and every request: database, shared counters, the usage on its way to SQL."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select

from kaigate.app.rebuild import spent_budgets
from kaigate.clock import Clock
from kaigate.config.database import database_url, make_data_dir
from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import GatewayConfig
from kaigate.config.secrets import SecretRef
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.pepper import pepper_of
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.service import KeyService
from kaigate.ledger.drain import Drain, Watch
from kaigate.ledger.journal import Journal
from kaigate.ledger.sql import Ledger
from kaigate.limits.limiter import Limiter
from kaigate.limits.memory import MemoryStore
from kaigate.limits.model import Bound, LimitStore
from kaigate.limits.redis_store import RedisStore
from kaigate.pipeline.principal import Principal
from kaigate.store.errors import StoreError
from kaigate.store.redis.client import Redis, StateListener
from kaigate.store.redis.dial import RedisTls
from kaigate.store.redis.url import RedisUrl
from kaigate.store.sql.engine import Database
from kaigate.store.sql.key_tables import keys, teams
from kaigate.store.sql.migrate import migrate
from kaigate.telemetry.limit_metrics import LimitMetrics

log = logging.getLogger("kaigate.store")

_MOST_JOURNALS: Final = 64
_SELF: Final = Principal("gateway", "gateway", master=True, role="master")
_DRAIN_S: Final = 5.0
_MIGRATE_AGAIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Parts:
    """What `Stores` is made of."""

    database: Database
    directory: KeyDirectory
    service: KeyService
    ledger: Ledger
    journal: Journal
    redis: Redis | None
    limiter: Limiter
    drains: tuple[Drain, ...]


class Stores:
    """Opened once per process. `open` blocks on the disk; `start` brings everything up, whatever is missing.

    Only the configuration's limits follow a reload: another database or Redis needs a restart.
    """

    def __init__(
        self, loaded: LoadedConfig, policy: KeyPolicy, env: Mapping[str, str], metrics: LimitMetrics, clock: Clock
    ) -> None:
        """Raises OSError, `PepperError`, `StoreError` or ValueError for what can't be used at all."""
        config = loaded.config
        self._config = config
        self._clock = clock
        folder = make_data_dir(config, env)
        database = Database(database_url(config, env, loaded.secrets))
        configured = config.keys.pepper
        pepper = pepper_of(loaded.secrets[configured] if configured is not None else None, folder)
        directory = KeyDirectory(database, pepper, clock, policy)
        ledger = Ledger(database, retention_days=config.store.usage_retention_days)
        journal = _free_journal(folder)
        local = MemoryStore(clock, journal)
        redis = _redis(loaded, self._redis_changed)
        shared = RedisStore(redis, config.store.redis.key_prefix) if redis is not None else None
        limits = config.limits
        limiter = Limiter(
            local,
            shared,
            keep=journal.settled,
            on_failure=limits.on_store_failure,
            replicas=config.server.replicas,
            lease_ms=round(limits.reservation_s * 1000),
            spent=self._spent,
            on_degraded=metrics.store_degraded.set,
        )
        stores: tuple[LimitStore, ...] = (local,) if shared is None else (shared, local)
        self.parts = _Parts(
            database=database,
            directory=directory,
            service=KeyService(database, pepper, clock, policy, directory.changed),
            ledger=ledger,
            journal=journal,
            redis=redis,
            limiter=limiter,
            drains=tuple(
                Drain(
                    store,
                    ledger,
                    clock,
                    watch=Watch(on_lag=metrics.outbox_lag.set, on_failure=metrics.outbox_failures.inc),
                )
                for store in stores
            ),
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Migrate, charge what a crash left, rebuild the budgets. A database that is away is waited for later.

        Raises `PepperError` where the keys of this database were hashed with another pepper.
        """
        parts = self.parts
        if parts.redis is not None:
            await parts.redis.start()
        left = await asyncio.to_thread(parts.journal.recover)
        if left:
            log.warning("reservations of a crashed process are charged", extra={"count": left})
        migrated = await self._migrate()
        if migrated:
            await parts.service.verify_pepper(_SELF)
        await parts.directory.start()
        if migrated:
            for drain in parts.drains:
                await drain.flush(_DRAIN_S)
        with contextlib.suppress(StoreError):
            await parts.limiter.rebuild()
        work = [parts.limiter.run(), *(drain.run() for drain in parts.drains)]
        if not migrated:
            work.append(self._migrate_later())
        self._tasks = [asyncio.create_task(each) for each in work]

    def use(self, config: GatewayConfig, policy: KeyPolicy) -> None:
        """Take the limits of a new configuration."""
        self._config = config
        self.parts.directory.use_policy(policy)
        self.parts.service.use_policy(policy)

    async def aclose(self) -> None:
        """Bring the usage to SQL, within a bound, and close everything; what is left is in the journal or in Redis."""
        parts = self.parts
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await parts.limiter.aclose()
        for drain in parts.drains:
            await drain.flush(_DRAIN_S)
        with contextlib.suppress(StoreError):
            await parts.directory.aclose()
        if parts.redis is not None:
            await parts.redis.aclose()
        with contextlib.suppress(StoreError):
            await parts.database.aclose()
        await asyncio.to_thread(parts.journal.close)

    def _redis_changed(self, usable: bool, reason: str) -> None:
        if not usable:
            self.parts.limiter.lost(reason)

    async def _migrate(self) -> bool:
        try:
            await migrate(self.parts.database)
        except StoreError as error:
            log.warning("the database can't be used yet", extra={"detail": str(error)})
            return False
        return True

    async def _migrate_later(self) -> None:
        while not await self._migrate():
            await asyncio.sleep(_MIGRATE_AGAIN_S)
        await self.parts.limiter.rebuild()

    async def _spent(self) -> list[tuple[Bound, int]]:
        # What was spent while the shared store was away is still on its way to the ledger.
        for drain in self.parts.drains:
            if not await drain.flush(_DRAIN_S):
                raise StoreError("usage is still on its way to the ledger")
        async with self.parts.database.connect() as connection:
            specs: set[str] = set()
            for table in (keys, teams):
                column = table.c.budget_window
                rows = await connection.execute(select(column).where(column.is_not(None)).distinct())
                specs.update(rows.scalars())
        return await spent_budgets(self.parts.ledger, self._config.limits, specs, int(self._clock.now() * 1000))


def open_stores(
    loaded: LoadedConfig, policy: KeyPolicy, env: Mapping[str, str], metrics: LimitMetrics, clock: Clock
) -> Stores | None:
    """The stores that a configuration needs; None where limits are off and no database is named. Blocking."""
    config = loaded.config
    if not config.limits.enabled and config.store.database is None:
        return None
    return Stores(loaded, policy, env, metrics, clock)


def _free_journal(folder: Path) -> Journal:
    """The first journal that no other process of this machine has: after a restart it is found again."""
    for number in range(_MOST_JOURNALS):
        path = folder / f"journal-{number}"
        try:
            return Journal(path)
        except StoreError as error:
            failure = error
    raise failure


def _redis(loaded: LoadedConfig, on_state: StateListener) -> Redis | None:
    settings = loaded.config.store.redis
    url = settings.url
    if url is None:
        return None
    return Redis(
        RedisUrl.parse(loaded.secrets[url].reveal() if isinstance(url, SecretRef) else url),
        timeout_s=settings.timeout_ms / 1000,
        tls=RedisTls(settings.ca_file, settings.client_cert_file, settings.client_key_file),
        hash_tag=settings.key_prefix,
        on_state=on_state,
    )
