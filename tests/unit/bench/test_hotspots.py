import cProfile
import pstats

from bench.hotspots import spots


def hot() -> int:
    return sum(range(2000))


def cold() -> int:
    return sum(range(200_000))


def test_only_what_runs_for_most_answers_is_shown_per_answer() -> None:
    profile = cProfile.Profile()
    profile.runcall(cold)
    for _ in range(20):
        profile.runcall(hot)

    found = {spot.name.split()[-1]: spot for spot in spots(pstats.Stats(profile), answers=10)}

    assert "cold" not in found
    assert found["hot"].calls == 2.0
    assert found["hot"].total_us >= found["hot"].own_us > 0
