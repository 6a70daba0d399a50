"""Attempts: what is tried again, where and when, and what never is."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace

from kaigate.chat.request import ChatRequest, HostedTool
from kaigate.clock import SystemClock
from kaigate.config.routing_settings import BreakerSettings, RetrySettings, RoutingSettings
from kaigate.errors import GatewayError, LimitExceededError, UnavailableError, UpstreamFailedError
from kaigate.limits.provider_limits import ProviderLimits
from kaigate.pipeline.plan import RoutePlan
from kaigate.pipeline.principal import Principal
from kaigate.routing.state import RoutingState
from kaigate.stages.attempt import Attempt
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.egress import EgressGuard
from kaigate.transport.errors import (
    ConnectFailed,
    ConnectTimeout,
    EgressRefused,
    FirstByteTimeout,
    IdleTimeout,
    PoolTimeout,
    ProtocolError,
    TransportError,
    Truncated,
)
from kaigate.transport.http import Deadlines, HttpClient
from support.exchanges import chat_request, deployment, exchange
from support.openai_upstream import completion, stream_of
from support.recording_client import RecordingClient, ScriptedResponse

NO_BREAKER = BreakerSettings(enabled=False)
FAST = {"backoff_s": 0.001, "max_backoff_s": 0.002}
ONE, TWO, THREE = (deployment(name) for name in ("one", "two", "three"))
FAR = deployment("far", zone="external")


def ok() -> ScriptedResponse:
    return ScriptedResponse(chunks=(completion(),))


def status(code: int, **headers: str) -> ScriptedResponse:
    return ScriptedResponse(code, headers, (b"{}",))


class Rig:
    """An attempt stage before a recording client."""

    def __init__(self, *script, retries=None, limits=None, **routing) -> None:
        self.script = list(script)
        self.client = RecordingClient(lambda _: self.script.pop(0) if self.script else ok())
        self.metrics = Metrics()
        self.state = RoutingState(SystemClock())
        settings = RoutingSettings(retries=RetrySettings(**{**FAST, **(retries or {})}), **routing)
        self.stage = Attempt(
            self.client, self.metrics, SystemClock(), routing=settings, state=self.state, limits=limits
        )

    async def run(self, *candidates, request: ChatRequest | None = None, caller=None, private=False):
        made = exchange(request or chat_request())
        made.private, made.principal, made.model = private, caller, "m"
        made.plan = RoutePlan(candidates)
        await self.stage.enter(made)
        return made

    async def refused(self, *candidates, **given) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            await self.run(*candidates, **given)
        return caught.value

    @property
    def asked(self) -> list[str]:
        """Who was asked; every deployment has a port of its own here."""
        return [NAMES[each.target.origin.port] for each in self.client.sent]


def at(port: int, which):
    target = which.target
    origin = type(target.origin)(target.origin.scheme, target.origin.host, port)
    return replace(which, target=type(target)(origin=origin, zone=target.zone, max_connections=4))


ONE, TWO, THREE, FAR = (at(port, which) for port, which in enumerate((ONE, TWO, THREE, FAR), 1))
NAMES = {1: "one", 2: "two", 3: "three", 4: "far"}


async def test_the_first_that_answers_serves():
    rig = Rig()
    made = await rig.run(ONE, TWO)
    assert made.deployment is ONE
    assert made.answer is not None
    assert rig.asked == ["one"]


@pytest.mark.parametrize(
    "failure",
    [
        ConnectFailed("c"),
        ConnectTimeout("c"),
        PoolTimeout("p"),
        FirstByteTimeout("f"),
        Truncated("t"),
        ProtocolError("p"),
        EgressRefused("e"),
        *(status(code) for code in (401, 403, 404, 408, 429, 500, 502, 503, 504, 529)),
        ScriptedResponse(chunks=(b"not JSON",)),
        ScriptedResponse(chunks=(completion()[:-9], Truncated("t"))),
    ],
)
async def test_whatever_the_upstream_does_wrong_before_its_first_byte_falls_back(failure):
    rig = Rig(failure)
    made = await rig.run(ONE, TWO)
    assert rig.asked == ["one", "two"]
    assert made.deployment is TWO
    assert rig.metrics.registry.get_sample_value("kaigate_fallbacks_total", {"model": "m", "provider": "two"}) == 1
    assert all(each.closed for each in rig.client.responses[:-1])


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_a_clients_error_never_falls_back(code):
    rig = Rig(status(code))
    assert (await rig.refused(ONE, TWO)).status == 400
    assert rig.asked == ["one"]


async def test_a_failure_that_would_be_the_same_elsewhere_is_final():
    class Unsafe:
        """A provider whose refusal is a judgement on the content."""

        def __init__(self, inner) -> None:
            self.name, self.format, self.signer = inner.name, inner.format, None
            self.encode, self.decoder = inner.encode, inner.decoder

        def failure(self, *_):
            return UpstreamFailedError("upstream_error", "unsafe", may_fall_back=False)

    rig = Rig(status(503))
    assert (await rig.refused(replace(ONE, provider=Unsafe(ONE.provider)), TWO)).message == "unsafe"
    assert rig.asked == ["one"]


async def test_a_parameter_that_a_provider_cannot_honour_is_refused_before_anything_is_sent():
    rig = Rig()
    request = msgspec.structs.replace(
        chat_request(), sampling=msgspec.structs.replace(chat_request().sampling, top_k=3)
    )
    strict = replace(ONE, provider=deployment("one", "openai").provider)
    assert (await rig.refused(strict, TWO, request=request)).code == "unsupported_parameter"
    assert not rig.asked


async def test_a_fallback_that_cannot_take_the_request_hides_no_earlier_failure():
    rig = Rig(status(503), status(503))
    request = msgspec.structs.replace(
        chat_request(), sampling=msgspec.structs.replace(chat_request().sampling, top_k=3)
    )
    strict = replace(TWO, provider=deployment("two", "openai").provider)
    assert (await rig.refused(ONE, strict, request=request)).code == "upstream_unavailable"


@pytest.mark.parametrize(
    ("failure", "again"),
    [
        (ConnectFailed("c"), True),
        (ConnectTimeout("c"), True),
        (Truncated("t"), True),
        (status(429), True),
        (status(500), True),
        (status(503), True),
        (FirstByteTimeout("f"), False),
        (IdleTimeout("i"), False),
        (PoolTimeout("p"), False),
        (ProtocolError("p"), False),
        (status(401), False),
        (status(404), False),
        (status(504), False),
    ],
)
async def test_only_what_may_pass_is_asked_of_the_same_again(failure, again):
    rig = Rig(failure)
    if again:
        assert (await rig.run(ONE)).answer is not None
    else:
        assert (await rig.refused(ONE)).status >= 500
    assert rig.asked == ["one", "one"][: 1 + again]


async def test_everybody_is_asked_once_before_anybody_is_asked_again():
    rig = Rig(*(status(503) for _ in range(4)), max_attempts=5)
    made = await rig.run(ONE, TWO)
    assert rig.asked == ["one", "two", "one", "two", "one"]
    assert made.deployment is ONE


@pytest.mark.parametrize(("most", "asked"), [(1, ["one"]), (2, ["one", "two"]), (3, ["one", "two", "three"])])
async def test_there_are_no_more_attempts_than_configured(most, asked):
    rig = Rig(*(status(503) for _ in range(9)), max_attempts=most)
    assert (await rig.refused(ONE, TWO, THREE)).code == "upstream_unavailable"
    assert rig.asked == asked


async def test_a_stream_that_breaks_off_before_its_first_content_falls_back():
    rig = Rig(ScriptedResponse(chunks=(b": ping\n\n", stream_of(["a"])[0], Truncated("t"))), stream_answer())
    made = await rig.run(ONE, TWO, request=chat_request(stream=True))
    assert made.deployment is TWO


def stream_answer(*end: bytes | TransportError) -> ScriptedResponse:
    return ScriptedResponse(chunks=(*stream_of(["a"]), *(end or (b"data: [DONE]\n\n",))))


async def test_a_stream_that_breaks_off_later_is_told_and_counts_against_its_deployment():
    rig = Rig(ScriptedResponse(chunks=(stream_of(["a"])[1], Truncated("t"))), breaker=BreakerSettings(failures=1))
    made = await rig.run(ONE, TWO, request=chat_request(stream=True))
    assert made.deployment is ONE
    made.answer.next()
    with pytest.raises(GatewayError):
        await made.answer.next()
    assert list(rig.state.health.troubled) == [ONE.name]


# Back-off, budget, deadline.


async def test_a_retry_after_within_its_bound_is_waited_for():
    rig = Rig(status(503, **{"retry-after": "1"}), retries={"max_retry_after_s": 5.0})
    began = asyncio.get_running_loop().time()
    await rig.run(ONE)
    assert asyncio.get_running_loop().time() - began >= 0.99


async def test_a_longer_retry_after_is_the_clients_to_wait():
    rig = Rig(status(503, **{"retry-after": "60"}))
    error = await rig.refused(ONE)
    assert (error.code, error.retry_after) == ("upstream_unavailable", 60)
    assert rig.asked == ["one"]


async def test_a_longer_retry_after_does_not_keep_others_from_being_asked_again():
    rig = Rig(status(503, **{"retry-after": "60"}), status(503), max_attempts=3)
    assert (await rig.run(ONE, TWO)).deployment is TWO
    assert rig.asked == ["one", "two", "two"]


async def test_repetitions_end_with_their_budget_but_other_providers_are_still_asked():
    rig = Rig(*(status(503) for _ in range(20)), retries={"budget_reserve": 2, "budget_ratio": 0.0}, breaker=NO_BREAKER)
    for _ in range(4):
        await rig.refused(ONE)
    assert rig.asked == ["one"] * 6
    rig.script = [status(503)]
    assert (await rig.run(TWO, THREE)).deployment is THREE


async def test_attempts_share_the_exchanges_deadline():
    rig = Rig(status(503))
    short = replace(ONE, deadlines=Deadlines(total_s=0.5))
    await rig.run(short)
    first, second = (each.deadlines.total_s for each in rig.client.sent)
    assert first == 0.5 > second


async def test_nothing_is_tried_when_the_deadline_is_over():
    rig = Rig(status(503))
    short = replace(ONE, deadlines=Deadlines(total_s=0.01))
    await rig.refused(short)
    assert rig.asked == ["one"]


# Breakers.


async def test_an_open_breaker_is_passed_over_and_probed_by_one_request():
    rig = Rig(*(status(500) for _ in range(2)), breaker=BreakerSettings(failures=2, open_s=0.05), max_attempts=1)
    for _ in range(2):
        await rig.refused(ONE)
    assert (await rig.run(ONE, TWO)).deployment is TWO
    assert (await rig.refused(ONE)).retry_after
    await asyncio.sleep(0.07)
    assert (await rig.run(ONE, TWO)).deployment is ONE
    assert not rig.state.health.troubled


@pytest.mark.parametrize(
    ("failure", "blamed"),
    [
        (status(500), True),
        (status(401), True),
        (ConnectFailed("c"), True),
        (ScriptedResponse(chunks=(b"not JSON",)), True),
        (status(429), False),
        (status(400), False),
        (PoolTimeout("p"), False),
        (EgressRefused("e"), False),
    ],
)
async def test_only_its_own_faults_count_against_a_deployment(failure, blamed):
    rig = Rig(failure, breaker=BreakerSettings(failures=1), max_attempts=1)
    await rig.refused(ONE)
    assert bool(rig.state.health.troubled) is blamed


async def test_a_probe_whose_client_leaves_lets_the_next_one_probe():
    rig = Rig(status(500), breaker=BreakerSettings(failures=1, open_s=0.01), max_attempts=1)
    await rig.refused(ONE)
    await asyncio.sleep(0.02)
    hanging = asyncio.Event()

    async def hang(*_args, **_kwargs):
        await hanging.wait()

    send, rig.client.send = rig.client.send, hang
    task = asyncio.create_task(rig.run(ONE))
    await asyncio.sleep(0)
    assert rig.state.health.wait_s(ONE) > 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    rig.client.send = send
    assert (await rig.run(ONE)).deployment is ONE


# Authorisation of each attempt.


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"private": True}, "zone"),
        ({"caller": Principal(key_id="k", name="n", private_only=True)}, "zone"),
        ({"caller": Principal(key_id="k", name="n", providers=("two",))}, "provider"),
        ({"request": ChatRequest(model="m", messages=(), hosted_tools=(HostedTool("mcp", "f", {}),))}, "tool"),
    ],
)
async def test_a_candidate_that_should_not_have_been_planned_is_not_asked(given, why):
    rig = Rig()
    assert (await rig.refused(FAR, **given)).code == "no_private_provider"
    assert not rig.asked, why


async def test_a_private_exchange_tells_the_transport_its_zone():
    rig = Rig(status(503))
    await rig.run(ONE, TWO, private=True)
    assert [each.required_zone for each in rig.client.sent] == ["private", "private"]


async def test_the_transport_refuses_what_the_attempt_let_through():
    client = HttpClient(guard=EgressGuard([("127.0.0.1", 1)]))
    clock = SystemClock()
    stage = Attempt(client, Metrics(), clock, routing=RoutingSettings(), state=RoutingState(clock))
    made = exchange(chat_request())
    made.private = True
    made.plan = RoutePlan((deployment(zone="external"),))
    with pytest.raises(UnavailableError) as caught:
        await stage.enter(made)
    assert caught.value.code == "no_private_provider"
    assert made.answer is None
    await client.aclose()


@pytest.mark.parametrize("plan", [None, RoutePlan(())])
async def test_without_a_candidate_nothing_is_sent(plan):
    rig = Rig()
    made = exchange(chat_request())
    made.plan = plan
    with pytest.raises(UnavailableError):
        await rig.stage.enter(made)


# What is sent.


@pytest.mark.parametrize(
    ("asked", "own", "sent"), [(None, 7, 7), (5, 7, 5), (9, 7, 7), (9, None, 9), (None, None, None)]
)
async def test_the_lower_ceiling_of_output_is_sent(asked, own, sent):
    rig = Rig()
    made = exchange(chat_request())
    made.output_ceiling = asked
    made.plan = RoutePlan((replace(ONE, max_tokens=own),))
    await rig.stage.enter(made)
    assert msgspec.json.decode(rig.client.sent[0].body).get("max_tokens") == sent


class KeySigner:
    """Signs at once, or when it is let."""

    def __init__(self, ready: asyncio.Event | None = None) -> None:
        self.ready = ready
        self.seen: list[tuple[str, str]] = []

    def sign(self, call, *, host, path):
        self.seen.append((host, path))
        headers = [*call.headers, (b"authorization", b"signed")]
        return headers if self.ready is None else self.later(headers)

    async def later(self, headers) -> Sequence[tuple[bytes, bytes]]:
        await self.ready.wait()
        return headers


def signed_by(signer, **deadlines):
    which = deployment("one")
    which.provider.signer = signer
    return replace(which, deadlines=Deadlines(**deadlines))


async def test_a_signer_sees_the_whole_request_target():
    for ready in (None, asyncio.Event()):
        if ready is not None:
            ready.set()
        rig, signer = Rig(), KeySigner(ready)
        await rig.run(signed_by(signer))
        assert signer.seen == [("127.0.0.1:1", "/v1/chat/completions")]
        assert (b"authorization", b"signed") in rig.client.sent[0].headers


async def test_a_credential_that_does_not_come_is_a_timeout():
    rig = Rig()
    error = await rig.refused(signed_by(KeySigner(asyncio.Event()), first_byte_s=0.02))
    assert error.code == "upstream_timeout"
    assert not rig.client.sent


async def test_a_provider_that_told_its_limit_is_left_alone():
    limits = ProviderLimits(SystemClock())
    rig = Rig(limits=limits)
    limits.learn(ONE.name, 429, {"retry-after": "30"})
    assert (await rig.run(ONE, TWO)).deployment is TWO
    with pytest.raises(LimitExceededError):
        await rig.run(ONE)
