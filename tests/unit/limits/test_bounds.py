"""From configuration and caller to bounds."""

from kaigate.config.models import KeyLimits, LimitSettings, LimitsSettings
from kaigate.limits.bounds import MOST_REMEMBERED, BoundsBook, Terms, bounds_for
from kaigate.limits.model import Bound
from kaigate.pipeline.principal import UNLIMITED, Limits, Principal

NOW_MS = 1_772_400_000_000
CALLER = Principal("k1", "someone")


def bounds(
    settings: LimitsSettings | None = None, caller: Principal = CALLER, user: str | None = None
) -> tuple[Bound, ...]:
    return bounds_for(settings or LimitsSettings(), caller, user, "gpt-5", "openai", NOW_MS)


def numbers(found: tuple[Bound, ...]) -> list[tuple[str, str, int]]:
    return [(bound.scope, bound.kind, bound.limit) for bound in found]


def test_a_key_that_says_nothing_has_the_published_defaults():
    assert numbers(bounds()) == [
        ("key:k1", "requests", 60),
        ("key:k1", "tokens", 100_000),
        ("key:k1", "parallel", 5),
        ("key:k1", "budget", 10_000_000_000),
    ]
    assert {bound.window_ms for bound in bounds()} == {60_000}
    assert bounds()[3].window.startswith("30d-")
    assert bounds()[3].ends_at_ms > NOW_MS


def test_a_key_overrides_what_it_names_and_inherits_the_rest():
    caller = Principal("k1", "someone", limits=Limits(rpm=7, tpm=UNLIMITED, parallel=0, budget_window="month"))
    assert numbers(bounds(caller=caller)) == [
        ("key:k1", "requests", 7),
        ("key:k1", "parallel", 0),
        ("key:k1", "budget", 10_000_000_000),
    ]
    assert bounds(caller=caller)[2].window.startswith("month-")


def test_without_any_limit_there_is_no_bound():
    nothing = KeyLimits(rpm=None, tpm=None, parallel=None, budget_usd=None)
    assert bounds(LimitsSettings(defaults=nothing)) == ()


def test_every_scope_has_its_own_bounds_the_callers_first():
    settings = LimitsSettings(
        defaults=KeyLimits(tpm=None, parallel=None, budget_usd=None),
        teams={"ml": LimitSettings(rpm=100, budget_usd=0.5, budget_window="day"), "hr": LimitSettings(rpm=1)},
        users=LimitSettings(rpm=5),
        models={"gpt-5": LimitSettings(tpm=9000), "gpt-*": LimitSettings(rpm=1)},
        providers={"openai": LimitSettings(parallel=50), "ollama": LimitSettings(rpm=1)},
    )
    found = bounds(settings, Principal("k1", "someone", team="ml"), "alice")
    assert numbers(found) == [
        ("key:k1", "requests", 60),
        ("team:ml", "requests", 100),
        ("team:ml", "budget", 500_000_000),
        ("user:k1:alice", "requests", 5),
        ("model:gpt-5", "tokens", 9000),
        ("provider:openai", "parallel", 50),
    ]
    assert found[2].window.startswith("day-")


def test_limits_of_a_team_come_from_its_row_before_the_file():
    settings = LimitsSettings(teams={"ml": LimitSettings(rpm=100, tpm=5, parallel=3)})
    caller = Principal("k1", "someone", team="ml", team_limits=Limits(rpm=200, tpm=UNLIMITED))
    of_team = [bound for bound in bounds(settings, caller) if bound.scope == "team:ml"]
    assert numbers(tuple(of_team)) == [("team:ml", "requests", 200), ("team:ml", "parallel", 3)]


def test_the_master_key_is_bound_by_models_and_providers_only():
    settings = LimitsSettings(
        teams={"ml": LimitSettings(rpm=1)}, users=LimitSettings(rpm=1), models={"gpt-5": LimitSettings(rpm=9)}
    )
    master = Principal("master", "master", team="ml", master=True, role="master")
    assert numbers(bounds(settings, master, "alice")) == [("model:gpt-5", "requests", 9)]


def test_a_user_is_counted_within_its_key_and_a_long_name_by_its_digest():
    settings = LimitsSettings(users=LimitSettings(rpm=5))
    names = [bounds(settings, caller, "a" * 65)[-1].scope for caller in (CALLER, Principal("k2", "other"))]
    assert names[0] != names[1]
    assert len(names[0]) < 50
    assert bounds(settings, CALLER, "a" * 66)[-1].scope != names[0]


def test_a_book_gives_the_same_bounds_until_a_window_ends_or_the_caller_changes():
    book = BoundsBook(LimitsSettings())
    first = book.of(CALLER, "", "m", "p", NOW_MS)
    assert first.bounds == bounds_for(LimitsSettings(), CALLER, "", "m", "p", NOW_MS)
    assert book.of(Principal("k1", "someone"), "", "m", "p", NOW_MS + 1) is first
    (budget,) = [bound for bound in first.bounds if bound.kind == "budget"]
    assert book.of(CALLER, "", "m", "p", budget.ends_at_ms - 1) is first
    later = book.of(CALLER, "", "m", "p", budget.ends_at_ms)
    assert later.bounds[-1].ends_at_ms > budget.ends_at_ms
    tightened = Principal("k1", "someone", limits=Limits(rpm=1))
    assert book.of(tightened, "", "m", "p", NOW_MS).bounds[0].limit == 1
    of_users = BoundsBook(LimitsSettings(users=LimitSettings(rpm=1)))
    assert of_users.of(CALLER, "u", "m", "p", NOW_MS) != of_users.of(CALLER, "v", "m", "p", NOW_MS)


def test_a_book_is_bounded():
    book = BoundsBook(LimitsSettings())
    for number in range(MOST_REMEMBERED + 10):
        book.of(Principal(f"k{number}", ""), "", "m", "p", NOW_MS)
    assert len(book._known) == MOST_REMEMBERED


def test_terms_say_where_each_kind_stands_and_when_to_warn():
    bounds = (
        Bound("key:a", "requests", 60),
        Bound("key:a", "budget", 1000, window="w"),
        Bound("team:t", "requests", 10),
        Bound("team:t", "tokens", 100),
    )
    terms = Terms.of(bounds, 0.8)
    assert (terms.requests, terms.tokens, terms.budgets) == ((0, 2), (3,), ((1, "key:a"),))
    assert [round(least) for least in terms.soft] == [12, 200, 2, 20]
    assert terms.metered
    assert not Terms.of(bounds[:1], 0.8).metered
