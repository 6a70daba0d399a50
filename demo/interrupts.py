"""Ctrl-C, SIGTERM and a closed terminal as one exception that can't fall between a start and its clean-up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedBySignalError(BaseException):
    """A signal asked us to end; not an Exception, so that no error handler takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Interrupts:
    """Raises InterruptedBySignalError in the main thread on a signal; while held, only remembers it."""

    def __init__(self) -> None:
        self._held = False
        self._pending: int | None = None

    def install(self) -> None:
        """Handle the signals from now on, also where a parent had them ignored."""
        for number in SIGNALS:
            signal.signal(number, self._arrived)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Finish a start together with the registration of its clean-up, then raise what arrived meanwhile."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending is not None:
            raise InterruptedBySignalError(self._pending)

    def disarm(self) -> None:
        """Ignore further signals: the clean-up is bounded in time and must not be cut short."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = number
        else:
            raise InterruptedBySignalError(number)
