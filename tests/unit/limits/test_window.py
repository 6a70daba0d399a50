"""The sliding window against a log of timestamps."""

import random

from kaigate.limits.verdicts import NEVER
from kaigate.limits.window import Window

SCHEDULES = 10_000


def oracle_wait(log: list[list[int]], span_ms: int, limit: int, weight: int, now_ms: int) -> int:
    moments = sorted({now_ms, *(at_ms + span_ms for at_ms, _ in log if at_ms + span_ms > now_ms)})
    for moment in moments:
        if sum(each for at_ms, each in log if moment - span_ms < at_ms) + weight <= limit:
            return moment - now_ms
    raise AssertionError("never fits")


def test_ten_thousand_random_schedules_agree_with_a_log_of_timestamps():
    for seed in range(SCHEDULES):
        rng = random.Random(seed)
        span_ms, limit = rng.choice((10, 100, 60_000)), rng.randint(1, 30)
        heaviest = rng.choice((1, limit))
        window, log, now_ms = Window(span_ms), [], 0
        entries = []
        for _ in range(rng.randint(5, 25)):
            now_ms += rng.choice((0, 0, 1, rng.randint(0, span_ms // 3), rng.randint(0, span_ms), span_ms))
            weight = rng.randint(1, heaviest)
            wait_ms = window.refusal_ms(limit, weight, now_ms)
            assert wait_ms == oracle_wait(log, span_ms, limit, weight, now_ms), seed
            assert window.used == sum(each for at_ms, each in log if at_ms > now_ms - span_ms)
            if wait_ms == 0:
                entries.append(window.add(weight, now_ms))
                log.append([now_ms, weight])
            if entries and heaviest > 1 and rng.random() < 0.3:
                which = rng.randrange(len(entries))
                difference = rng.randint(-log[which][1], 0)
                window.correct(entries[which], difference, now_ms)
                log[which][1] += difference
        for at_ms, _ in log:
            assert sum(weight for other, weight in log if at_ms <= other < at_ms + span_ms) <= limit


def test_of_a_loop_of_seventy_the_first_sixty_pass_at_any_pace_up_to_800_ms():
    for pace_ms in (0, 1, 10, 100, 500, 799, 800):
        window, passed = Window(60_000), []
        for number in range(70):
            now_ms = number * pace_ms
            fits = window.refusal_ms(60, 1, now_ms) == 0
            if fits:
                window.add(1, now_ms)
            passed.append(fits)
        assert passed == [True] * 60 + [False] * 10


def test_a_weight_leaves_exactly_a_span_after_it_came():
    window = Window(1000)
    window.add(1, 5)
    assert [window.refusal_ms(1, 1, now) for now in (5, 6, 1004, 1005)] == [1000, 999, 1, 0]


def test_weights_of_one_millisecond_share_an_entry():
    window = Window(1000)
    for number in range(100_000):
        window.add(3, number // 1000)
    assert len(window.entries) == 100
    assert window.used == 300_000


def test_a_correction_of_what_has_left_changes_nothing():
    window = Window(1000)
    entry = window.add(7, 0)
    window.add(2, 500)
    window.correct(entry, 100, 1000)
    assert window.used == 2


def test_more_than_the_limit_never_fits():
    window = Window(1000)
    window.add(5, 0)
    assert window.refusal_ms(5, 6, 0) == window.refusal_ms(5, 6, 1000) == NEVER
    assert window.used == 0
