"""Settings of the proxy go to their sections here."""

from typing import Any

import pytest

from kaigate.config.document import Document
from kaigate.config.litellm_notes import Notes, Section
from kaigate.config.litellm_providers import Environment
from kaigate.config.litellm_settings import Target, take_general, take_litellm, take_router


def target() -> Target:
    return Target({"p": {"type": "openai"}}, Environment({}))


def section(data: dict[str, Any]) -> Section:
    return Section(data, ("s",), Notes(Document({})))


def test_what_holds_for_all_calls_goes_to_every_provider():
    made = target()
    take_litellm(section({"drop_params": True, "request_timeout": 100_000}), made)
    assert made.providers == {"p": {"type": "openai", "drop_params": True, "timeout_s": 86_400.0}}


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (2, 3), (50, 10), (-3, 1)])
def test_retries_become_attempts(retries, attempts):
    made = target()
    take_router(section({"num_retries": retries}), made)
    assert made.routing == {"max_attempts": attempts}


def test_cooldowns_become_the_breaker():
    made = target()
    take_router(section({"allowed_fails": 2, "cooldown_time": 7, "disable_cooldowns": "yes"}), made)
    assert made.routing == {"breaker": {"failures": 3, "open_s": 7, "enabled": False}}


@pytest.mark.parametrize(
    ("data", "defaults"),
    [
        ({"rpm": 5, "tpm": 6, "max_parallel_requests": 7}, {"rpm": 5, "tpm": 6, "parallel": 7}),
        ({"max_budget": 3}, {"budget_usd": 3}),
        ({"max_budget": 3, "budget_duration": "1mo"}, {"budget_usd": 3, "budget_window": "month"}),
        ({"max_budget": 3, "budget_duration": "90d"}, {"budget_usd": 3, "budget_window": "90d"}),
        ({"max_budget": 3, "budget_duration": "30s"}, {"budget_usd": 3, "budget_window": "1d"}),
        ({"default_key_generate_params": {"rpm_limit": 4, "max_budget": 1}}, {"rpm": 4, "budget_usd": 1}),
        ({"max_budget": -1, "rpm": -1}, {}),
    ],
)
def test_limits_become_the_defaults_of_keys(data, defaults):
    made = target()
    take_litellm(section(data), made)
    assert made.defaults == defaults


@pytest.mark.parametrize(
    ("data", "url"),
    [
        ({"redis_host": "h", "redis_port": "6380"}, "redis://h:6380"),
        ({"redis_host": "h"}, "redis://h:6379"),
        ({"redis_host": "h", "redis_password": "literal"}, "env:KAIGATE_REDIS_URL"),
        ({"redis_host": "os.environ/H"}, "env:KAIGATE_REDIS_URL"),
        ({"redis_url": "redis://:secret@h"}, "env:KAIGATE_REDIS_URL"),
        ({"redis_host": "h:1/x"}, "env:KAIGATE_REDIS_URL"),
    ],
)
def test_redis_is_named_without_its_password(data, url):
    made = target()
    take_router(section(data), made)
    assert made.store == {"redis": {"url": url}}


def test_a_cache_elsewhere_is_not_carried_over():
    made = target()
    take_litellm(section({"cache": True, "cache_params": {"type": "s3", "host": "h"}}), made)
    assert made.store == {}


def test_the_servers_own_secrets_are_references():
    made = target()
    take_general(section({"master_key": "sk-1234", "database_url": "os.environ/DB", "max_request_size_mb": 2}), made)
    assert made.keys == {"master_key": "env:KAIGATE_MASTER_KEY"}
    assert made.store == {"database": "env:DB"}
    assert made.server == {"max_body_bytes": 2 * 1024 * 1024}
