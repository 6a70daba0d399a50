"""Attempts for vectors: what is refused before anybody is asked, and what the health book learns."""

from types import SimpleNamespace

import pytest

from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.chat.request import ChatRequest
from kaigate.clock import SystemClock
from kaigate.config.routing_settings import RetrySettings, RoutingSettings
from kaigate.errors import GatewayError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import RoutePlan
from kaigate.pipeline.principal import Principal
from kaigate.routing.state import RoutingState
from kaigate.stages.embed import Embed
from kaigate.surfaces.embedding_format import FORMATS
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import ConnectFailed, EgressRefused
from support.exchanges import deployment, exchange

ROUTING = RoutingSettings.model_validate({"retries": {"backoff_s": 0.001}, "breaker": {"failures": 3}})


class Refusing:
    """A client whose every connection fails."""

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    async def send(self, *_args: object, **_options: object) -> None:
        self.asked += 1
        raise self.error


def planned(*candidates, private: bool = False, caller: Principal | None = None) -> Exchange:
    made = exchange(ChatRequest(model="m", messages=()))
    made.embedding = EmbeddingRequest(model="m", inputs=("hello",))
    made.plan = RoutePlan(candidates)
    made.private, made.principal, made.input_tokens = private, caller, 3
    return made


def stage(client) -> SimpleNamespace:
    state = RoutingState(SystemClock())
    embed = Embed(FORMATS[0], client, Metrics(), SystemClock(), routing=ROUTING, state=state)
    return SimpleNamespace(embed=embed, state=state)


async def test_each_candidate_is_asked_and_what_may_pass_is_repeated():
    client = Refusing(ConnectFailed("no"))
    made = stage(client)
    with pytest.raises(GatewayError) as failed:
        await made.embed.enter(planned(deployment(), deployment("second")))
    assert failed.value.code == "upstream_error"
    assert client.asked == ROUTING.max_attempts
    assert [each.error_rate > 0 for each in made.state.health.standings()] == [True, True]


async def test_each_request_earns_a_share_of_a_repetition():
    client = Refusing(ConnectFailed("no"))
    made = stage(client)
    made.state.settings = ROUTING
    made.state.retries.configure(RetrySettings(budget_reserve=1, budget_ratio=1.0))
    for asked in (2, 4):
        with pytest.raises(GatewayError):
            await made.embed.enter(planned(deployment()))
        assert client.asked == asked


async def test_what_was_not_asked_is_not_blamed():
    made = stage(Refusing(EgressRefused("no")))
    with pytest.raises(GatewayError):
        await made.embed.enter(planned(deployment()))
    assert made.state.health.standings() == []


async def test_a_breaker_that_is_open_is_respected():
    client = Refusing(ConnectFailed("no"))
    made = stage(client)
    for _ in range(5):
        with pytest.raises(GatewayError):
            await made.embed.enter(planned(deployment()))
    asked = client.asked
    with pytest.raises(GatewayError) as refused:
        await made.embed.enter(planned(deployment()))
    assert (client.asked, refused.value.code) == (asked, "upstream_unavailable")


@pytest.mark.parametrize(
    ("options", "zone"),
    [
        ({"private": True}, "external"),
        ({"caller": Principal("k", "n", private_only=True)}, "external"),
        ({"caller": Principal("k", "n", providers=("other",))}, "private"),
    ],
)
async def test_each_attempt_is_authorised_again(options, zone):
    client = Refusing(ConnectFailed("no"))
    with pytest.raises(GatewayError) as refused:
        await stage(client).embed.enter(planned(deployment(zone=zone), **options))
    assert (refused.value.code, client.asked) == ("no_private_provider", 0)


async def test_who_makes_no_vectors_is_passed_over():
    client = Refusing(ConnectFailed("no"))
    with pytest.raises(GatewayError) as refused:
        await stage(client).embed.enter(planned(deployment(kind="anthropic")))
    assert (refused.value.code, refused.value.param, client.asked) == ("unsupported_parameter", "model", 0)
    made = planned(deployment(kind="anthropic"), deployment("second"))
    with pytest.raises(GatewayError):
        await stage(client).embed.enter(made)
    assert made.deployment is not None
    assert made.deployment.provider.name == "second"


async def test_what_the_second_can_not_be_asked_is_told_as_the_failure_of_the_first():
    client = Refusing(ConnectFailed("no"))
    made = planned(deployment(kind="ollama"), deployment("second"))
    made.embedding = EmbeddingRequest(model="m", inputs=("hello",), truncate=True)
    with pytest.raises(GatewayError) as failed:
        await stage(client).embed.enter(made)
    assert failed.value.code == "upstream_error"
    alone = planned(deployment("second"))
    alone.embedding = made.embedding
    with pytest.raises(GatewayError) as refused:
        await stage(client).embed.enter(alone)
    assert refused.value.code == "unsupported_parameter"


async def test_nothing_is_asked_without_a_plan_or_a_request():
    made = planned()
    with pytest.raises(GatewayError):
        await stage(Refusing(ConnectFailed("no"))).embed.enter(made)
    made.embedding = None
    with pytest.raises(GatewayError):
        await stage(Refusing(ConnectFailed("no"))).embed.enter(made)
