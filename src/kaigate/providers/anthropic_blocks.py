"""Blocks of a message in Anthropic's form (source: Anthropic API reference, "Create a message")."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kaigate.chat.content import (
    Block,
    CacheMark,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.errors import RequestInvalidError

_IMAGES: Final = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
_PDF: Final = "application/pdf"
_PDF_BEGINS: Final = "JVBERi0"  # %PDF-

_decode: Final = msgspec.json.Decoder().decode


def wire_block(block: Block, path: str) -> dict[str, Any] | None:
    """A block of a user's or assistant's turn; None for what is blank, which Anthropic refuses.

    Raises `RequestInvalidError` naming `path` for what the API can't take.
    """
    if isinstance(block, TextBlock):
        return with_cache({"type": "text", "text": block.text}, block.cache) if block.text.strip() else None
    if isinstance(block, ToolCallBlock):
        return with_cache(_call(block, path), block.cache)
    if isinstance(block, ReasoningBlock):
        return _reasoning(block)
    if isinstance(block, RefusalBlock):
        return {"type": "text", "text": block.text} if block.text.strip() else None
    if isinstance(block, ImageBlock):
        return with_cache({"type": "image", "source": _image(block, path)}, block.cache)
    if isinstance(block, DocumentBlock):
        return with_cache(_document(block, path), block.cache)
    raise unsupported(path, "has audio, which the model behind this name does not take; send text")


def wire_blocks(blocks: Sequence[Block], path: str) -> list[dict[str, Any]]:
    """The blocks that are not blank."""
    return [wire for block in blocks if (wire := wire_block(block, path)) is not None]


def wire_result(message: Message, path: str) -> dict[str, Any]:
    """A tool's result as a block of a user's turn."""
    if not message.tool_call_id:
        raise RequestInvalidError("invalid_request", f"{path}.tool_call_id is required.", param=f"{path}.tool_call_id")
    wire: dict[str, Any] = {"type": "tool_result", "tool_use_id": wire_id(message.tool_call_id)}
    content = wire_blocks(message.blocks, path)
    if len(content) == 1 and len(content[0]) == 2 and "text" in content[0]:
        wire["content"] = content[0]["text"]
    elif content:
        wire["content"] = content
    if message.is_error:
        wire["is_error"] = True
    return with_cache(wire, message.cache)


def with_cache(wire: dict[str, Any], cache: CacheMark | None) -> dict[str, Any]:
    """The block with its mark; five minutes is what Anthropic takes a mark without a time for."""
    if cache is not None:
        wire["cache_control"] = {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": cache}
    return wire


def wire_id(call_id: str) -> str:
    """A call's id in the characters that Anthropic takes: as it is, else the same stand-in each time."""
    if len(call_id) <= 128 and call_id.isascii() and call_id.replace("_", "").replace("-", "").isalnum():
        return call_id
    return "toolu_" + hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:24]


def unsupported(path: str, what: str) -> RequestInvalidError:
    """The refusal of a part of a message."""
    return RequestInvalidError("unsupported_parameter", f"{path}.content {what}.", param=f"{path}.content")


def _call(block: ToolCallBlock, path: str) -> dict[str, Any]:
    """Anthropic wants an object where others have JSON text; its bytes stay those of the model, for the cache's sake.

    Arguments that are no JSON object are refused: what the model meant by them nobody knows.
    """
    text = block.arguments.strip() or "{}"
    try:
        valid = isinstance(_decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        valid = False
    if not valid or not block.id:
        raise RequestInvalidError(
            "invalid_request",
            f"{path}.tool_calls has a call without an id, or with arguments that are not a JSON object.",
            param=f"{path}.tool_calls",
        )
    return {"type": "tool_use", "id": wire_id(block.id), "name": block.name, "input": msgspec.Raw(text.encode())}


def _reasoning(block: ReasoningBlock) -> dict[str, Any] | None:
    """Reasoning as it came; without a signature it is another provider's, and Anthropic would refuse it."""
    if block.redacted is not None:
        return {"type": "redacted_thinking", "data": block.redacted}
    if block.signature is None:
        return None
    return {"type": "thinking", "thinking": block.text, "signature": block.signature}


def _image(block: ImageBlock, path: str) -> dict[str, Any]:
    if block.url is not None:
        return {"type": "url", "url": block.url}
    media_type = _IMAGES.get((block.media_type or "").lower())
    if media_type is None or block.data is None:
        raise unsupported(path, "has an image that is none of JPEG, PNG, GIF and WebP")
    return {"type": "base64", "media_type": media_type, "data": block.data}


def _document(block: DocumentBlock, path: str) -> dict[str, Any]:
    wire: dict[str, Any] = {"type": "document", "source": _source(block, path)}
    if block.name is not None:
        wire["title"] = block.name
    if block.context is not None:
        wire["context"] = block.context
    if block.citations:
        wire["citations"] = {"enabled": True}
    return wire


def _source(block: DocumentBlock, path: str) -> dict[str, Any]:
    if block.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": block.text}
    if block.url is not None:
        return {"type": "url", "url": block.url}
    if block.data is None:
        # Uploaded files belong to the shared vendor account: an id would reach another caller's file.
        raise unsupported(path, "refers to an uploaded file; send the file itself")
    if block.media_type == _PDF or (block.media_type is None and block.data.startswith(_PDF_BEGINS)):
        return {"type": "base64", "media_type": _PDF, "data": block.data}
    if block.media_type != "text/plain":
        raise unsupported(path, "has a file that is neither PDF nor plain text")
    try:
        text = base64.b64decode(block.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise unsupported(path, "has a text file that is not UTF-8 in base64") from None
    return {"type": "text", "media_type": "text/plain", "data": text}
