"""Walks an exchange through the stages, and settles it whatever happens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from kaigate.errors import GatewayError, UnavailableError
from kaigate.pipeline.delivery import Reply, Walk, stream, whole
from kaigate.pipeline.exchange import ClientGoneError, Exchange
from kaigate.pipeline.shield import finish
from kaigate.pipeline.stage import EventFilter, Stage
from kaigate.surfaces.own_words import in_own_words

log = logging.getLogger("kaigate.pipeline")

_UNSETTLED: Final = "stage failed to settle"

Enter = Callable[[Exchange], Awaitable[None] | None]
Leave = Callable[[Exchange], Awaitable[None] | None]
Filter = Callable[[Exchange], EventFilter | None]


class Pipeline:
    """An ordered list of stages, bound once per configuration snapshot."""

    def __init__(self, stages: Sequence[Stage], *, filter_timeout_s: float = 30.0) -> None:
        self.stages = tuple(stages)
        # Each with the number of stages that are entered once it is called.
        self._enters: tuple[tuple[int, Enter], ...] = tuple(
            (position, stage.enter) for position, stage in enumerate(stages, 1) if type(stage).enter is not Stage.enter
        )
        # By the number of entered stages: what they do when they leave, from the inside.
        self._leaves: tuple[tuple[Leave, ...], ...] = tuple(
            tuple(stage.leave for stage in reversed(self.stages[:entered]) if type(stage).leave is not Stage.leave)
            for entered in range(len(self.stages) + 1)
        )
        self._filters: tuple[Filter, ...] = tuple(
            stage.filter for stage in reversed(self.stages) if type(stage).filter is not Stage.filter
        )
        self._filter_timeout_s = filter_timeout_s

    async def run(self, exchange: Exchange, reply: Reply) -> None:
        """Serve one exchange: always answers, or cuts the connection, and always settles every entered stage."""
        entered = 0
        try:
            for entered, enter in self._enters:  # noqa: B007 -- what is entered when one raises
                pending = enter(exchange)
                if pending is not None:
                    await pending
                if exchange.answer is not None or exchange.static_body is not None:
                    break
            else:
                entered = len(self.stages)
            pending = self._deliver(exchange, reply)
            if pending is not None:
                await pending
        except GatewayError as error:
            self._refuse(exchange, reply, error)
        except ClientGoneError:
            exchange.client_gone = True
            reply.abort()
        except asyncio.CancelledError:
            reply.abort()
            task = asyncio.current_task()
            if not exchange.client_gone or task is None:
                raise
            task.uncancel()
        except Exception:
            log.exception("stage failed", extra={"request_id": exchange.request_id})
            self._refuse(exchange, reply, _failed())
        finally:
            pending = self._settle(exchange, iter(self._leaves[entered]))
            if pending is not None:
                await pending

    def _deliver(self, exchange: Exchange, reply: Reply) -> Awaitable[None] | None:
        if exchange.static_body is not None:
            exchange.status = exchange.status or 200
            reply.send_whole(exchange, exchange.static_body, b"application/json")
            return None
        answer, request, deployment = exchange.answer, exchange.request, exchange.deployment
        if answer is None or request is None or deployment is None:
            raise UnavailableError("internal_error", "No stage answered this request.")
        encoder = exchange.surface.encoder(request, provider=deployment.provider.name)
        filters: list[EventFilter] = []
        for make in self._filters:
            event_filter = make(exchange)
            if event_filter is not None:
                filters.append(event_filter)
        walk = Walk(filters, encoder, self._filter_timeout_s)
        exchange.status = 200
        walk.relayable = exchange.surface.format == deployment.provider.format
        return (stream if request.stream else whole)(exchange, answer, walk, reply)

    def _refuse(self, exchange: Exchange, reply: Reply, error: GatewayError) -> None:
        exchange.error = error
        if reply.started:
            # A stream has told the client why and ended; anything else can only be cut.
            reply.abort()
            return
        exchange.status = error.status
        surface = exchange.surface
        # What its own decoder refuses is called by the client's names already.
        told = error if exchange.request is None else in_own_words(error, surface.name)
        reply.send_whole(exchange, surface.error(told, exchange.request_id), b"application/json")

    def _settle(self, exchange: Exchange, leaves: Iterator[Leave]) -> Awaitable[None] | None:
        """Release the answer and let the stages leave; an awaitable of what remains only where one has to wait."""
        answer = exchange.answer
        if answer is not None:
            answer.close()
            # It knows its exchange: kept, the two would wait for the garbage collector.
            exchange.answer = None
        for leave in leaves:
            try:
                pending = leave(exchange)
            except Exception:
                # One stage's settling must not keep the others from theirs.
                log.exception(_UNSETTLED, extra={"request_id": exchange.request_id})
            else:
                if pending is not None:
                    return self._settle_on(exchange, pending, leaves)
        return None

    async def _settle_on(self, exchange: Exchange, waiting: Awaitable[None], leaves: Iterator[Leave]) -> None:
        try:
            await finish(waiting)
        except Exception:
            log.exception(_UNSETTLED, extra={"request_id": exchange.request_id})
        finally:
            # Also when this was cancelled meanwhile.
            rest = self._settle(exchange, leaves)
            if rest is not None:
                await rest


def _failed() -> UnavailableError:
    return UnavailableError("internal_error", "The gateway failed on this request. Quote its request id.")
