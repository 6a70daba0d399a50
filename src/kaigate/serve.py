"""The gateway process: three listening ports, reloads, and an orderly end."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

import uvloop

from kaigate import __version__
from kaigate.admin.api import Administration, admin_app
from kaigate.admin.auth import Authenticator
from kaigate.app.assemble import Process, build
from kaigate.app.data import DataApp
from kaigate.app.digests import DigestChecker
from kaigate.app.health_checks import HealthChecker
from kaigate.app.lifecycle import Lifecycle
from kaigate.app.listener import Listener, bind, listener
from kaigate.app.ops import ops_app
from kaigate.app.runtime import Runtime
from kaigate.app.server import ApiServer
from kaigate.app.snapshot import Snapshot
from kaigate.app.stores import open_stores
from kaigate.clock import SystemClock
from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError
from kaigate.config.watch import Reloader, watch
from kaigate.keys.pepper import PepperError
from kaigate.keys.policy import KeyPolicy
from kaigate.ledger.reports import Reports
from kaigate.providers import registry
from kaigate.store.errors import StoreError
from kaigate.telemetry.logging import JsonHandler, LineWriter, configure
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient

log = logging.getLogger("kaigate.serve")

# A full collection over a warm heap costs milliseconds, and reference counts free what requests allocate.
_GC_THRESHOLDS: Final = (50_000, 20, 50)
_CLOSE_S: Final = 1.0


def run(loaded: LoadedConfig, *, config_path: Path | None, generated_key: str | None) -> int:
    """Serve until a stop signal; returns the exit code: 0 after an orderly end, 1 when it could not start.

    `generated_key` is printed once: a gateway without a file has no other way to tell its key.
    """
    metrics = Metrics()
    writer = LineWriter(sys.stdout.fileno(), on_drop=metrics.log_dropped.inc)
    handler = JsonHandler(writer)
    configure(handler, loaded.config.telemetry.log_level)
    clock = SystemClock()
    env = dict(os.environ)
    policy = KeyPolicy.build(loaded.config)
    try:
        stores = open_stores(loaded, policy, env, metrics.limits, clock)
    except (OSError, PepperError, StoreError, ValueError) as error:
        log.critical("can't keep state: %s", error)
        writer.close()
        return 1
    process = Process(
        clock=clock,
        metrics=metrics,
        client=HttpClient(guard=EgressGuard(())),
        record=handler.write,
        env=env,
        started_at=int(time.time()),
        stores=stores,
    )
    try:
        snapshot = _built(loaded, policy, process)
        if snapshot is None:
            return 1
        handler.redact = snapshot.redact_log
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_Gateway(process, handler, snapshot, config_path, generated_key).serve())
    except PepperError as error:
        log.critical("can't use the keys: %s", error)
        return 1
    except OSError as error:
        log.critical("can't listen: %s", error)
        return 1
    finally:
        writer.close()


def _built(loaded: LoadedConfig, policy: KeyPolicy, process: Process) -> Snapshot | None:
    """The first snapshot; None, and the reasons in the log, for what only building shows."""
    try:
        return build(loaded, policy, process)
    except (ConfigError, ValueError) as error:
        for problem in error.problems if isinstance(error, ConfigError) else (error,):
            log.critical("configuration refused: %s", problem)
        return None


class _Gateway:
    """The running process: what its signal handlers and its main coroutine share."""

    def __init__(
        self,
        process: Process,
        handler: JsonHandler,
        snapshot: Snapshot,
        config_path: Path | None,
        generated_key: str | None,
    ) -> None:
        self._process = process
        self._handler = handler
        self._config_path = config_path
        self._generated_key = generated_key
        self._lifecycle = Lifecycle()
        self._runtime = Runtime(
            clock=process.clock,
            metrics=process.metrics,
            lifecycle=self._lifecycle,
            client=process.client,
            snapshot=snapshot,
        )
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def serve(self) -> int:
        server = self._runtime.snapshot.config.server
        ops = ops_app(self._process.metrics, self._lifecycle)
        listeners = [
            listener(admin_app(self._administration()), server.admin_host, server.admin_port, server),
            listener(ops, server.ops_host, server.ops_port, server),
        ]
        app = DataApp(self._runtime)
        api = ApiServer(app, bind(server.host, server.port, reuse_port=server.reuse_port), server, app.refused)
        self._handle_signals()
        if self._process.stores is not None:
            await self._process.stores.start()
        await api.start()
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(each.listen()) for each in listeners]
            watching = group.create_task(self._watch())
            loading = group.create_task(self._load_counter())
            checker = HealthChecker(self._process.client, self._process.routing.health, self._process.metrics)
            checking = group.create_task(checker.run(lambda: self._runtime.snapshot.health_checks))
            pinning = group.create_task(self._check_digests())
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_GC_THRESHOLDS)
            self._lifecycle.state = "ready"
            self._announce(api.address, listeners)
            await self._stop.wait()
            clean = await self._drain(api)
            watching.cancel()
            loading.cancel()
            checking.cancel()
            pinning.cancel()
            await api.close(_CLOSE_S)
            for each in listeners:
                each.should_exit = True
            await asyncio.wait(serving)
            tokens = self._runtime.snapshot.tokens
            if tokens is not None:
                await tokens.close()
            await self._process.client.aclose()
            if self._process.stores is not None:
                await self._process.stores.aclose()
        log.info("stopped", extra={"clean": clean})
        return 0

    def _administration(self) -> Administration | None:
        stores, runtime = self._process.stores, self._runtime
        if stores is None:
            return None
        parts = stores.parts
        authenticate = Authenticator(lambda: runtime.snapshot, parts.directory)
        return Administration(parts.service, Reports(parts.database), authenticate)

    async def _load_counter(self) -> None:
        """Load the exact token counter where a ceiling may ask for it, without delaying the start."""
        if any(model.max_input_tokens for model in self._runtime.snapshot.config.models.values()):
            await asyncio.to_thread(self._process.counter.load)

    async def _check_digests(self) -> None:
        """Ask for the digests of pinned models until cancelled."""
        process, routing = self._process, self._process.routing
        checker = DigestChecker(process.client, routing.digests, process.metrics, jitter=routing.jitter)
        await checker.run(lambda: self._runtime.snapshot.digest_checks)

    async def _watch(self) -> None:
        """Reload when a file changes or SIGHUP comes, until cancelled."""
        path = self._config_path
        if path is None:
            return
        loaded = self._runtime.snapshot.loaded

        def read() -> LoadedConfig:
            return check(load(path, self._process.env, overrides=loaded.overrides), registry.ROWS)

        count = self._process.metrics.config_reloads
        reloader = Reloader(loaded, read=read, apply=self._apply, counted=lambda outcome: count.labels(outcome).inc())
        hangup = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
        async with asyncio.TaskGroup() as group:
            group.create_task(watch(lambda: reloader.current.watched, reloader.reload_now))
            while True:
                await hangup.wait()
                hangup.clear()
                await reloader.reload_now()

    async def _apply(self, loaded: LoadedConfig) -> None:
        """Put a new configuration in force for the requests that begin from now on."""
        previous = self._runtime.snapshot
        policy = KeyPolicy.build(loaded.config)
        snapshot = await asyncio.to_thread(build, loaded, policy, self._process, previous=previous)
        if self._process.stores is not None:
            self._process.stores.use(loaded.config, policy)
        self._runtime.swap(snapshot)
        self._process.routing.digests.hurry()
        if previous.tokens is not None:
            await previous.tokens.close()
        self._handler.redact = snapshot.redact_log
        logging.getLogger("kaigate").setLevel(loaded.config.telemetry.log_level.upper())

    def _announce(self, api: tuple[str, int], listeners: list[Listener]) -> None:
        host, port = api
        (_, admin_port), (_, ops_port) = (each.address for each in listeners)
        loaded = self._runtime.snapshot.loaded
        for warning in loaded.warnings:
            log.warning("configuration: %s", warning)
        log.info(
            "listening",
            extra={
                "host": host,
                "port": port,
                "admin_port": admin_port,
                "ops_port": ops_port,
                "config": loaded.hash,
                "version": __version__,
            },
        )
        if self._generated_key is not None:
            # Printed, not logged: the log goes elsewhere and is kept.
            _tell(f"API key (generated, shown once): {self._generated_key}")
        if sys.stderr.isatty():
            _tell(f"kaigate {__version__}: http://{host}:{port}/v1")

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _drain(self, api: ApiServer) -> bool:
        """Turn away gently, then refuse, then wait for what runs; a second signal ends all waiting."""
        server = self._runtime.snapshot.config.server
        self._lifecycle.state = "draining"
        api.turn_away()
        log.info("draining", extra={"running": self._lifecycle.running})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(server.drain_delay_s):
                await self._hurry.wait()
        self._lifecycle.state = "refusing"
        idle = asyncio.ensure_future(self._lifecycle.idle(server.drain_timeout_s))
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait((idle, hurry), return_when=asyncio.FIRST_COMPLETED)
        for task in (idle, hurry):
            task.cancel()
        return self._lifecycle.running == 0


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
