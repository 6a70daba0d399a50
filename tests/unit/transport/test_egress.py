"""Only declared upstreams, only checked addresses, resolved anew when the answer is old."""

import asyncio
from collections.abc import Sequence

import pytest

from kaigate.transport.egress import CACHE_ENTRIES, MAX_ADDRESSES, EgressGuard, is_literal, system_resolver
from kaigate.transport.errors import ConnectFailed, EgressRefused
from kaigate.transport.target import Origin, Target, Zone

HOST = Origin("https", "model.test", 443)


class Answers:
    """A resolver with scripted answers, the last one repeated."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_an_undeclared_host_or_port_is_refused_without_a_lookup() -> None:
    answers = Answers(["1.1.1.1"])
    guard = EgressGuard([("model.test", 443)], resolver=answers)
    for origin in (Origin("https", "other.test", 443), Origin("https", "model.test", 444)):
        with pytest.raises(EgressRefused):
            await guard.addresses(origin)
    assert answers.calls == 0


async def test_declared_names_match_without_case_or_final_dot() -> None:
    guard = EgressGuard([("Model.Test.", 443)], resolver=Answers(["1.1.1.1"]))
    assert await guard.addresses(HOST) == ("1.1.1.1",)


@pytest.mark.parametrize("answer", [["169.254.169.254"], ["1.1.1.1", "fe80::1"], ["::ffff:169.254.169.254"]])
async def test_one_forbidden_answer_spoils_the_name(answer: list[str]) -> None:
    guard = EgressGuard([("model.test", 443)], resolver=Answers(answer))
    with pytest.raises(EgressRefused):
        await guard.addresses(HOST)


async def test_a_literal_is_judged_without_a_lookup() -> None:
    answers = Answers(["1.1.1.1"])
    guard = EgressGuard([("169.254.169.254", 80), ("10.0.0.1", 80)], resolver=answers)
    assert await guard.addresses(Origin("http", "10.0.0.1", 80)) == ("10.0.0.1",)
    with pytest.raises(EgressRefused):
        await guard.addresses(Origin("http", "169.254.169.254", 80))
    assert answers.calls == 0


async def test_the_pod_identity_agent_is_reached_only_with_its_flag() -> None:
    agent = Origin("http", "169.254.170.23", 80)
    declared = [("169.254.170.23", 80)]
    assert await EgressGuard(declared, pod_identity=True).addresses(agent) == ("169.254.170.23",)
    with pytest.raises(EgressRefused):
        await EgressGuard(declared).addresses(agent)


async def test_a_name_that_resolves_to_an_agent_is_refused() -> None:
    guard = EgressGuard([("model.test", 443)], pod_identity=True, resolver=Answers(["169.254.170.23"]))
    with pytest.raises(EgressRefused):
        await guard.addresses(HOST)


async def test_answers_are_kept_for_their_time_then_resolved_and_checked_anew() -> None:
    answers = Answers(["10.0.0.1"], ["10.0.0.2"], ["169.254.169.254"])
    guard = EgressGuard([("model.test", 443)], resolver=answers, ttl_s=0.05)
    assert await guard.addresses(HOST) == ("10.0.0.1",)
    assert await guard.addresses(HOST) == ("10.0.0.1",)
    await asyncio.sleep(0.06)
    assert await guard.addresses(HOST) == ("10.0.0.2",)
    await asyncio.sleep(0.06)
    with pytest.raises(EgressRefused):
        await guard.addresses(HOST)


async def test_a_burst_of_connections_resolves_a_name_once() -> None:
    answers = Answers(["10.0.0.1"])

    async def slowly(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(0.01)
        return await answers(host, port)

    guard = EgressGuard([("model.test", 443)], resolver=slowly)
    found = await asyncio.gather(*(guard.addresses(HOST) for _ in range(50)))
    assert set(found) == {("10.0.0.1",)}
    assert answers.calls == 1


@pytest.mark.parametrize("answer", [OSError("no such host"), UnicodeError("label too long"), []])
async def test_a_name_without_an_address_is_a_connect_failure_and_not_kept(answer: Exception | list[str]) -> None:
    guard = EgressGuard([("model.test", 443)], resolver=Answers(answer, ["10.0.0.1"]))
    with pytest.raises(ConnectFailed):
        await guard.addresses(HOST)
    assert await guard.addresses(HOST) == ("10.0.0.1",)


async def test_a_silent_resolver_is_given_up() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    guard = EgressGuard([("model.test", 443)], resolver=never, resolve_timeout_s=0.02)
    with pytest.raises(ConnectFailed):
        await guard.addresses(HOST)


async def test_the_cache_and_the_number_of_addresses_are_bounded() -> None:
    names = [f"h{number}.test" for number in range(CACHE_ENTRIES + 20)]
    answers = Answers([f"10.0.0.{number}" for number in range(50)])
    guard = EgressGuard([(name, 443) for name in names], resolver=answers)
    for name in names:
        assert len(await guard.addresses(Origin("https", name, 443))) == MAX_ADDRESSES
    assert len(guard._cache) == CACHE_ENTRIES


@pytest.mark.parametrize(
    ("zone", "required", "admitted"),
    [("private", "private", True), ("external", "private", False), ("external", None, True), ("private", None, True)],
)
def test_a_private_exchange_reaches_only_private_targets(zone: Zone, required: None, admitted: bool) -> None:
    guard = EgressGuard([("model.test", 443)])
    target = Target(HOST, zone)
    if admitted:
        guard.admit(target, required)
    else:
        with pytest.raises(EgressRefused):
            guard.admit(target, required)


async def test_the_system_resolves_localhost() -> None:
    assert set(await system_resolver("localhost", 80)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(("host", "literal"), [("1.2.3.4", True), ("::1", True), ("a.test", False), ("1.2.3", False)])
def test_literals_are_told_from_names(host: str, literal: bool) -> None:
    assert is_literal(host) is literal
