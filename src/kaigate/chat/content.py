"""Content blocks and messages of a conversation."""

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class TextBlock(msgspec.Struct, frozen=True, gc=False):
    """Plain text of any role."""

    text: str


class ImageBlock(msgspec.Struct, frozen=True, gc=False):
    """An image: either `url` (https) or base64 `data` with its `media_type`."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: str | None = None


class AudioBlock(msgspec.Struct, frozen=True, gc=False):
    """Base64 audio in `format` (`wav`, `mp3`)."""

    data: str
    format: str


class DocumentBlock(msgspec.Struct, frozen=True, gc=False):
    """A file: base64 `data` with its `media_type`, or a provider's `file_id`."""

    data: str | None = None
    media_type: str | None = None
    name: str | None = None
    file_id: str | None = None


class ReasoningBlock(msgspec.Struct, frozen=True, gc=False):
    """Reasoning of an earlier assistant turn, replayed by the client; `signature` is opaque."""

    text: str
    signature: str | None = None


class RefusalBlock(msgspec.Struct, frozen=True, gc=False):
    """A refusal of an earlier assistant turn."""

    text: str


class ToolCallBlock(msgspec.Struct, frozen=True, gc=False):
    """A tool call of an assistant turn; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


Block = TextBlock | ImageBlock | AudioBlock | DocumentBlock | ReasoningBlock | RefusalBlock | ToolCallBlock


class Message(msgspec.Struct, frozen=True):
    """One turn. `tool_call_id` is set on role `tool`; `developer` marks a system turn sent as developer."""

    role: Role
    blocks: tuple[Block, ...]
    name: str | None = None
    tool_call_id: str | None = None
    developer: bool = False
