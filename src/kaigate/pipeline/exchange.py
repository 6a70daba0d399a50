"""The exchange: everything that is known of one request and its answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.chat.events import Frame
from kaigate.chat.request import ChatRequest
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError
from kaigate.pipeline.plan import Deployment, ModelEntry, RoutePlan
from kaigate.pipeline.principal import Principal
from kaigate.surfaces.surface import Surface


class ClientGoneError(Exception):
    """The client left, or takes nothing any more: nobody is left to answer."""


class Client(Protocol):
    """The caller's side of the connection."""

    address: str

    async def read_body(self, *, limit: int, timeout_s: float) -> bytes:
        """The whole request body; raises `RequestInvalidError` beyond `limit` bytes or `timeout_s` seconds.

        Raises `ClientGoneError` when the client leaves before its body is complete.
        """
        ...

    def watch(self, on_gone: Callable[[], object]) -> None:
        """When the client goes away before its answer is complete: call `on_gone`, then cancel the serving task."""
        ...


class AnswerSource(Protocol):
    """Where the answer's frames come from: an upstream, later also a cache."""

    def next(self) -> list[Frame] | Awaitable[list[Frame] | None] | None:
        """The next frames, or None after the last; an awaitable of that only where it must wait."""
        ...

    async def pump(self, take: Callable[[list[Frame]], bool]) -> None:
        """Give frames to `take` as they arrive, without a task switch for each, for as long as it returns True.

        Returns when it returned False, or when only `next` can go on: at the end, and with what `take` raised.
        """
        ...

    def close(self) -> None:
        """Release the source; idempotent."""
        ...


class Exchange:
    """One request on its way through the stages. Stages write the fields they are named for, others read them."""

    # Class attributes are the values at the beginning: a request sets only what it comes to.
    argument = ""
    principal: Principal | None = None
    request: ChatRequest | None = None
    entry: ModelEntry | None = None
    model = ""
    private = False
    embedding: EmbeddingRequest | None = None  # beside a request without messages, for who asks for model and user
    input_tokens = 0
    longest_input: int | None = None  # tokens of the longest of several inputs that have a window each
    output_ceiling: int | None = None
    plan: RoutePlan | None = None
    deployment: Deployment | None = None
    dropped_params: tuple[str, ...] = ()
    answer: AnswerSource | None = None
    static_body: bytes | None = None
    limit_lines = b""  # what is left of the limits, as lines of a response head
    user = ""  # the end user whom a trusted client names, a label only
    reservation: object = None  # the limit stage's own, None where nothing is reserved
    estimate: Callable[[], Usage] | None = None  # usage so far, for an answer that ends before its report
    charge: "Callable[[Deployment | None, Usage], int] | None" = None  # nano-dollars of a usage, by who answered
    usage: Usage | None = None
    first_token_at: float | None = None
    last_token_at = 0.0
    chunks = 0
    upstream_seconds = 0.0
    status = 0
    error: GatewayError | None = None
    client_gone = False

    def __init__(
        self,
        *,
        request_id: str,
        surface: Surface,
        client: Client,
        headers: Sequence[tuple[bytes, bytes]],
        started_at: float,
    ) -> None:
        self.request_id = request_id
        self.surface = surface
        self.client = client
        self.headers: Mapping[bytes, bytes] = dict(headers)
        self.started_at = started_at
        self.response_headers: list[tuple[bytes, bytes]] = []
        self.redactions: dict[str, int] = {}

    def left(self) -> None:
        """The client is gone."""
        self.client_gone = True

    def wrote(self, at: float) -> None:
        """A part of a stream went out at `at` (seconds, monotonic)."""
        if not self.chunks:
            self.first_token_at = at
        self.last_token_at = at
        self.chunks += 1
