"""A pinned model is admitted by what its server reported last, and by nothing else."""

import asyncio

import pytest

from kaigate.pipeline.plan import Pin
from kaigate.routing.digests import WHY, DigestBook
from kaigate.transport.errors import ConnectFailed, FirstByteTimeout, StaleConnection
from support.routes import catalogue_of, config_of

HERE, THERE = "http://ollama:11434", "http://other:11434"
ONE, TWO = "1" * 64, "2" * 64
PIN = Pin(HERE, "llama3.2:3b", ONE)


def book(**digests: str) -> DigestBook:
    made = DigestBook()
    made.take(HERE, digests, ["llama3.2:3b", "llama3.2:3b"])
    return made


def reporting(digest: str) -> DigestBook:
    made = DigestBook()
    made.take(HERE, {"llama3.2:3b": digest, "not-pinned:1": TWO}, ["llama3.2:3b"])
    return made


def test_nothing_is_admitted_before_it_was_reported():
    assert DigestBook().doubt(PIN) == "unchecked"


@pytest.mark.parametrize(("digest", "doubt"), [(ONE, None), (TWO, "drifted")])
def test_the_reported_digest_decides(digest, doubt):
    made = reporting(digest)
    assert made.doubt(PIN) == doubt
    assert made.reported(PIN) == digest


def test_a_model_that_is_gone_is_missing():
    made = book()
    assert made.doubt(PIN) == "missing"
    assert made.reported(PIN) is None


def test_only_pinned_models_are_remembered():
    assert reporting(ONE).doubt(Pin(HERE, "not-pinned:1", TWO)) == "missing"


def test_places_are_told_apart():
    assert reporting(ONE).doubt(Pin(THERE, PIN.model, ONE)) == "unchecked"


def test_a_broken_connection_makes_everything_there_uncertain_and_asks_for_a_check():
    made = reporting(ONE)
    made.take(THERE, {PIN.model: ONE}, [PIN.model])
    made.lost(HERE)
    assert made.doubt(PIN) == "unchecked"
    assert made.doubt(Pin(THERE, PIN.model, ONE)) is None
    assert made.doubts == 1


def test_what_nobody_pinned_is_not_checked_for_a_broken_connection():
    made = reporting(ONE)
    made.lost(THERE)
    assert (made.doubts, made.doubt(PIN)) == (0, None)


def test_places_that_nobody_pins_are_forgotten():
    made = reporting(ONE)
    made.keep([HERE])
    assert made.doubt(PIN) is None
    made.keep([THERE])
    assert made.doubt(PIN) == "unchecked"


async def test_a_check_is_wanted_when_the_time_is_over():
    await asyncio.wait_for(DigestBook().wanted(0.01), 1)


async def test_a_check_is_wanted_at_once_after_a_loss_and_once_only():
    made = reporting(ONE)
    made.lost(HERE)
    await asyncio.wait_for(made.wanted(None), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(made.wanted(None), 0.02)


async def test_whoever_hurries_is_heard():
    made = DigestBook()
    made.hurry()
    await asyncio.wait_for(made.wanted(None), 1)


def test_every_doubt_has_its_reason():
    assert set(WHY) == {"unchecked", "missing", "drifted"}


async def test_an_attempt_waits_a_moment_for_the_report_of_a_server():
    made = reporting(ONE)
    assert await made.confirmed(PIN, 0)
    made.lost(HERE)
    waiting = asyncio.create_task(made.confirmed(PIN, 5))
    await asyncio.sleep(0)
    made.take(THERE, {}, [])
    await asyncio.sleep(0)
    assert not waiting.done()
    made.take(HERE, {PIN.model: ONE}, [PIN.model])
    assert await asyncio.wait_for(waiting, 1)


@pytest.mark.parametrize("digest", [TWO, None])
async def test_an_attempt_is_not_made_where_the_report_is_another_or_does_not_come(digest):
    made = DigestBook() if digest is None else reporting(digest)
    assert not await asyncio.wait_for(made.confirmed(PIN, 0.02), 1)


@pytest.mark.parametrize(
    ("error", "doubt"),
    [(ConnectFailed("c"), "unchecked"), (StaleConnection("s"), "unchecked"), (FirstByteTimeout("f"), None)],
)
def test_only_a_broken_connection_is_a_reason_to_doubt(error, doubt):
    (deployment,) = catalogue_of(config_of({PIN.model: {"digest": ONE}})).resolve(PIN.model).deployments
    made = DigestBook()
    made.take(deployment.pin.place, {PIN.model: ONE}, [PIN.model])
    made.failed(deployment, error)
    assert made.doubt(deployment.pin) == doubt
