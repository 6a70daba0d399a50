"""Digests are asked for, compared, counted and logged; what cannot be confirmed is not served."""

import asyncio
import logging
from typing import Any

import msgspec
import pytest

from kaigate.app.digests import DigestChecker, DigestChecks, digest_checks
from kaigate.providers import registry
from kaigate.providers.ollama_tags import MAX_BYTES
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.digests import DigestBook
from kaigate.routing.upstream import build_upstream
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import ConnectFailed, FirstByteTimeout, TransportError, Truncated
from support.recording_client import RecordingClient, ScriptedResponse
from support.routes import config_of

ONE, TWO = "1" * 64, "2" * 64
NAME = "llama3.2:3b"


def tags(*digests: str, name: str = NAME) -> ScriptedResponse:
    body = msgspec.json.encode({"models": [{"name": name, "digest": digest} for digest in digests]})
    return ScriptedResponse(200, {}, (body,))


class Rig:
    """A checker of one pinned model, whose server answers as the script says; an empty script repeats the last."""

    def __init__(self, *script: Any, **digest_settings: Any) -> None:
        self.script = list(script)
        self.client = RecordingClient(lambda _: self.next())
        self.book = DigestBook()
        self.metrics = Metrics()
        self.checks = self.configured(**digest_settings)
        self.checker = DigestChecker(self.client, self.book, self.metrics, jitter=lambda: 0.5)
        self.before_answer = lambda: None

    @staticmethod
    def configured(digest: str | None = ONE, port: int = 11434, **digest_settings: Any) -> DigestChecks:
        model = {"deployments": [{"provider": "up"}], **({"digest": digest} if digest else {})}
        provider = {"type": "ollama", "base_url": f"http://127.0.0.1:{port}/under"}
        config = config_of({NAME: model, "llama*": {}}, {"up": provider}, digest_checks=digest_settings)
        row = config.providers["up"]
        built = {"up": build_upstream(row, registry.build("up", row.type), registry.ROWS[row.type])}
        return digest_checks(config, Catalogue.build(config, built), built)

    def next(self) -> ScriptedResponse | TransportError:
        self.before_answer()
        item = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return ScriptedResponse(item, {}, (b"{}",)) if isinstance(item, int) else item

    @property
    def doubt(self) -> str | None:
        ((_, pin),) = self.checks.deployments
        return self.book.doubt(pin)

    async def rounds(self, count: int) -> list[str | None]:
        found = []
        for _ in range(count):
            await self.checker.check(self.checks)
            found.append(self.doubt)
        return found

    @property
    def mismatches(self) -> float:
        labels = {"provider": "up", "model": NAME}
        return self.metrics.registry.get_sample_value("kaigate_model_digest_mismatch_total", labels) or 0.0


async def test_a_model_is_served_while_its_digest_is_reported():
    rig = Rig(tags(ONE), tags(TWO), tags(ONE), tags())
    assert rig.doubt == "unchecked"
    assert await rig.rounds(4) == [None, "drifted", None, "missing"]
    assert rig.mismatches == 2


async def test_ollama_is_asked_for_its_list_as_the_zone_demands():
    rig = Rig(tags(ONE), timeout_s=1.5)
    await rig.rounds(1)
    (sent,) = rig.client.sent
    assert (sent.path, sent.body, sent.required_zone) == ("/under/api/tags", b"", "private")
    assert (sent.deadlines.connect_s, sent.deadlines.total_s) == (1.5, 1.5)
    assert rig.client.responses[0].closed


@pytest.mark.parametrize("loss", [ConnectFailed("c"), Truncated("t")])
async def test_a_server_that_is_gone_makes_its_models_uncertain_at_once(loss):
    rig = Rig(tags(ONE), loss, tags(ONE))
    assert await rig.rounds(3) == [None, "unchecked", None]
    assert rig.mismatches == 0


