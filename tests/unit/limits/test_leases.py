"""Leases of one scope."""

import random

from kaigate.limits.leases import SLACK, Leases
from kaigate.limits.verdicts import NEVER, PARALLEL_RETRY_MS


def test_leases_count_until_they_lapse_or_are_released():
    leases = Leases()
    leases.take("a", 100)
    leases.take("b", 200)
    assert leases.refusal_ms(2, 1, 99) == PARALLEL_RETRY_MS
    assert leases.refusal_ms(2, 1, 100) == 0
    leases.hold("a", 300)
    leases.release("b")
    leases.advance(299)
    assert leases.used == 1
    leases.advance(300)
    assert (leases.used, leases.whole_in_ms(300)) == (0, 0)


def test_where_nothing_may_run_nothing_ever_fits():
    assert Leases().refusal_ms(0, 1, 0) == NEVER


def test_a_scope_is_idle_when_all_are_released_not_when_they_lapsed():
    leases = Leases()
    leases.take("a", 100)
    leases.advance(500)
    assert not leases.idle(500)
    leases.release("a")
    assert leases.idle(500)


def test_renewals_do_not_pile_up():
    leases = Leases()
    leases.take("a", 1)
    for end in range(10_000):
        leases.hold("a", end)
    assert len(leases._heap) <= 2 + SLACK + 1


def test_random_leases_agree_with_a_plain_dict():
    rng, leases, ends = random.Random(7), Leases(), {}
    for now_ms in range(3000):
        name = f"r{rng.randrange(40)}"
        if name in ends and rng.random() < 0.4:
            leases.release(name)
            del ends[name]
        else:
            end = now_ms + rng.randint(0, 100)
            (leases.hold if name in ends else leases.take)(name, end)
            ends[name] = end
        leases.advance(now_ms)
        assert leases.used == sum(end > now_ms for end in ends.values())
