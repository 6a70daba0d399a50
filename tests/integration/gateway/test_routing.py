"""Routing over real sockets: where requests go, and where private ones never do."""

import random

import pytest

from support.gateway import AUTH, call, chat, get, post, running, settings
from support.openai_upstream import STREAM_HEAD, answering, chunk, completion, delta, http, streaming
from support.upstream_faults import Connection, upstream

MASTER = "kg-master-" + "0123456789abcdef" * 2
ADMIN = f"authorization: Bearer {MASTER}\r\n"
BUSY = http(b"{}", "503 Service Unavailable")
QUICK = {"retries": {"backoff_s": 0.001, "max_backoff_s": 0.002}}


def two(first: int, second: int, **changes):
    """Two providers on these ports; the first is external, the second private."""
    config = settings(first, **changes)
    config["providers"]["up"]["zone"] = "external"
    config["providers"]["in"] = {**config["providers"]["up"], "zone": "private"}
    config["providers"]["in"]["base_url"] = f"http://127.0.0.1:{second}/v1"
    config["models"].setdefault("m", {})["deployments"] = [{"provider": "up"}, {"provider": "in"}]
    config["keys"]["master_key"] = "env:MASTER"
    config["routing"] = {**QUICK, **config.get("routing", {})}
    return config


ENV = {"MASTER": MASTER}


async def test_what_fails_falls_back_until_its_breaker_opens_and_then_is_not_asked(tmp_path):
    async with upstream(answering(BUSY)) as bad, upstream(answering(http(completion("good")))) as good:
        config = two(bad.port, good.port, routing={"breaker": {"failures": 3, "open_s": 60}})
        async with running(config, tmp_path, ENV) as gateway:
            for _ in range(6):
                answer = await call(gateway, post(chat()))
                assert (answer.text, answer.headers["x-kaigate-provider"]) == ("good", "in")
            assert (len(bad.requests), len(good.requests)) == (3, 6)
            assert gateway.sample("kaigate_fallbacks_total", model="m", provider="in") == 3
            assert gateway.sample("kaigate_circuit_state", provider="up", model="m") == 2
            shown = (await call(gateway, get("/providers"))).json()["providers"]
            states = {row["name"]: [each["state"] for each in row["health"]["deployments"]] for row in shown}
            assert states == {"up": ["open"], "in": ["closed"]}


async def test_a_stream_never_changes_its_deployment_once_it_began(tmp_path):
    async def breaking(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM_HEAD + chunk(delta("Hello ", role="assistant")))

    async with upstream(breaking) as bad, upstream(streaming(["good"])) as good:
        async with running(two(bad.port, good.port), tmp_path, ENV) as gateway:
            answer = await call(gateway, post(chat(stream=True)))
            assert "[DONE]" not in answer.events
            assert answer.events[-1]["error"]["code"] == "upstream_error"
            assert not good.requests


async def test_a_clients_error_is_final(tmp_path):
    refused = http(b'{"error":{"message":"no","code":"bad"}}', "400 Bad Request")
    async with upstream(answering(refused)) as bad, upstream(answering(http(completion()))) as good:
        async with running(two(bad.port, good.port), tmp_path, ENV) as gateway:
            assert (await call(gateway, post(chat()))).status == 400
            assert (len(bad.requests), len(good.requests)) == (1, 0)


async def test_the_master_key_may_see_the_plan_and_others_may_not(tmp_path):
    async with upstream(answering(http(completion()))) as one, upstream(answering(http(completion()))) as two_:
        async with running(two(one.port, two_.port), tmp_path, ENV) as gateway:
            debug = "x-kaigate-route-debug: true\r\nx-kaigate-private: true\r\n"
            shown = await call(gateway, post(chat(), headers=ADMIN + debug))
            assert '"zone":"private"' in shown.headers["x-kaigate-route"]
            assert "not in the private zone" in shown.headers["x-kaigate-route"]
            hidden = await call(gateway, post(chat(), headers=AUTH + debug))
            assert "x-kaigate-route" not in hidden.headers


async def test_a_cost_ceiling_is_kept_or_told(tmp_path):
    async with upstream(answering(http(completion()))) as one, upstream(answering(http(completion()))) as two_:
        config = two(one.port, two_.port)
        config["models"]["m"]["price"] = {"input": 1, "output": 1}
        async with running(config, tmp_path, ENV) as gateway:
            dear = await call(gateway, post(chat(), headers=AUTH + "x-kaigate-max-cost-usd: 0.0000001\r\n"))
            assert (dear.status, dear.code) == (400, "invalid_request")
            assert dear.json()["error"]["param"] == "x-kaigate-max-cost-usd"
            assert not one.requests
            cheap = await call(gateway, post(chat(), headers=AUTH + "x-kaigate-max-cost-usd: 1\r\n"))
            assert cheap.status == 200


@pytest.mark.parametrize("seed", range(6))
async def test_no_private_request_is_seen_by_an_external_server(tmp_path, seed):
    """Random orders, weights, strategies, fallbacks and failures; the judge is what the external server received."""
    draw = random.Random(seed)
    answers = [http(completion()), BUSY, http(b"{}", "500 Oops"), http(b"{}", "429 Slow Down"), http(b"nonsense")]

    async def moody(connection: Connection) -> None:
        while await connection.request() is not None:
            if draw.random() < 0.2:
                return
            await connection.send(draw.choice(answers))

    async with upstream(moody) as outside, upstream(moody) as inside:
        config = two(outside.port, inside.port, routing={"max_attempts": 4, "breaker": {"failures": 4, "open_s": 0.05}})
        strategies = ["ordered", "weighted", "cheapest", "fastest"]
        for name in ("m", "n", "o"):
            deployments = [
                {"provider": provider, "weight": draw.randint(1, 5), "order": draw.randint(0, 1)}
                for provider in draw.sample(["up", "in"], draw.randint(1, 2))
            ]
            config["models"][name] = {"deployments": deployments, "strategy": draw.choice(strategies)}
        config["models"]["m"]["fallbacks"] = ["n", "o"]
        config["models"]["n"]["fallbacks"] = ["o"]
        config["models"]["o"]["private"] = any(
            item["provider"] == "in" for item in config["models"]["o"]["deployments"]
        )
        async with running(config, tmp_path, ENV) as gateway:
            for number in range(40):
                model, private = draw.choice("mno"), draw.random() < 0.6
                before, mark = len(outside.requests), f"mark-{number}"
                headers = AUTH + ("x-kaigate-private: true\r\n" if private else "")
                await call(gateway, post(chat(mark, model=model), headers=headers))
                if private or config["models"][model].get("private"):
                    assert len(outside.requests) == before
                    assert not any(mark.encode() in request for request in outside.requests)
            assert inside.requests
