"""A pinned model over real sockets: served while its digest is reported, refused before, after and in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kaigate.app.digests import DigestChecker
from support.gateway import Gateway, call, chat, post, running, settings
from support.openai_upstream import http
from support.upstream_faults import Connection, upstream

ONE, TWO = "1" * 64, "2" * 64
NAME = "llama3.2:3b"


class FakeOllama:
    """Lists one model under `digest`, answers chats, or breaks every connection while it is `down`."""

    def __init__(self) -> None:
        self.digest = ONE
        self.down = False
        self.restarts_with: str | None = None
        self.chats = self.lists = 0

    async def __call__(self, connection: Connection) -> None:
        while (request := await connection.request()) is not None:
            if self.down:
                connection.reset()
                return
            if request.startswith(b"GET /api/tags "):
                self.lists += 1
                body = {"models": [{"name": NAME, "model": NAME, "digest": self.digest, "size": 1}]}
            elif self.restarts_with is not None:
                self.digest, self.restarts_with = self.restarts_with, None
                connection.reset()
                return
            elif request.startswith(b"POST /api/embed "):
                body = {"model": NAME, "embeddings": [[0.5]], "prompt_eval_count": 1}
            else:
                self.chats += 1
                message = {"role": "assistant", "content": "hello"}
                body = {"model": NAME, "message": message, "done": True, "done_reason": "stop"}
            await connection.send(http(msgspec.json.encode(body)))


class Pinned:
    """A gateway with one pinned model, its server, and the checker that serving starts."""

    def __init__(self, gateway: Gateway, ollama: FakeOllama) -> None:
        self.gateway = gateway
        self.ollama = ollama
        self.book = gateway.process.routing.digests
        self.checker = DigestChecker(
            gateway.process.client, self.book, gateway.runtime.metrics, jitter=gateway.process.routing.jitter
        )

    async def ask(self) -> tuple[int, str]:
        answer = await call(self.gateway, post(chat()))
        return answer.status, answer.text if answer.status == 200 else answer.code

    async def embed(self) -> int:
        body = msgspec.json.encode({"model": "m", "input": "hello"})
        return (await call(self.gateway, post(body, "/v1/embeddings"))).status

    async def check(self) -> None:
        await self.checker.check(self.gateway.runtime.snapshot.digest_checks)

    async def answers(self, expected: tuple[int, str]) -> None:
        """Ask until the answer is this one."""
        async with asyncio.timeout(5):
            while await self.ask() != expected:
                await asyncio.sleep(0.02)


SERVED = (200, "hello")
REFUSED = (503, "model_digest_mismatch")


@contextlib.asynccontextmanager
async def pinned(folder: Path, **routing: Any) -> AsyncIterator[Pinned]:
    ollama = FakeOllama()
    async with upstream(ollama) as server:
        config = settings(server.port, routing={"digest_checks": {"interval_s": 60}, "max_attempts": 1, **routing})
        config["providers"]["up"] |= {"type": "ollama", "base_url": f"http://127.0.0.1:{server.port}"}
        config["models"] = {"m": {"digest": ONE, "deployments": [{"provider": "up", "model": NAME}]}}
        async with running(config, folder) as gateway:
            yield Pinned(gateway, ollama)


async def test_nothing_is_sent_to_a_model_before_its_digest_was_reported(tmp_path):
    async with pinned(tmp_path) as rig:
        assert await rig.ask() == REFUSED
        assert rig.ollama.chats == 0
        await rig.check()
        assert await rig.ask() == SERVED


async def test_a_model_that_drifts_is_refused_until_it_is_back(tmp_path):
    async with pinned(tmp_path) as rig:
        await rig.check()
        rig.ollama.digest = TWO
        await rig.check()
        assert await rig.ask() == REFUSED
        assert rig.gateway.sample("kaigate_model_digest_mismatch_total", provider="up", model="m") == 1
        rig.ollama.digest = ONE
        await rig.check()
        assert await rig.ask() == SERVED


async def test_a_server_that_comes_back_with_another_model_serves_nothing(tmp_path):
    """Between two checks the server is restarted with other files: the broken connection is what tells."""
    async with pinned(tmp_path) as rig:
        await rig.check()
        assert await rig.ask() == SERVED
        checking = asyncio.create_task(rig.checker.run(lambda: rig.gateway.runtime.snapshot.digest_checks))
        await asyncio.sleep(0.05)
        rig.ollama.down = True
        assert (await rig.ask())[0] in (502, 503)
        served = rig.ollama.chats
        rig.ollama.digest, rig.ollama.down = TWO, False
        async with asyncio.timeout(5):
            while not rig.gateway.sample("kaigate_model_digest_mismatch_total", provider="up", model="m"):
                assert await rig.ask() == REFUSED
                await asyncio.sleep(0.01)
        assert await rig.ask() == REFUSED
        assert rig.ollama.chats == served
        rig.ollama.digest = ONE
        rig.book.hurry()
        await rig.answers(SERVED)
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)


async def test_a_repeated_attempt_is_not_sent_to_what_came_back(tmp_path):
    """The server is restarted with other files while it is asked: the second attempt would reach those."""
    retries = {"backoff_s": 0.001, "max_backoff_s": 0.002}
    async with pinned(tmp_path, max_attempts=3, retries=retries) as rig:
        await rig.check()
        rig.ollama.restarts_with = TWO
        status, code = await rig.ask()
        assert (status, code) != SERVED
        assert status in {502, 503}
        assert rig.ollama.chats == 0
        await rig.check()
        assert await rig.ask() == REFUSED


@pytest.mark.parametrize("ask", [Pinned.ask, Pinned.embed])
async def test_a_restart_with_the_same_files_goes_unnoticed(tmp_path, ask):
    """The request waits for the early check, and is then repeated."""
    retries = {"backoff_s": 0.001, "max_backoff_s": 0.002}
    async with pinned(tmp_path, max_attempts=3, retries=retries) as rig:
        await rig.check()
        checking = asyncio.create_task(rig.checker.run(lambda: rig.gateway.runtime.snapshot.digest_checks))
        await asyncio.sleep(0.05)
        rig.ollama.restarts_with = ONE
        assert await ask(rig) in (SERVED, 200)
        assert rig.ollama.restarts_with is None
        assert rig.ollama.lists == 3
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)


async def test_embeddings_are_not_sent_to_what_came_back(tmp_path):
    retries = {"backoff_s": 0.001, "max_backoff_s": 0.002}
    async with pinned(tmp_path, max_attempts=3, retries=retries) as rig:
        assert await rig.embed() == 503
        await rig.check()
        rig.ollama.restarts_with = TWO
        assert await rig.embed() in {502, 503}
        await rig.check()
        assert await rig.embed() == 503
