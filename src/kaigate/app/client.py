"""The caller's side of an ASGI connection: its body, and the moment it leaves."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any

from kaigate.app.stepping import Callback, bounded
from kaigate.errors import RequestInvalidError
from kaigate.pipeline.exchange import ClientGoneError

Message = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]
Scope = Mapping[str, Any]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class AsgiClient:
    """One request's client. `address` is the client's own address, behind trusted proxies too."""

    __slots__ = ("_on_gone", "_receive", "_watch", "address")

    def __init__(self, receive: Receive, address: str) -> None:
        self._receive = receive
        self.address = address
        self._on_gone: Callable[[], object] | None = None
        self._watch: Callback | None = None

    async def read_body(self, *, limit: int, timeout_s: float) -> bytes:
        """The whole body; refuses more than `limit` bytes, and a pause of more than `timeout_s` seconds."""
        message = await self._next(timeout_s)
        if not message.get("more_body"):
            body: bytes = message.get("body", b"")
            if len(body) > limit:
                raise _too_large(limit)
            return body
        parts = [message.get("body", b"")]
        size = len(parts[0])
        while message.get("more_body"):
            message = await self._next(timeout_s)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
        return b"".join(parts)

    async def _next(self, timeout_s: float) -> Message:
        try:
            message = await bounded(self._receive(), timeout_s)
        except TimeoutError:
            raise RequestInvalidError(
                "request_timeout", f"The request body did not arrive: nothing came for {timeout_s:g} seconds."
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        return message

    def watch(self, on_gone: Callable[[], object]) -> None:
        """Call `on_gone` once when the client disconnects; only after the body was read."""
        self._on_gone = on_gone
        self._arm()

    def close(self) -> None:
        """Stop watching: the answer is complete."""
        self._on_gone = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _arm(self) -> None:
        self._watch = Callback(self._receive(), self._received)

    def _received(self, message: Message) -> None:
        if self._on_gone is None:
            return
        if message["type"] == "http.disconnect":
            self._on_gone()
        else:
            self._arm()


def _too_large(limit: int) -> RequestInvalidError:
    return RequestInvalidError(
        "request_too_large", f"The request body is larger than {limit} bytes. Send less, or smaller images."
    )
