"""What a response repeats of its request and no provider is told, carried as a hint of the request."""

from typing import Final

import msgspec

from kaigate.chat.request import ChatRequest

HINT: Final = "openai_responses"


class Echo(msgspec.Struct, frozen=True, omit_defaults=True):
    """`instructions` says that the first message is them; `encrypted` that encrypted reasoning was asked for.

    `summary` is how long a summary of the reasoning was wanted.
    """

    metadata: dict[str, str] = {}
    instructions: bool = False
    encrypted: bool = False
    summary: str | None = None
    max_tool_calls: int | None = None


_DECODER: Final = msgspec.json.Decoder(Echo)
_NOTHING: Final = Echo()


def hints(echo: Echo) -> dict[str, str]:
    """The hints of a request; empty where there is nothing to repeat."""
    return {} if echo == _NOTHING else {HINT: msgspec.json.encode(echo).decode()}


def echo_of(request: ChatRequest) -> Echo:
    """What `hints` put into the request."""
    hint = request.hints.get(HINT)
    return _NOTHING if hint is None else _DECODER.decode(hint)
