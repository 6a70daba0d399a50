"""Walks an exchange through the stages, and settles it whatever happens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from kaigate.errors import GatewayError, UnavailableError
from kaigate.pipeline.delivery import Reply, Walk, stream, whole
from kaigate.pipeline.exchange import ClientGoneError, Exchange
from kaigate.pipeline.shield import finish
from kaigate.pipeline.stage import Stage

log = logging.getLogger("kaigate.pipeline")

Enter = Callable[[Exchange], Awaitable[None] | None]
Leave = Callable[[Exchange], Awaitable[None] | None]


class Pipeline:
    """An ordered list of stages, bound once per configuration snapshot."""

    def __init__(self, stages: Sequence[Stage], *, filter_timeout_s: float = 30.0) -> None:
        self.stages = tuple(stages)
        self._enters: tuple[Enter | None, ...] = tuple(
            stage.enter if type(stage).enter is not Stage.enter else None for stage in stages
        )
        self._leaves: tuple[tuple[int, Leave], ...] = tuple(
            (position, stage.leave)
            for position, stage in reversed(tuple(enumerate(stages)))
            if type(stage).leave is not Stage.leave
        )
        self._filtering = tuple(stage for stage in reversed(self.stages) if type(stage).filter is not Stage.filter)
        self._filter_timeout_s = filter_timeout_s

    async def run(self, exchange: Exchange, reply: Reply) -> None:
        """Serve one exchange: always answers, or cuts the connection, and always settles every entered stage."""
        entered = 0
        try:
            for enter in self._enters:
                entered += 1
                if enter is None:
                    continue
                pending = enter(exchange)
                if pending is not None:
                    await pending
                if exchange.answer is not None or exchange.static_body is not None:
                    break
            await self._deliver(exchange, reply)
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
            if exchange.answer is not None:
                exchange.answer.close()
                # It knows its exchange: kept, the two would wait for the garbage collector.
                exchange.answer = None
            await self._settle(exchange, entered)

    async def _deliver(self, exchange: Exchange, reply: Reply) -> None:
        if exchange.static_body is not None:
            exchange.status = exchange.status or 200
            reply.send_whole(exchange, exchange.static_body, b"application/json")
            return
        answer, request, deployment = exchange.answer, exchange.request, exchange.deployment
        if answer is None or request is None or deployment is None:
            raise UnavailableError("internal_error", "No stage answered this request.")
        encoder = exchange.surface.encoder(request, provider=deployment.provider.name)
        filters = [f for stage in self._filtering if (f := stage.filter(exchange)) is not None]
        walk = Walk(filters, encoder, self._filter_timeout_s)
        exchange.status = 200
        walk.relayable = exchange.surface.format == deployment.provider.format
        if request.stream:
            await stream(exchange, answer, walk, reply)
        else:
            reply.send_whole(exchange, await whole(answer, walk), encoder.content_type)

    def _refuse(self, exchange: Exchange, reply: Reply, error: GatewayError) -> None:
        exchange.error = error
        if reply.started:
            # A stream has told the client why and ended; anything else can only be cut.
            reply.abort()
            return
        exchange.status = error.status
        reply.send_whole(exchange, exchange.surface.error(error, exchange.request_id), b"application/json")

    async def _settle(self, exchange: Exchange, entered: int) -> None:
        for position, leave in self._leaves:
            if position >= entered:
                continue
            try:
                pending = leave(exchange)
                if pending is not None:
                    await finish(pending)
            except Exception:
                # One stage's settling must not keep the others from theirs.
                log.exception("stage failed to settle", extra={"request_id": exchange.request_id})


def _failed() -> UnavailableError:
    return UnavailableError("internal_error", "The gateway failed on this request. Quote its request id.")
