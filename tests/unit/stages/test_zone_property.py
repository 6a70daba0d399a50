"""No private request reaches an external provider, whatever the configuration says and whatever fails.

The judge is what would have left by the transport, not what was planned.
"""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from kaigate.clock import SystemClock
from kaigate.config.routing_settings import RetrySettings, RoutingSettings
from kaigate.errors import GatewayError
from kaigate.pipeline.principal import Principal
from kaigate.routing.state import RoutingState
from kaigate.stages.attempt import Attempt
from kaigate.stages.authorise import Authorise
from kaigate.stages.plan import Plan
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import ConnectFailed, FirstByteTimeout, Truncated
from support.exchanges import chat_request, exchange
from support.openai_upstream import completion
from support.recording_client import RecordingClient, ScriptedResponse
from support.routes import Routes, on

DEPLOYMENTS = ("near/a", "near2/b", "far/a", "far2/b")
METRICS = Metrics()
MODELS = ("m", "n", "o")
STRATEGIES = st.sampled_from(["ordered", "weighted", "cheapest", "fastest"])
FAILURES = ("ok", "refused", "silent", "cut", 429, 500, 503, 401, 400)


@st.composite
def configurations(draw):
    """Three models on random deployments, whose fallbacks lead only forwards, so that they end."""
    models = {}
    for index, name in enumerate(MODELS):
        later = list(MODELS[index + 1 :])
        models[name] = on(
            *draw(st.lists(st.sampled_from(DEPLOYMENTS), min_size=1, max_size=3, unique=True)),
            private=draw(st.booleans()),
            strategy=draw(STRATEGIES),
            fallbacks=draw(st.lists(st.sampled_from(later), unique=True)) if later else [],
            context_fallbacks=draw(st.lists(st.sampled_from(later), unique=True)) if later else [],
            context_tokens=draw(st.sampled_from([None, 5, 1000])),
        )
        for item in models[name]["deployments"]:
            item["order"] = draw(st.integers(0, 1))
    return models


CALLERS = st.builds(
    Principal,
    key_id=st.just("k"),
    name=st.just("n"),
    private_only=st.booleans(),
    providers=st.sampled_from([None, None, ("near", "far"), ("far",)]),
    models=st.sampled_from([None, None, ("m", "o")]),
)
REQUESTS = st.tuples(st.sampled_from(MODELS), CALLERS, st.sampled_from([None, b"true", b"false"]), st.booleans())


def outcome(kind):
    failures = {"refused": ConnectFailed("c"), "silent": FirstByteTimeout("f"), "cut": Truncated("t")}
    if kind in failures:
        return failures[kind]
    return ScriptedResponse(200, {}, (completion(),)) if kind == "ok" else ScriptedResponse(kind, {}, (b"{}",))


async def serve(routes, client, state, requests):
    """Serve these requests one after another over the real stages; what each of them sent, by request."""
    settings = RoutingSettings(
        max_attempts=5, retries=RetrySettings(backoff_s=0.00001, max_backoff_s=0.00001), breaker={"failures": 2}
    )
    clock = SystemClock()
    stages = [
        Authorise(routes.catalogue),
        Plan(routes.planner, default_output_tokens=100),
        Attempt(client, METRICS, clock, routing=settings, state=state),
    ]
    sent = []
    for model, caller, header, streamed in requests:
        headers = [] if header is None else [(b"x-kaigate-private", header)]
        made = exchange(chat_request("many words " * 5, model=model, stream=streamed), headers=headers)
        made.principal = caller
        before = len(client.sent)
        try:
            for stage in stages:
                pending = stage.enter(made)
                if pending is not None:
                    await pending
        except GatewayError:
            pass
        sent.append((made, client.sent[before:]))
    return sent


@given(
    models=configurations(),
    requests=st.lists(REQUESTS, min_size=1, max_size=8),
    failures=st.lists(st.sampled_from(FAILURES), min_size=1, max_size=20),
    seed=st.integers(0, 99),
)
def test_no_private_request_leaves_the_zone(models, requests, failures, seed):
    routes = Routes(models, seed=seed, prices={"far/a": 1, "near/a": 2, "near2/b": None})
    state = RoutingState(SystemClock())
    state.health = routes.health
    script = iter(failures * 40)
    client = RecordingClient(lambda _: outcome(next(script)))
    for (model, caller, header, _), (made, sent) in zip(
        requests, asyncio.run(serve(routes, client, state, requests)), strict=True
    ):
        private = models[model]["private"] or caller.private_only or header == b"true"
        for each in sent:
            assert not private or each.target.zone == "private"
            assert not private or each.required_zone == "private"
        for provider in {name_of(routes, each.target) for each in sent}:
            assert caller.providers is None or provider in caller.providers
        assert made.private or not private or made.plan is None


def name_of(routes, target) -> str:
    origins = {
        item.target: item.provider.name for model in MODELS for item in routes.catalogue.resolve(model).deployments
    }
    return origins[target]
