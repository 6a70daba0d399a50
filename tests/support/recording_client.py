"""An upstream client that records where it would have sent, and answers as a script says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kaigate.transport.errors import TransportError
from kaigate.transport.target import Deadlines, Target


@dataclass
class ScriptedResponse:
    """A response with a given body; an exception instead of a chunk is raised."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: Sequence[bytes | TransportError] = ()
    closed: int = 0

    def __post_init__(self) -> None:
        self._left = list(self.chunks)

    def arrived(self, limit: int) -> bytes | None:
        return None

    async def chunk(self) -> bytes:
        item = self._left.pop(0) if self._left else b""
        if isinstance(item, TransportError):
            raise item
        return item

    async def read(self, limit: int) -> bytes:
        body = b""
        while data := await self.chunk():
            body += data
        return body

    def close(self) -> None:
        self.closed += 1


@dataclass
class Sent:
    """One call that reached the socket."""

    target: Target
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    deadlines: Deadlines
    required_zone: str | None


class RecordingClient:
    """Stands where the transport does: what is in `sent` has left the gateway."""

    def __init__(self, answer: Callable[[Target], ScriptedResponse | TransportError]) -> None:
        self._answer = answer
        self.sent: list[Sent] = []
        self.responses: list[ScriptedResponse] = []

    async def send(  # noqa: PLR0917 - as the client's own
        self,
        target: Target,
        method: str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        deadlines: Deadlines,
        *,
        required_zone: Any = None,
        repeat: bool = True,
    ) -> ScriptedResponse:
        self.sent.append(Sent(target, path, headers, body, deadlines, required_zone))
        answer = self._answer(target)
        if isinstance(answer, TransportError):
            raise answer
        self.responses.append(answer)
        return answer

    @property
    def zones(self) -> list[str]:
        return [each.target.zone for each in self.sent]
