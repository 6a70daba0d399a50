import asyncio
import logging

import pytest

from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import GatewayConfig, ServerSettings
from kaigate.config.problems import ConfigError, Problem
from kaigate.config.secrets import Secret, SecretRef
from kaigate.config.watch import AT_START, Reloader, signature

REFERENCE = SecretRef("env", "KEY")


def loaded(port: int = 1, secret: str = "a") -> LoadedConfig:
    return LoadedConfig(GatewayConfig(server=ServerSettings(port=port)), secrets={REFERENCE: Secret(secret)})


class Harness:
    """A reloader whose next configuration, or error, is set by the test."""

    def __init__(self) -> None:
        self.next: LoadedConfig | Exception = loaded()
        self.apply_error: Exception | None = None
        self.applied: list[LoadedConfig] = []
        self.outcomes: list[str] = []
        self.reloader = Reloader(loaded(), read=self.read, apply=self.apply, counted=self.outcomes.append)

    def read(self) -> LoadedConfig:
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    async def apply(self, configuration: LoadedConfig) -> None:
        await asyncio.sleep(0)
        if self.apply_error is not None:
            raise self.apply_error
        self.applied.append(configuration)


async def test_a_valid_change_is_swapped_in():
    harness = Harness()
    harness.next = loaded(port=2)
    assert await harness.reloader.reload_now() == "swapped"
    assert harness.applied == [harness.next]
    assert harness.reloader.current is harness.next


async def test_what_a_reload_cannot_change_is_said(caplog):
    harness = Harness()
    harness.next = loaded(port=2)
    with caplog.at_level(logging.WARNING, "kaigate.config"):
        await harness.reloader.reload_now()
    assert caplog.messages == ["configuration: server.port changes with the next start only"]


def test_what_is_read_at_the_start_are_settings_of_the_server():
    assert set(AT_START) <= set(ServerSettings.model_fields)


async def test_no_change_applies_nothing():
    harness = Harness()
    assert await harness.reloader.reload_now() == "unchanged"
    assert harness.applied == []


async def test_a_rotated_secret_is_a_change():
    harness = Harness()
    harness.next = loaded(secret="b")
    assert await harness.reloader.reload_now() == "swapped"


@pytest.mark.parametrize("stage", ["read", "apply"])
async def test_a_refused_configuration_keeps_the_last_good_one(caplog, stage):
    harness = Harness()
    error = ConfigError([Problem("f", 1, 2, "server.port", "is wrong"), Problem("f", 3, 1, "", "is odd")])
    before = harness.reloader.current
    if stage == "read":
        harness.next = error
    else:
        harness.next, harness.apply_error = loaded(port=3), error
    with caplog.at_level(logging.ERROR, "kaigate.config"):
        assert await harness.reloader.reload_now() == "rejected"
    assert harness.reloader.current is before
    assert "f:1:2: server.port: is wrong" in caplog.text
    assert "f:3:1: is odd" in caplog.text


@pytest.mark.parametrize("error", [OSError("no such certificate"), ValueError("no such thing")])
async def test_what_only_building_shows_is_a_refusal_too(caplog, error):
    harness = Harness()
    harness.next, harness.apply_error = loaded(port=3), error
    assert await harness.reloader.reload_now() == "rejected"
    assert harness.reloader.current.config.server.port == 1
    assert f"the last good one stays: {error}" in caplog.text


async def test_it_recovers_after_a_refusal_and_counts_every_outcome():
    harness = Harness()
    harness.next = ConfigError([])
    await harness.reloader.reload_now()
    harness.next = loaded(port=2)
    await harness.reloader.reload_now()
    await harness.reloader.reload_now()
    assert harness.outcomes == ["rejected", "swapped", "unchanged"]


async def test_reloads_do_not_overlap():
    harness = Harness()
    harness.next = loaded(port=2)
    outcomes = await asyncio.gather(*(harness.reloader.reload_now() for _ in range(5)))
    assert sorted(outcomes) == ["swapped"] + ["unchanged"] * 4


def test_the_signature_follows_links_and_notices_what_is_missing(tmp_path):
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    link = tmp_path / "link"
    link.symlink_to("one")
    before = signature([link, tmp_path / "missing"])
    assert before == signature([link, tmp_path / "missing"])
    link.unlink()
    link.symlink_to("two")
    assert signature([link, tmp_path / "missing"]) != before
    (tmp_path / "missing").touch()
    assert signature([link, tmp_path / "missing"])[1][1] != 0
