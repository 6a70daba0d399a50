"""Messages of Ollama's chat API to the canonical form.

Ollama's tool calls often have no id, and its tool results name the tool instead: ids are made here, from positions,
so that a provider that needs them gets the same ones each time a conversation is sent.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from kaigate.chat.content import Block, ImageBlock, Message, ReasoningBlock, TextBlock, ToolCallBlock
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_wire import WireMessage

_encode: Final = msgspec.json.Encoder().encode
_IMAGES: Final = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)
"""How base64 of each served image type begins (the signatures of PNG, JPEG, GIF and RIFF)."""


def canonical_messages(messages: Sequence[WireMessage]) -> tuple[Message, ...]:
    """Translate a conversation; raises `RequestInvalidError` with the path of what can't be served."""
    result: list[Message] = []
    # Calls of the latest assistant turns that no tool message has answered: id and name, in their order.
    open_calls: list[tuple[str, str]] = []
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        _check_fields(message, path)
        if message.role == "assistant":
            turn = _assistant(message, index)
            open_calls.extend((block.id, block.name) for block in turn.blocks if type(block) is ToolCallBlock)
            result.append(turn)
        elif message.role == "tool":
            call_id = _answered(message, open_calls, path)
            blocks = _content(message, path)
            result.append(Message("tool", blocks, message.tool_name or None, tool_call_id=call_id))
        else:
            result.append(Message(message.role, _content(message, path)))
    return tuple(result)


def user_message(prompt: str, images: Sequence[str]) -> Message:
    """The one user turn of a generate request."""
    pictures = tuple(_image(data, f"images[{at}]") for at, data in enumerate(images))
    text = (TextBlock(prompt),) if prompt or not pictures else ()
    return Message("user", (*text, *pictures))


def _content(message: WireMessage, path: str) -> tuple[Block, ...]:
    if not message.images:
        return (TextBlock(message.content or ""),)
    pictures = tuple(_image(data, f"{path}.images[{at}]") for at, data in enumerate(message.images))
    return (TextBlock(message.content), *pictures) if message.content else pictures


def _assistant(message: WireMessage, index: int) -> Message:
    blocks: list[Block] = []
    if message.thinking:
        blocks.append(ReasoningBlock(message.thinking))
    calls = message.tool_calls or ()
    if message.content or not calls:
        blocks.append(TextBlock(message.content or ""))
    for at, call in enumerate(calls):
        function = call.function
        blocks.append(
            ToolCallBlock(call.id or f"call_{index}_{at}", function.name, _encode(function.arguments or {}).decode())
        )
    return Message("assistant", tuple(blocks))


def _answered(message: WireMessage, open_calls: list[tuple[str, str]], path: str) -> str:
    """The id of the call that a tool message answers: by id, else by name, else the first that is open."""
    if message.tool_call_id:
        for position, (call_id, _) in enumerate(open_calls):
            if call_id == message.tool_call_id:
                del open_calls[position]
                break
        return message.tool_call_id
    for position, (_, name) in enumerate(open_calls):
        if not message.tool_name or name == message.tool_name:
            return open_calls.pop(position)[0]
    if message.tool_name:
        raise _invalid(f"{path}.tool_name", "names a tool whose call is not open before this message")
    raise _invalid(path, "answers no tool call: an assistant message with tool_calls must come before it")


def _check_fields(message: WireMessage, path: str) -> None:
    role = message.role
    if role != "assistant":
        if message.thinking:
            raise _invalid(f"{path}.thinking", "is for assistant messages only")
        if message.tool_calls:
            raise _invalid(f"{path}.tool_calls", "is for assistant messages only")
    if role != "tool":
        if message.tool_name:
            raise _invalid(f"{path}.tool_name", "is for tool messages only")
        if message.tool_call_id:
            raise _invalid(f"{path}.tool_call_id", "is for tool messages only")
    if message.images and role not in ("user", "tool"):
        raise _invalid(f"{path}.images", "is for user and tool messages only")


def _image(data: str, path: str) -> ImageBlock:
    for begin, media_type in _IMAGES:
        if data.startswith(begin):
            # The upstream decodes it anyway; here it only has to be unable to be anything else.
            if len(data) % 4 or not data.isascii() or not data.isprintable() or '"' in data or " " in data:
                raise _invalid(path, "is not base64")
            return ImageBlock(data=data, media_type=media_type)
    raise _invalid(path, "must be base64 of a PNG, JPEG, GIF or WebP image, without a data: prefix")


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
