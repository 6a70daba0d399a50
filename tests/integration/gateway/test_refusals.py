"""Through a whole gateway: what the server refuses itself shows in metrics and in the access log."""

import asyncio

import pytest

from support.gateway import Gateway, call, get, running, settings

CANARY = "canary-0123456789"


def counted(gateway: Gateway, surface: str, status: int) -> float:
    empty = dict.fromkeys(("key_id", "team", "model", "provider"), "")
    return gateway.sample("kaigate_requests_total", surface=surface, status=str(status), **empty)


@pytest.mark.parametrize(
    ("sent", "surface", "status", "code"),
    [
        (f"{CANARY}\r\n\r\n".encode(), "connection", 400, "invalid_request"),
        (f"GET / HTTP/1.1\r\nhost: x\r\n{CANARY}: {'a' * 70_000}".encode(), "connection", 431, "invalid_request"),
        (f"GET /{CANARY} HTTP/2.0\r\nhost: x\r\n\r\n".encode(), "connection", 505, "invalid_request"),
        (get(f"/{CANARY}"), "unrouted", 404, "route_not_found"),
        (f"GET /v1/models HTTP/1.1\r\nx-{CANARY}: y\r\n\r\n".encode(), "unrouted", 400, "invalid_request"),
    ],
)
async def test_a_refusal_is_counted_and_logged_without_its_text(tmp_path, sent, surface, status, code):
    async with running(settings(9), tmp_path) as gateway:
        assert (await call(gateway, sent)).status == status
        assert counted(gateway, surface, status) == 1
        [line] = gateway.records
        assert (line["surface"], line["status"], line["error"]) == (surface, status, code)
        assert line["client"] == "127.0.0.1"
        assert CANARY not in str(line)


async def test_the_connection_that_is_one_too_many_is_counted(tmp_path):
    config = settings(9, server={"max_connections": 1})
    async with running(config, tmp_path) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        await asyncio.sleep(0.05)
        assert (await call(gateway, get("/v1/models"))).status == 503
        assert counted(gateway, "connection", 503) == 1
        writer.transport.abort()


async def test_probes_and_served_requests_are_no_refusals(tmp_path):
    async with running(settings(9), tmp_path) as gateway:
        assert (await call(gateway, get("/health/liveliness"))).status == 200
        assert (await call(gateway, get("/v1/models"))).status == 200
        assert [line["surface"] for line in gateway.records] == ["models"]
