"""What the connections of one port share."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kaigate.app.http_head import DateLine
from kaigate.app.incoming import Incoming
from kaigate.app.refusals import Refusal

if TYPE_CHECKING:
    from kaigate.app.connection import HttpConnection

Serve = Callable[[Incoming], Coroutine[Any, Any, None]]
OnRefused = Callable[[Refusal, str], None]
"""Told of what never became a request, and of its client's address."""


@dataclass(slots=True)
class ServerState:
    """Bounds, what is open, and what is running; times are in seconds."""

    serve: Serve
    refused: OnRefused
    max_head_bytes: int
    max_connections: int
    keep_alive_s: float
    write_timeout_s: float
    connections: set["HttpConnection"] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    date: DateLine = field(default_factory=DateLine)
    closing: bool = False