@pytest.mark.parametrize("answer", [FirstByteTimeout("slow"), 500, 404, ScriptedResponse(200, {}, (b"<html>",))])
async def test_what_was_reported_holds_for_one_check_that_fails_but_not_for_two(answer):
    rig = Rig(tags(ONE), answer, tags(ONE), answer, answer)
    assert await rig.rounds(5) == [None, None, None, None, "unchecked"]


async def test_an_answer_that_was_asked_for_before_a_connection_broke_is_worth_nothing():
    rig = Rig(tags(ONE))
    assert await rig.rounds(1) == [None]
    place = next(iter(rig.checks.servers))
    rig.script = [tags(ONE)]
    rig.before_answer = lambda: rig.book.lost(place)
    assert await rig.rounds(1) == ["unchecked"]
    rig.before_answer = lambda: None
    rig.script = [tags(ONE)]
    await asyncio.wait_for(rig.book.wanted(None), 1)
    assert await rig.rounds(1) == [None]


async def test_each_change_is_logged_once(caplog):
    rig = Rig(tags(TWO), tags(TWO), tags(TWO), tags(ONE), tags(ONE), ConnectFailed("c"), ConnectFailed("c"))
    with caplog.at_level(logging.INFO, "kaigate.digests"):
        await rig.rounds(7)
    changes = [(line.levelname, line.message) for line in caplog.records if "pinned model" in line.message]
    assert changes == [
        ("ERROR", "pinned model is not served: its server reports another digest than the pinned one"),
        ("INFO", "pinned model is served: its digest holds"),
        ("ERROR", "pinned model is not served: its digest is not confirmed by its server yet"),
    ]
    first = vars(caplog.records[0])
    assert (first["pinned"], first["reported"], first["model"]) == (ONE[:12], TWO[:12], NAME)


async def test_a_configuration_without_pins_asks_nobody():
    rig = Rig(tags(ONE))
    rig.checks = rig.configured(digest=None)
    await rig.checker.check(rig.checks)
    assert not rig.client.sent


async def test_a_reload_forgets_the_servers_that_are_gone_and_keeps_what_others_reported():
    rig = Rig(tags(ONE))
    await rig.rounds(1)
    rig.checks = rig.configured(digest=TWO)
    assert rig.doubt == "drifted"
    rig.checks = rig.configured(port=11435)
    assert rig.doubt == "unchecked"
    await rig.rounds(1)
    rig.checks = rig.configured()
    assert rig.doubt == "unchecked"


async def until(reached) -> None:
    async with asyncio.timeout(5):
        while not reached():
            await asyncio.sleep(0.01)


async def test_checks_are_repeated_soon_while_one_is_not_confirmed_and_at_their_interval_afterwards():
    down = ConnectFailed("c")
    rig = Rig(down, down, tags(ONE), interval_s=60)
    task = asyncio.create_task(rig.checker.run(lambda: rig.checks))
    await until(lambda: rig.doubt is None)
    assert len(rig.client.sent) == 3
    await asyncio.sleep(0.3)
    assert len(rig.client.sent) == 3
    rig.script = [tags(TWO)]
    rig.book.lost(next(iter(rig.checks.servers)))
    assert rig.doubt == "unchecked"
    await until(lambda: rig.doubt == "drifted")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_loop_without_pins_waits_for_a_reload():
    rig = Rig(tags(ONE))
    pinned, rig.checks = rig.checks, rig.configured(digest=None)
    task = asyncio.create_task(rig.checker.run(lambda: rig.checks))
    await asyncio.sleep(0.05)
    assert not rig.client.sent
    rig.checks = pinned
    rig.book.hurry()
    await until(lambda: rig.doubt is None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_list_of_any_length_is_read_within_its_bound():
    limits = []

    class Endless(ScriptedResponse):
        async def read(self, limit: int) -> bytes:
            limits.append(limit)
            return await super().read(limit)

    rig = Rig(Endless(200, {}, (b'{"models":[]}',)))
    await rig.rounds(1)
    assert limits == [MAX_BYTES]
