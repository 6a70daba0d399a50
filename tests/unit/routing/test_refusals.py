"""A request that nobody may serve is told why, and what to change."""

import pytest

from kaigate.pipeline.plan import Exclusion, RoutePlan
from kaigate.routing.refusals import refusal


def plan_of(*kinds, **fields):
    return RoutePlan((), tuple(Exclusion("p", "m", "some reason", kind, **fields) for kind in kinds))


@pytest.mark.parametrize(
    ("kinds", "need", "code", "param"),
    [
        ((), None, "upstream_unavailable", None),
        (("zone",), None, "no_private_provider", None),
        (("provider",), None, "model_not_allowed", "model"),
        (("hosted_tool",), None, "tool_not_allowed", "tools"),
        (("part",), "image", "unsupported_parameter", "messages"),
        (("capability",), "vision", "unsupported_parameter", "messages"),
        (("capability",), "json_schema", "unsupported_parameter", "response_format"),
        (("capability",), "reasoning", "unsupported_parameter", "reasoning_effort"),
        (("context",), None, "context_length_exceeded", "messages"),
        (("cost",), None, "invalid_request", "max_tokens"),
        (("drained",), None, "upstream_unavailable", None),
        (("digest",), None, "model_digest_mismatch", None),
        (("cost", "digest", "zone"), None, "model_digest_mismatch", None),
        (("digest", "circuit"), None, "upstream_unavailable", None),
        (("unhealthy",), None, "upstream_unavailable", None),
        (("circuit",), None, "upstream_unavailable", None),
        # The deployment that came furthest says what to mend.
        (("zone", "circuit"), None, "upstream_unavailable", None),
        (("circuit", "zone"), None, "upstream_unavailable", None),
        (("zone", "context", "provider"), None, "context_length_exceeded", "messages"),
    ],
)
def test_each_reason_has_its_error(kinds, need, code, param):
    error = refusal(plan_of(*kinds, need=need), cost_header=False)
    assert (error.code, error.param) == (code, param)


def test_a_ceiling_that_the_client_set_is_the_one_it_is_told_of():
    error = refusal(plan_of("cost"), cost_header=True)
    assert (error.param, error.status) == ("x-kaigate-max-cost-usd", 400)
    assert "some reason" in error.message


def test_open_breakers_say_when_the_first_may_be_probed():
    waits = [Exclusion("p", "m", "r", "circuit", wait_s) for wait_s in (9.0, 4.0)]
    assert refusal(RoutePlan((), tuple(waits)), cost_header=False).retry_after == 4.0
