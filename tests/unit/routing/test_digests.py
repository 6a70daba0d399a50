"""A pinned model is admitted by what its server reported last, and by nothing else."""

import asyncio

import pytest

from kaigate.pipeline.plan import Pin
from kaigate.routing.digests import WHY, DigestBook

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
