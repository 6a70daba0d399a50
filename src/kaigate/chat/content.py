"""Content blocks and messages of a conversation."""

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
CacheMark = Literal["5m", "1h"]
"""Where the client asks the provider to cache the prompt up to here, and for how long."""


class TextBlock(msgspec.Struct, frozen=True, gc=False):
    """Plain text of any role."""

    text: str
    cache: CacheMark | None = None


class ImageBlock(msgspec.Struct, frozen=True, gc=False):
    """An image: either `url` (https) or base64 `data` with its `media_type`."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: str | None = None
    cache: CacheMark | None = None


class AudioBlock(msgspec.Struct, frozen=True, gc=False):
    """Base64 audio in `format` (`wav`, `mp3`)."""

    data: str
    format: str


class DocumentBlock(msgspec.Struct, frozen=True, gc=False):
    """A file: base64 `data` with its `media_type`, plain `text`, an https `url`, or a provider's `file_id`.

    `context` tells the model about it and is not cited; `citations` asks for citations into it.
    """

    data: str | None = None
    media_type: str | None = None
    name: str | None = None
    file_id: str | None = None
    text: str | None = None
    url: str | None = None
    context: str | None = None
    citations: bool = False
    cache: CacheMark | None = None


class ReasoningBlock(msgspec.Struct, frozen=True, gc=False):
    """Reasoning of an earlier assistant turn, replayed by the client; `signature` is opaque.

    `redacted` is reasoning that its provider sent encrypted, verbatim; `text` is empty then.
    """

    text: str
    signature: str | None = None
    redacted: str | None = None


class RefusalBlock(msgspec.Struct, frozen=True, gc=False):
    """A refusal of an earlier assistant turn."""

    text: str


class ToolCallBlock(msgspec.Struct, frozen=True, gc=False):
    """A tool call of an assistant turn; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str
    cache: CacheMark | None = None


Block = TextBlock | ImageBlock | AudioBlock | DocumentBlock | ReasoningBlock | RefusalBlock | ToolCallBlock


class Message(msgspec.Struct, frozen=True):
    """One turn. `developer` marks a system turn sent as developer.

    A turn of role `tool` is one result: `tool_call_id` says of which call, `is_error` that the tool failed, `cache`
    marks the result as a whole.
    """

    role: Role
    blocks: tuple[Block, ...]
    name: str | None = None
    tool_call_id: str | None = None
    developer: bool = False
    is_error: bool = False
    cache: CacheMark | None = None
