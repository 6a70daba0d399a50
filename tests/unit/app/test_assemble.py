"""One configuration becomes one snapshot."""

import asyncio
from typing import get_args

import pytest

from kaigate.app.assemble import LateCounter, Process
from kaigate.app.assemble import build as build_snapshot
from kaigate.app.routes import PipelineName
from kaigate.app.snapshot import Snapshot
from kaigate.clock import SystemClock
from kaigate.config.loaded import LoadedConfig
from kaigate.config.problems import ConfigError
from kaigate.keys.policy import KeyPolicy
from kaigate.stages.guard_output import GuardOutput
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import EgressRefused
from kaigate.transport.http import HttpClient, Origin
from support.app_snapshot import loaded_from


@pytest.fixture
def process(tmp_path) -> Process:
    return Process(
        clock=SystemClock(),
        metrics=Metrics(),
        client=HttpClient(guard=EgressGuard(())),
        record=lambda _: None,
        env={"HOME": str(tmp_path)},
        started_at=1,
    )


def build(loaded: LoadedConfig, process: Process, previous: Snapshot | None = None) -> Snapshot:
    return build_snapshot(loaded, KeyPolicy.build(loaded.config), process, previous=previous)


def test_every_route_gets_its_pipeline(tmp_path, process):
    assert set(build(loaded_from(tmp_path), process).pipelines) == set(get_args(PipelineName))


@pytest.mark.parametrize("enabled", [True, False])
def test_answers_are_guarded_unless_configuration_says_otherwise(tmp_path, process, enabled):
    loaded = loaded_from(tmp_path, guardrails={"output": {"redaction": {"enabled": enabled}}})
    stages = build(loaded, process).pipelines["chat"].stages
    assert any(isinstance(stage, GuardOutput) for stage in stages) is enabled


@pytest.mark.parametrize(("rate", "kept"), [(30, True), (31, False)])
def test_failed_authentications_are_remembered_across_reloads_of_the_same_rate(tmp_path, process, rate, kept):
    first = build(loaded_from(tmp_path), process)
    second = build(loaded_from(tmp_path, server={"auth_failures_per_minute": rate}), process, previous=first)
    assert (second.throttle is first.throttle) is kept


def test_proxies_are_trusted_only_where_they_are_named(tmp_path, process):
    assert build(loaded_from(tmp_path), process).proxies is None
    assert build(loaded_from(tmp_path, server={"trusted_proxies": ["10.0.0.0/8"]}), process).proxies is not None


@pytest.mark.parametrize("given", ["configured", "XDG_CACHE_HOME", "HOME"])
def test_compiled_patterns_are_kept_where_the_machine_keeps_such(tmp_path, process, given):
    place = tmp_path / "place"
    store = {"cache_dir": str(place)} if given == "configured" else {}
    env = {} if given == "configured" else {given: str(place)}
    process.env = env
    build(loaded_from(tmp_path, store=store), process)
    folder = {"configured": place, "XDG_CACHE_HOME": place / "kaigate", "HOME": place / ".cache" / "kaigate"}[given]
    assert any(folder.iterdir())


def test_log_lines_lose_the_configured_keys(tmp_path, process):
    snapshot = build(loaded_from(tmp_path), process)
    assert snapshot.redact_log("key kg-unit-0123456789abcdef used") == "key [REDACTED] used"


@pytest.mark.parametrize("enabled", [True, False])
def test_the_access_log_can_be_switched_off(tmp_path, process, enabled):
    loaded = loaded_from(tmp_path, telemetry={"access_log": enabled})
    observe = build(loaded, process).pipelines["chat"].stages[0]
    assert (observe._record is not None) is enabled


def test_the_exact_counter_is_there_once_it_is_loaded():
    counter = LateCounter()
    assert counter.get() is None
    counter.load()
    loaded = counter.get()
    counter.load()
    assert counter.get() is loaded


AGENT = "http://169.254.170.23"
BEDROCK = {"type": "bedrock", "base_url": None, "aws": {"region": "eu-west-1"}}


def with_bedrock(tmp_path) -> LoadedConfig:
    return loaded_from(tmp_path, providers={"aws": BEDROCK})


async def test_what_hands_out_credentials_may_be_reached(tmp_path, process):
    process.env = {**process.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{AGENT}/v1/credentials"}
    snapshot = await asyncio.to_thread(lambda: build(with_bedrock(tmp_path), process))
    assert await snapshot.egress.addresses(Origin.parse(AGENT)[0]) == ("169.254.170.23",)
    await snapshot.egress.addresses(Origin.parse("http://127.0.0.1:9")[0])
    snapshot.egress.admit_origin(Origin.parse("https://bedrock-runtime.eu-west-1.amazonaws.com")[0])
    with pytest.raises(EgressRefused, match="not a declared"):
        await snapshot.egress.addresses(Origin.parse("http://169.254.170.2")[0])


async def test_a_link_local_address_is_reached_for_credentials_only(tmp_path, process):
    given = {"up": {"base_url": f"{AGENT}/v1"}}
    snapshot = await asyncio.to_thread(lambda: build(loaded_from(tmp_path, providers=given), process))
    with pytest.raises(EgressRefused, match="credential agent"):
        await snapshot.egress.addresses(Origin.parse(AGENT)[0])


def test_a_reload_keeps_fetched_credentials(tmp_path, process):
    process.env = {**process.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{AGENT}/v1/credentials"}
    first = build(with_bedrock(tmp_path), process)
    second = build(with_bedrock(tmp_path), process, previous=first)
    assert second.signers["aws"].credentials is first.signers["aws"].credentials


def test_a_provider_without_credentials_is_refused(tmp_path, process):
    with pytest.raises(ConfigError, match=r"providers\.aws: no AWS credentials were found"):
        build(with_bedrock(tmp_path), process)
