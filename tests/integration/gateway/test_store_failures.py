"""Valkey killed, frozen, restarted empty: what is configured holds, the metric says so, and limits are exact again."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.gateway import Gateway, call, chat, get, post, running, settings
from support.openai_upstream import answering, completion, http
from support.upstream_faults import upstream
from support.valkey import ValkeyNode, running_valkey

COST_USD = 2 * 1000 / 1e6
"""Of one answer: two tokens out at a thousand dollars a million, input for nothing."""


@pytest.fixture
def valkey(tmp_path):
    with running_valkey(tmp_path / "valkey") as node:
        yield node


@asynccontextmanager
async def sharing(
    folder: Path, valkey: ValkeyNode, defaults: Mapping[str, Any], mode: str = "local"
) -> AsyncIterator[Gateway]:
    none = dict.fromkeys(("rpm", "tpm", "parallel", "budget_usd", "max_input_tokens"))
    async with upstream(answering(http(completion()))) as up:
        priced = {"deployments": [{"provider": "up"}], "price": {"input": 0.0, "output": 1000.0}}
        config = settings(up.port, models={"m": priced})
        config["store"] = {"redis": {"url": valkey.url}}
        config["limits"] = {"defaults": {**none, **defaults}, "on_store_failure": mode}
        async with running(config, folder) as gateway:
            yield gateway


def degraded(gateway: Gateway) -> bool:
    return gateway.sample("kaigate_store_degraded") == 1


async def until(condition: Any, seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def ask(gateway: Gateway) -> tuple[int, float]:
    began = time.perf_counter()
    answer = await call(gateway, post(chat(max_tokens=2)))
    return answer.status, time.perf_counter() - began


async def test_a_round_trip_is_proved(tmp_path, valkey):
    async with sharing(tmp_path, valkey, {}) as gateway:
        answer = await call(gateway, get("/redis-test"))
        assert answer.json()["status"] == "healthy"
        assert 0 < answer.json()["latency_ms"] < 1000
        await asyncio.to_thread(valkey.kill)
        await until(lambda: not gateway.stores.parts.redis.healthy)
        answer = await call(gateway, get("/redis-test"))
        assert (answer.status, answer.code) == (503, "store_unavailable")


@pytest.mark.parametrize("fault", ["kill", "freeze"])
@pytest.mark.parametrize(("mode", "statuses"), [("local", [200, 200, 429]), ("open", [200] * 3), ("closed", [503] * 3)])
async def test_without_valkey_the_configured_behaviour_holds_at_once(tmp_path, valkey, fault, mode, statuses):
    async with sharing(tmp_path, valkey, {"rpm": 2}, mode) as gateway:
        await asyncio.to_thread(getattr(valkey, fault))
        found = [await ask(gateway) for _ in range(3)]
        assert [status for status, _ in found] == statuses
        # The first one may wait for the timeout of 50 ms; nobody waits behind it.
        assert max(seconds for _, seconds in found) < 0.5
        assert sorted(seconds for _, seconds in found)[1] < 0.1
        assert degraded(gateway)


async def test_after_a_freeze_the_shared_counters_go_on(tmp_path, valkey):
    async with sharing(tmp_path, valkey, {"rpm": 3}) as gateway:
        assert [(await ask(gateway))[0] for _ in range(2)] == [200, 200]
        await asyncio.to_thread(valkey.freeze)
        assert (await ask(gateway))[0] == 200
        assert degraded(gateway)
        await asyncio.to_thread(valkey.thaw)
        await until(lambda: not degraded(gateway))
        # Two of them are in the shared window, and the one of the outage may be.
        statuses = [(await ask(gateway))[0] for _ in range(2)]
        assert statuses[1] == 429


async def test_a_valkey_that_comes_back_empty_knows_the_budgets_again(tmp_path, valkey):
    async with sharing(tmp_path, valkey, {"budget_usd": 3 * COST_USD, "budget_window": "month"}) as gateway:
        assert [(await ask(gateway))[0] for _ in range(2)] == [200, 200]
        await until(lambda: valkey.admin().xlen("{kaigate}:outbox") == 0)
        await asyncio.to_thread(valkey.kill)
        assert (await ask(gateway))[0] == 200
        assert degraded(gateway)
        await asyncio.to_thread(valkey.start)
        await until(lambda: not degraded(gateway))
        assert (await ask(gateway))[0] == 429


async def test_a_restart_that_no_request_noticed_is_noticed(tmp_path, valkey):
    async with sharing(tmp_path, valkey, {"budget_usd": 1.5 * COST_USD, "budget_window": "day"}) as gateway:
        assert (await ask(gateway))[0] == 200
        await until(lambda: valkey.admin().xlen("{kaigate}:outbox") == 0)
        await asyncio.to_thread(valkey.kill)
        await asyncio.to_thread(valkey.start)
        assert (await ask(gateway))[0] == 429 or degraded(gateway)
        await until(lambda: not degraded(gateway))
        assert (await ask(gateway))[0] == 429


async def test_a_full_valkey_refuses_and_is_survived(tmp_path, valkey):
    async with sharing(tmp_path, valkey, {"rpm": 1000}) as gateway:
        assert (await ask(gateway))[0] == 200
        valkey.admin().config_set("maxmemory", "1mb")
        assert {(await ask(gateway))[0] for _ in range(5)} == {200}
        assert degraded(gateway)
        valkey.admin().config_set("maxmemory", "0")
        await until(lambda: not degraded(gateway))
