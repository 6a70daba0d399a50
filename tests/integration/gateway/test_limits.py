"""Limits through the whole gateway: what clients see, what upstreams get, what the ledger keeps."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from kaigate.store.sql.usage_tables import usage_records
from support.gateway import AUTH, Gateway, call, chat, get, post, running, settings
from support.openai_upstream import STREAM_HEAD, answering, chunk, completion, delta, http, streaming
from support.upstream_faults import Connection, Script, upstream

PRICE = {"price": {"input": 1000.0, "output": 2000.0}}
COST = 5 * 1_000_000 + 2 * 2_000_000
"""Nano-dollars of one answer of the scripted upstream: 5 tokens in, 2 out."""


@asynccontextmanager
async def limited(folder: Path, limits: Mapping[str, Any], script: Script | None = None) -> AsyncIterator[Gateway]:
    """A gateway with these defaults of keys, and no others, before an upstream that answers `Paris`."""
    none = dict.fromkeys(("rpm", "tpm", "parallel", "budget_usd", "max_input_tokens"))
    defaults = {**none, **limits}
    async with upstream(script or answering(http(completion()))) as up:
        config = settings(up.port, models={"m": {"deployments": [{"provider": "up"}], **PRICE}})
        config["limits"] = {"defaults": defaults}
        async with running(config, folder) as gateway:
            gateway.upstream = up  # type: ignore[attr-defined]
            yield gateway


async def rows(gateway: Gateway, expected: int) -> list[Any]:
    """The ledger, once it holds as many records as expected."""
    stores = gateway.stores
    for _ in range(100):
        async with stores.parts.database.connect() as connection:
            found = list(await connection.execute(select(usage_records).order_by(usage_records.c.at_ms)))
        if len(found) >= expected:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{len(found)} of {expected} records reached the ledger")


async def test_of_a_loop_the_first_sixty_pass_and_the_next_are_told_to_wait(tmp_path):
    async with limited(tmp_path, {"rpm": 60}) as gateway:
        answers = [await call(gateway, post(chat())) for _ in range(70)]
        assert [answer.status for answer in answers] == [200] * 60 + [429] * 10
        assert answers[0].headers["x-ratelimit-limit-requests"] == "60"
        assert answers[0].headers["x-ratelimit-remaining-requests"] == "59"
        assert answers[59].headers["x-ratelimit-remaining-requests"] == "0"
        refused = answers[60]
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert gateway.sample("kaigate_rate_limited_total", reason="requests", scope="key") == 10
        assert len(gateway.upstream.requests) == 60


async def test_a_budget_admits_exactly_what_it_holds_however_many_ask_at_once(tmp_path):
    # Each reserves its bound: about 10 tokens in, 2 out.
    async with limited(tmp_path, {"budget_usd": 1.0, "budget_window": "day"}) as gateway:
        probe = await call(gateway, post(chat(max_tokens=2)))
        assert probe.headers["x-kaigate-cost-usd"] == f"0.{COST:09d}"
        answers = await asyncio.gather(*(call(gateway, post(chat(max_tokens=100_000))) for _ in range(50)))
        # 100,000 tokens at two thousand dollars a million are two hundred dollars.
        assert {answer.status for answer in answers} == {429}
        assert {answer.code for answer in answers} == {"budget_exceeded"}
        assert answers[0].headers["x-should-retry"] == "false"
        assert "retry-after" in answers[0].headers
        assert len(gateway.upstream.requests) == 1
        assert [row.nanodollars for row in await rows(gateway, 1)] == [COST]


async def test_what_was_reserved_and_not_used_is_given_back(tmp_path):
    # Room for one reservation of 100 tokens out at a time, and for many answers of 9 million nano-dollars.
    async with limited(tmp_path, {"budget_usd": 0.4, "budget_window": "month"}) as gateway:
        for _ in range(12):
            assert (await call(gateway, post(chat(max_tokens=100)))).status == 200
        found = await rows(gateway, 12)
        assert {(row.nanodollars, row.outcome, row.estimated) for row in found} == {(COST, "ok", False)}
        assert sum(row.input_tokens for row in found) == 60
        [left] = [
            sample.value
            for family in gateway.runtime.metrics.limits.budgets.collect()
            for sample in family.samples
            if sample.labels["key_id"]
        ]
        # Before the last answer was settled, its reservation of 100 tokens out and some in was held.
        assert 0.4 - 11 * COST / 1e9 - 0.25 < left < 0.4 - 11 * COST / 1e9


async def test_tokens_per_minute_count_the_bound_and_then_the_truth(tmp_path):
    async with limited(tmp_path, {"tpm": 150}) as gateway:
        first = await call(gateway, post(chat(max_tokens=100)))
        assert first.status == 200
        second = await call(gateway, post(chat(max_tokens=100)))
        assert second.status == 200
        assert second.headers["x-ratelimit-limit-tokens"] == "150"
        too_large = await call(gateway, post(chat(max_tokens=200)))
        assert too_large.code == "rate_limit_exceeded"
        assert "larger than the limit" in too_large.json()["error"]["message"]


async def test_the_output_ceiling_is_sent_upstream_so_that_the_bound_holds(tmp_path):
    async with limited(tmp_path, {"tpm": 100_000}) as gateway:
        await call(gateway, post(chat()))
        assert b'"max_tokens":4096' in gateway.upstream.requests[0]


async def test_parallel_requests_are_leases_that_end_with_their_answers(tmp_path):
    going = asyncio.Event()

    async def held(connection: Connection) -> None:
        while await connection.request() is not None:
            await going.wait()
            await connection.send(http(completion()))

    async with limited(tmp_path, {"parallel": 2}, held) as gateway:
        running_ = [asyncio.ensure_future(call(gateway, post(chat()))) for _ in range(2)]
        await asyncio.sleep(0.2)
        third = await call(gateway, post(chat()))
        assert (third.status, third.code) == (429, "rate_limit_exceeded")
        going.set()
        assert {answer.status for answer in await asyncio.gather(*running_)} == {200}
        assert (await call(gateway, post(chat()))).status == 200


async def test_a_client_that_leaves_in_its_stream_pays_for_what_was_made(tmp_path):
    async def endless(connection: Connection) -> None:
        while await connection.request() is not None:
            await connection.send(STREAM_HEAD + chunk(delta("", role="assistant")))
            while True:
                await connection.send(chunk(delta("word ")))
                await asyncio.sleep(0.01)

    async with limited(tmp_path, {"parallel": 1}, endless) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(post(chat(stream=True)))
        await reader.readuntil(b"word ")
        writer.transport.abort()
        [row] = await rows(gateway, 1)
        assert (row.outcome, row.estimated) == ("gone", True)
        assert row.output_tokens > 0
        assert row.nanodollars > 0
        assert row.nanodollars == row.input_tokens * 1_000_000 + row.output_tokens * 2_000_000


async def test_a_failed_upstream_costs_nothing_and_counts_as_a_request(tmp_path):
    broken = answering(http(b"{}", "500 Internal Server Error"))
    async with limited(tmp_path, {"rpm": 2, "budget_usd": 1.0}, broken) as gateway:
        answers = [await call(gateway, post(chat(max_tokens=10))) for _ in range(3)]
        assert [answer.status for answer in answers] == [502, 502, 429]
        assert {(row.outcome, row.nanodollars) for row in await rows(gateway, 2)} == {("failed", 0)}


async def test_a_streamed_answer_is_settled_by_its_usage(tmp_path):
    async with limited(tmp_path, {"budget_usd": 1.0}, streaming(["Pa", "ris"])) as gateway:
        assert (await call(gateway, post(chat(stream=True, max_tokens=10)))).text == "Paris"
        [row] = await rows(gateway, 1)
        assert (row.input_tokens, row.output_tokens, row.nanodollars) == (5, 2, COST)


async def test_an_input_beyond_the_ceiling_of_the_key_is_refused_and_uses_nothing(tmp_path):
    async with limited(tmp_path, {"max_input_tokens": 20, "rpm": 1}) as gateway:
        answer = await call(gateway, post(chat("word " * 100)))
        assert (answer.status, answer.code) == (400, "context_length_exceeded")
        assert (await call(gateway, post(chat()))).status == 200


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_model_without_a_price_is_refused_unless_that_is_allowed(tmp_path, allowed):
    async with upstream(answering(http(completion()))) as up:
        config = settings(up.port, providers={"up": {"zone": "external"}})
        config["limits"] = {"allow_unpriced": allowed}
        async with running(config, tmp_path) as gateway:
            answer = await call(gateway, post(chat()))
            assert answer.status == (200 if allowed else 402)
            if not allowed:
                assert answer.code == "model_not_priced"


async def test_end_users_of_a_key_have_limits_of_their_own(tmp_path):
    async with upstream(answering(http(completion()))) as up:
        config = settings(up.port)
        config["limits"] = {"users": {"rpm": 1}}
        async with running(config, tmp_path) as gateway:
            statuses = [
                (await call(gateway, post(chat(), headers=f"{AUTH}x-kaigate-user: {user}\r\n"))).status
                for user in ("ann", "bob", "ann")
            ]
            assert statuses == [200, 200, 429]
            bad = await call(gateway, post(chat(), headers=f"{AUTH}x-kaigate-user: {'u' * 129}\r\n"))
            assert (bad.status, bad.code) == (400, "invalid_request")


async def test_without_redis_its_test_says_so(tmp_path):
    async with limited(tmp_path, {}) as gateway:
        answer = await call(gateway, get("/redis-test"))
        assert answer.json() == {"status": "not_configured", "store": "memory"}


async def test_budgets_outlive_the_process(tmp_path):
    limits = {"budget_usd": 0.02, "budget_window": "day"}
    async with limited(tmp_path, limits) as gateway:
        assert (await call(gateway, post(chat(max_tokens=2)))).status == 200
        await rows(gateway, 1)
    async with limited(tmp_path, limits) as gateway:
        answer = await call(gateway, post(chat(max_tokens=2)))
        assert (answer.status, answer.code) == (429, "budget_exceeded")


async def test_a_provider_that_told_its_own_limit_is_left_alone_until_it_ends(tmp_path):
    told = "content-type: application/json\r\nretry-after: 30\r\n"
    busy = answering(http(b'{"error":{"message":"slow down"}}', "429 Too Many Requests", told))
    async with upstream(busy) as first, upstream(answering(http(completion()))) as second:
        deployments = [{"provider": "up"}, {"provider": "spare"}]
        spare = {"base_url": f"http://127.0.0.1:{second.port}/v1"}
        models = {"m": {"deployments": deployments}, "alone": {"deployments": [{"provider": "up", "model": "m"}]}}
        config = settings(first.port, providers={"spare": spare}, models=models)
        async with running(config, tmp_path) as gateway:
            assert [(await call(gateway, post(chat()))).status for _ in range(3)] == [200] * 3
            assert (len(first.requests), len(second.requests)) == (1, 3)
            refused = await call(gateway, post(chat(model="alone")))
            assert (refused.status, refused.code) == (429, "rate_limit_exceeded")
            assert 1 <= int(refused.headers["retry-after"]) <= 30
            assert len(first.requests) == 1
