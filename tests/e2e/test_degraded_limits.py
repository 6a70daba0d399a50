"""Valkey fails under load, in every way: what is configured holds, nobody waits, and limits are exact afterwards."""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from kaigate.keys.hashing import key_digest, key_id
from kaigate.limits.budget_window import budget_window
from support.gateway import call_port, chat, get, post
from support.gateway_process import GatewayProcess, running_gateway
from support.open_load import open_load, quantile_s
from support.openai_upstream import completion, http
from support.postgres import postgres
from support.upstream_faults import Connection, upstream
from support.valkey import ValkeyNode, Wire, running_valkey, wired

LONG: Final = os.environ.get("KAIGATE_TEST_PROFILE") == "long"
RATE: Final = 100.0
HEALTHY_S: Final = 10.0 if LONG else 0.8
WARM_UP_S: Final = 0.3
OUTAGE_S: Final = 15.0 if LONG else 1.0
MOST_ADDED_S: Final = 0.06
UPSTREAM_S: Final = 0.02
COST: Final = 2 * 1_000_000
"""Nano-dollars of an answer, and of its reservation: two tokens out at a thousand dollars a million."""
FIRST: Final = 3
DELIVERY_S: Final = 15.0 if LONG else 4.0
"""After an outage the drain of the outbox may rest for up to ten seconds before it tries again."""
ROOM: Final = 20
"""Answers that the budget of the key `bounded` holds; a replica alone gives half of them."""
KEYS: Final = {name: f"kg-test-{name}-" + "0123456789abcdef" * 2 for name in ("load", "bounded")}
MEANWHILE: Final = {
    "local": {200: ROOM // 2, 429: ROOM // 2},
    "closed": {503: ROOM},
    "open": {200: ROOM},
}
NO_LIMITS: Final = dict.fromkeys(("rpm", "tpm", "parallel", "budget_usd", "max_input_tokens"))
WIDE: Final = {"rpm": 10**6, "tpm": 10**9, "parallel": 1000, "budget_usd": 1e6, "budget_window": "month"}


BEGIN: Final[dict[str, Callable[[ValkeyNode], Any]]] = {
    "kill": ValkeyNode.kill,
    "wipe": ValkeyNode.kill,
    "freeze": ValkeyNode.freeze,
    "full": lambda node: node.admin().config_set("maxmemory", "1mb"),
}
END: Final[dict[str, Callable[[ValkeyNode], Any]]] = {
    "kill": ValkeyNode.start,
    "wipe": ValkeyNode.start,
    "freeze": ValkeyNode.thaw,
    "full": lambda node: node.admin().config_set("maxmemory", "0"),
}


class Site:
    """A gateway, its Valkey, and the wire between them."""

    def __init__(self, gateway: GatewayProcess, valkey: ValkeyNode, wire: Wire, database: str) -> None:
        self.gateway = gateway
        self.valkey = valkey
        self.wire = wire
        self.database = database

    async def ask(self, key: str) -> int:
        """The status of a chat."""
        headers = f"authorization: Bearer {KEYS[key]}\r\n"
        return (await call_port(port_of(self.gateway.url), post(chat(max_tokens=2), headers=headers))).status

    async def together(self, key: str, times: int) -> Counter[int]:
        """The statuses of as many chats at once."""
        return Counter(await asyncio.gather(*(self.ask(key) for _ in range(times))))

    async def metric(self, name: str) -> float:
        """What the operations port says."""
        answer = await call_port(port_of(self.gateway.ops_url), get("/metrics"))
        [value] = [line.split()[1] for line in answer.body.decode().splitlines() if line.startswith(f"{name} ")]
        return float(value)

    async def degraded(self) -> bool:
        """Whether the limits are kept without Valkey."""
        return await self.metric("kaigate_store_degraded") == 1

    async def until(self, degraded: bool, seconds: float = 8.0) -> float:
        """Wait for the metric to change; when it was seen, as `time.perf_counter` tells."""
        async with asyncio.timeout(seconds):
            while await self.degraded() is not degraded:
                await asyncio.sleep(0.02)
        return time.perf_counter()

    async def begin(self, fault: str) -> None:
        """Begin one."""
        if fault == "slow":
            self.wire.delay_s = 0.3
        else:
            await asyncio.to_thread(BEGIN[fault], self.valkey)

    async def end(self, fault: str) -> None:
        """End it; a killed server comes back with what it had written, or empty (`wipe`)."""
        if fault == "slow":
            self.wire.delay_s = 0.0
        else:
            await asyncio.to_thread(END[fault], self.valkey)

    async def books(self, name: str, answered: int) -> tuple[int, int]:
        """Rows in SQL, once as many are there or none has come for long, and the nano-dollars of Valkey's counter."""
        query = "SELECT count(*), coalesce(sum(nanodollars), 0)::bigint FROM usage_records WHERE key_id = $1"
        database = await asyncpg.connect(self.database, timeout=10)
        try:
            rows, spent = 0, 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DELIVERY_S):
                    while rows < answered:
                        rows, spent = await database.fetchrow(query, identity(name))
                        await asyncio.sleep(0.05)
        finally:
            await database.close(timeout=10)
        assert spent == rows * COST
        window = budget_window("month", round(time.time() * 1000))[0]
        counted, reserved = self.valkey.admin().hmget(f"{{kaigate}}:b:{window}:key:{identity(name)}", "s", "r")
        assert int(reserved or 0) == 0
        return rows, int(counted)


