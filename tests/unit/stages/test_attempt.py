"""What the attempt checks by itself, whatever the plan says."""

import pytest

from kaigate.clock import SystemClock
from kaigate.config.routing_settings import RoutingSettings
from kaigate.errors import UnavailableError
from kaigate.pipeline.plan import RoutePlan
from kaigate.routing.state import RoutingState
from kaigate.stages.attempt import Attempt
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient
from support.exchanges import chat_request, deployment, exchange


@pytest.fixture
async def attempt():
    client = HttpClient(guard=EgressGuard([("127.0.0.1", 1)]))
    clock = SystemClock()
    yield Attempt(client, Metrics(), clock, routing=RoutingSettings(), state=RoutingState(clock))
    await client.aclose()


async def test_a_private_exchange_is_refused_an_external_candidate_even_if_it_is_planned(attempt):
    made = exchange(chat_request())
    made.private = True
    made.plan = RoutePlan((deployment(zone="external"),))
    with pytest.raises(UnavailableError) as caught:
        await attempt.enter(made)
    assert caught.value.code == "no_private_provider"
    assert made.answer is None


@pytest.mark.parametrize("plan", [None, RoutePlan(())])
async def test_without_a_candidate_nothing_is_sent(attempt, plan):
    made = exchange(chat_request())
    made.plan = plan
    with pytest.raises(UnavailableError):
        await attempt.enter(made)
