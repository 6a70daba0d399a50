"""A signal becomes one exception, but never between a start and the registration of its clean-up."""

import os
import signal
from collections.abc import Iterator

import pytest

from demo.interrupts import SIGNALS, InterruptedBySignalError, Interrupts


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    installed = Interrupts()
    installed.install()
    yield installed
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_with_the_shells_exit_code(interrupts: Interrupts, number: signal.Signals) -> None:
    with pytest.raises(InterruptedBySignalError, match=number.name) as caught:
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == 128 + number


def test_a_held_signal_is_raised_after_the_block(interrupts: Interrupts) -> None:
    finished: list[str] = []

    def start_and_register() -> None:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGTERM)
            finished.append("start and registration")

    with pytest.raises(InterruptedBySignalError):
        start_and_register()
    assert finished


def test_a_failure_inside_a_held_block_ends_the_holding(interrupts: Interrupts) -> None:
    with pytest.raises(FileNotFoundError), interrupts.held():
        raise FileNotFoundError
    with pytest.raises(InterruptedBySignalError):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_disarmed_signal_does_nothing(interrupts: Interrupts) -> None:
    interrupts.disarm()
    for number in SIGNALS:
        os.kill(os.getpid(), number)