def identity(name: str) -> str:
    """The public id of a key."""
    return key_id(key_digest(KEYS[name].encode()))


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


@asynccontextmanager
async def site(folder: Path, mode: str, *, durable: bool) -> AsyncIterator[Site]:
    async def answer(connection: Connection) -> None:
        while await connection.request() is not None:
            # Some are under way at any moment, also when the fault comes.
            await asyncio.sleep(UPSTREAM_S)
            await connection.send(http(completion()))

    database = await (await asyncio.to_thread(postgres)).create_database()
    # With `everysec` a server whose disk is slow answers before it writes.
    options = ("appendonly yes", "appendfsync no") if durable else ()
    with ExitStack() as stack:
        valkey = await asyncio.to_thread(stack.enter_context, running_valkey(folder / "valkey", *options))
        async with upstream(answer) as up, wired(valkey.port) as wire:
            bounded = {"budget_usd": ROOM * COST / 1e9, "budget_window": "month"}
            config = {
                "server": {"replicas": 2},
                "providers": {
                    "up": {
                        "type": "openai_compatible",
                        "base_url": f"http://127.0.0.1:{up.port}/v1",
                        "zone": "private",
                        "max_connections": 1000,
                    }
                },
                "keys": {
                    "pepper": "env:PEPPER",
                    "static": {
                        name: {"key": f"env:KEY_{name}", "limits": limits}
                        for name, limits in (("load", WIDE), ("bounded", bounded))
                    },
                },
                "models": {"m": {"deployments": [{"provider": "up"}], "price": {"input": 0.0, "output": 1000.0}}},
                "limits": {"defaults": NO_LIMITS, "on_store_failure": mode, "reservation_s": 5},
                "store": {"redis": {"url": f"redis://127.0.0.1:{wire.port}"}},
            }
            env = {f"KEY_{name}": key for name, key in KEYS.items()}
            env |= {"PEPPER": "p" * 32, "KAIGATE_DATABASE_URL": database}
            gateway = await asyncio.to_thread(stack.enter_context, running_gateway(config, folder, env=env))
            try:
                yield Site(gateway, valkey, wire, database)
            finally:
                await asyncio.to_thread(stack.close)


SHORT: Final = [("kill", "closed"), ("wipe", "local"), ("freeze", "local"), ("slow", "closed"), ("full", "open")]
ALL: Final = [(fault, mode) for fault in (*BEGIN, "slow") for mode in MEANWHILE]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "mode"), ALL if LONG else SHORT)
async def test_valkey_fails_under_load(tmp_path: Path, fault: str, mode: str) -> None:
    async with site(tmp_path, mode, durable=fault != "wipe") as here:
        assert await here.together("bounded", FIRST) == {200: FIRST}
        async with open_load(lambda _: here.ask("load"), RATE) as load:
            await asyncio.sleep(WARM_UP_S)
            healthy_from = time.perf_counter()
            await asyncio.sleep(HEALTHY_S)
            assert not await here.degraded()

            # What is under way belongs to the outage.
            failed_at = time.perf_counter() - 0.1
            await here.begin(fault)
            begun_at = time.perf_counter()
            await here.until(degraded=True)
            meanwhile = await here.together("bounded", ROOM)
            await asyncio.sleep(OUTAGE_S)
            assert await here.degraded()
            ended_at = time.perf_counter()
            await here.end(fault)
            back_at = await here.until(degraded=False)
            afterwards = await here.together("bounded", ROOM)

        healthy, failing = load.between(healthy_from, failed_at), load.between(failed_at, back_at)
        p99_s, degraded_p99_s = quantile_s(healthy, 0.99), quantile_s(failing, 0.99)
        answered = load.statuses()[200]
        rows, counted = await here.books("load", answered)
        print(
            f"{fault}, {mode}: {len(load.shots)} requests, {len(failing)} while degraded; "
            f"p99 {p99_s * 1e3:.1f} ms before and {degraded_p99_s * 1e3:.1f} ms meanwhile; "
            f"degraded for {back_at - ended_at:.2f} s after the fault; "
            f"{answered - rows} records lost, counter off by {counted // COST - rows} requests"
        )
        assert meanwhile == MEANWHILE[mode]
        left = max(0, ROOM - FIRST - meanwhile[200])
        assert afterwards == Counter({200: left, 429: ROOM - left})
        during = {shot.status for shot in load.between(begun_at, ended_at)}
        assert during == ({503} if mode == "closed" else {200})
        assert {shot.status for shot in healthy} == {200}
        assert set(load.statuses()) <= {200, *during}
        # A refusal does not wait for the upstream.
        usual_s = p99_s - UPSTREAM_S if mode == "closed" else p99_s
        assert degraded_p99_s - usual_s < MOST_ADDED_S

        # Each answer is in the ledger once, whoever kept the limits meanwhile, and in the budget once.
        assert (rows, counted) == (answered, answered * COST)
        of_bounded = FIRST + meanwhile[200] + afterwards[200]
        assert await here.books("bounded", of_bounded) == (of_bounded, of_bounded * COST)
