"""The health book learns from every attempt, forgets slowly, and stays small."""

import pytest

from kaigate.config.routing_settings import BreakerSettings
from kaigate.routing.health import HALF_LIFE_S, MAX_DEPLOYMENTS, HealthBook
from support.clocks import ManualClock
from support.exchanges import deployment

SETTINGS = BreakerSettings(failures=2, open_s=10.0)
ONE, TWO = deployment("one"), deployment("two")


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def book(clock, told):
    return HealthBook(clock, SETTINGS, changed=lambda *change: told.append(change))


def fail(book, which, times=2):
    for _ in range(times):
        book.failed(which)


def test_a_deployment_that_fails_is_in_trouble_alone(book, told):
    fail(book, ONE)
    assert list(book.troubled) == [ONE.name]
    assert book.wait_s(ONE) > 0
    assert (book.admit(ONE), book.admit(TWO), book.wait_s(TWO)) == (False, True, 0.0)
    assert told == [("one", "", "open")]


def test_it_is_probed_and_comes_back(book, clock, told):
    fail(book, ONE)
    clock.advance(12)
    assert book.admit(ONE)
    assert not book.admit(ONE)
    book.succeeded(ONE, 0.1, stream=False)
    assert not book.troubled
    assert [state for _, _, state in told] == ["open", "half_open", "closed"]


def test_a_probe_without_an_outcome_lets_the_next_one_try(book, clock):
    fail(book, ONE)
    clock.advance(12)
    book.admit(ONE)
    book.released(ONE)
    assert book.admit(ONE)


def test_averages_follow_what_is_measured(book):
    for _ in range(40):
        book.succeeded(ONE, 2.0, stream=True)
        book.succeeded(TWO, 0.5, stream=True)
    assert book.score(ONE, stream=True) == pytest.approx(2.0)
    assert book.score(TWO, stream=True) == pytest.approx(0.5)
    for _ in range(40):
        book.succeeded(ONE, 0.1, stream=True)
    assert book.score(ONE, stream=True) == pytest.approx(0.1, abs=0.01)


def test_streams_and_complete_answers_are_measured_apart(book):
    book.succeeded(ONE, 0.1, stream=True)
    assert book.score(ONE, stream=False) == pytest.approx(0.1)
    book.succeeded(ONE, 5.0, stream=False)
    assert (book.score(ONE, stream=True), book.score(ONE, stream=False)) == pytest.approx((0.1, 5.0))


def test_errors_weigh_and_are_forgotten(book, clock):
    book.succeeded(ONE, 1.0, stream=True)
    well = book.score(ONE, stream=True)
    book.failed(ONE)
    ill = book.score(ONE, stream=True)
    assert ill > 2 * well
    clock.advance(HALF_LIFE_S)
    assert book.score(ONE, stream=True) == pytest.approx(ill / 2)


def test_nobody_has_tried_it_is_better_than_anything_known(book):
    book.failed(TWO)
    assert book.score(ONE, stream=True) == 0.0 < book.score(TWO, stream=True)


def test_a_failed_check_takes_a_provider_out_until_one_succeeds(book, clock):
    fail(book, ONE)
    book.checked("one", well=False)
    assert book.down == {"one"}
    book.checked("one", well=True)
    assert not book.down
    assert book.admit(ONE), "it may be probed at once"
    book.checked("two", well=False)
    book.unchecked()
    assert not book.down


def test_new_settings_begin_anew_and_equal_ones_change_nothing(book, told):
    fail(book, ONE)
    book.configure(BreakerSettings(failures=2, open_s=10.0))
    assert book.troubled
    book.configure(BreakerSettings(failures=3))
    assert not book.troubled
    assert told[-1] == ("one", "", "closed")
    fail(book, ONE, 2)
    assert book.admit(ONE)


def test_it_knows_no_more_than_its_bound(book):
    fail(book, ONE)
    for number in range(MAX_DEPLOYMENTS + 10):
        book.failed(deployment(model=f"m{number}"))
    assert len(book) == MAX_DEPLOYMENTS
    assert ONE.name not in book.troubled


def test_standings_tell_everything_in_plain_numbers(book):
    book.succeeded(ONE, 0.5, stream=True)
    fail(book, TWO)
    one, two = book.standings()
    assert (one.provider, one.model, one.state, one.first_token_s, one.error_rate) == ("one", "up", "closed", 0.5, 0)
    assert (two.state, two.first_token_s) == ("open", None)
