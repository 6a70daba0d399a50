"""The protocol of a stage and of the event filter it may put into the answer's way."""

from collections.abc import Awaitable
from typing import Protocol

from kaigate.chat.events import ChatEvent
from kaigate.pipeline.exchange import Exchange


class EventFilter(Protocol):
    """One exchange's view of a stage on the answer: may hold events back, never lose or reorder text of a field.

    `feed` returns the very same list when it changed nothing: that identity is what lets the driver relay the
    upstream's own bytes. It returns an awaitable only when it must wait.
    """

    def feed(self, events: list[ChatEvent]) -> list[ChatEvent] | Awaitable[list[ChatEvent]]:
        """Events that may go on outwards."""
        ...

    def flush(self) -> list[ChatEvent]:
        """What is still held when the answer ended without its terminal event."""
        ...


class Stage(Protocol):
    """One step of the pipeline. Defaults do nothing, and the driver doesn't call what a stage doesn't define."""

    def enter(self, exchange: Exchange) -> Awaitable[None] | None:
        """Decide on the way in: raise a `GatewayError` to refuse, or set `exchange.answer` to answer early."""
        return None

    def filter(self, exchange: Exchange) -> EventFilter | None:
        """The filter for this exchange's answer, or None when this stage has nothing to see there."""
        return None

    def leave(self, exchange: Exchange) -> Awaitable[None] | None:
        """Settle: runs once for every entered stage, in reverse order, shielded from cancellation."""
        return None
