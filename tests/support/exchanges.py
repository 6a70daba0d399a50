"""Exchanges, clients and replies for tests that need no socket."""

from collections.abc import Callable, Sequence

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import Frame
from kaigate.chat.request import ChatRequest
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import Deployment
from kaigate.providers import registry
from kaigate.surfaces.openai_chat import OpenAIChat
from kaigate.transport.http import Deadlines, Origin, Target


class BodyClient:
    """A client that sends a given body and can be made to leave."""

    def __init__(self, body: bytes = b"", address: str = "192.0.2.1") -> None:
        self.address = address
        self.body = body
        self.gone: Callable[[], object] | None = None

    async def read_body(self, *, limit: int, timeout_s: float) -> bytes:
        return self.body

    def watch(self, on_gone: Callable[[], object]) -> None:
        self.gone = on_gone


class RecordedReply:
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        self.started = False
        self.body = b""
        self.parts: list[bytes] = []
        self.ended = False
        self.aborted = False
        self.content_type = b""
        self.drains = 0

    def send_whole(self, exchange: Exchange, body: bytes, content_type: bytes) -> None:
        self.started = self.ended = True
        self.body, self.content_type = body, content_type

    def push(self, exchange: Exchange, data: bytes, content_type: bytes) -> bool:
        self.started = True
        self.content_type = content_type
        self.parts.append(data)
        self.body += data
        return len(self.parts) % 2 == 0

    async def drain(self) -> None:
        self.drains += 1

    async def end(self, data: bytes) -> None:
        self.parts.append(data)
        self.body += data
        self.ended = True

    def abort(self) -> None:
        self.aborted = True


class ScriptedAnswer:
    """Frames given beforehand; an exception among them is raised in its turn."""

    def __init__(self, batches: Sequence[list[Frame] | Exception]) -> None:
        self._batches = list(batches)
        self.closed = 0

    async def next(self) -> list[Frame] | None:
        if not self._batches:
            return None
        batch = self._batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch

    async def pump(self, take: Callable[[list[Frame]], bool]) -> None:
        while self._batches and isinstance(self._batches[0], list):
            if not take(self._batches.pop(0)):
                return

    def close(self) -> None:
        self.closed += 1


def chat_request(text: str = "hello", *, stream: bool = False, model: str = "m") -> ChatRequest:
    return ChatRequest(model=model, messages=(Message("user", (TextBlock(text),)),), stream=stream)


def deployment(name: str = "local", kind: str = "llamacpp", model: str = "up", zone: str = "private") -> Deployment:
    origin, base_path = Origin.parse("http://127.0.0.1:1/v1")
    provider = registry.build(
        name, kind, api_key=None, api_version=None, organization=None, headers={}, drop_params=False
    )
    target = Target(origin=origin, zone=zone, tls=None, max_connections=4)
    return Deployment(provider, target, base_path, model, zone, Deadlines())


def exchange(request: ChatRequest | None = None, *, client: BodyClient | None = None, headers=()) -> Exchange:
    made = Exchange(
        request_id="r-1", surface=OpenAIChat(), client=client or BodyClient(), headers=headers, started_at=0.0
    )
    made.request = request
    return made
