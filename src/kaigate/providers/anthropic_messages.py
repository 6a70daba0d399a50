"""Conversations in Anthropic's form: system text apart, then turns of user and assistant, the user's first."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kaigate.chat.content import Message, ReasoningBlock, TextBlock
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_blocks import unsupported, wire_blocks, wire_result, with_cache

OPENING: Final = "."
"""The user's turn before an assistant's that begins a conversation: the API takes none without, and none blank."""


class Turn(msgspec.Struct, gc=False):
    """One turn; `content` is a text as long as that is all there is."""

    role: str
    content: str | list[dict[str, Any]]


class Conversation(msgspec.Struct):
    """A conversation on the wire; `dropped` names what of its messages the API has no place for."""

    turns: list[Turn]
    system: str | list[dict[str, Any]] | None
    dropped: list[str]


def conversation(messages: Sequence[Message]) -> Conversation:
    """Translate a conversation; raises `RequestInvalidError` with the path of what can't be sent.

    System messages from anywhere join, in their order; neighbours of one role become one turn, so results of tools
    stand together in the user's turn after their calls.
    """
    turns: list[Turn] = []
    system: list[dict[str, Any]] = []
    dropped: list[str] = []
    for index, message in enumerate(messages):
        role = message.role
        block = message.blocks[0] if len(message.blocks) == 1 else None
        content: str | list[dict[str, Any]]
        if role == "system":
            _add_system(system, message, f"messages[{index}]")
            continue
        if role == "tool":
            content = [wire_result(message, f"messages[{index}]")]
            role = "user"
        elif type(block) is TextBlock and block.cache is None:
            content = block.text if block.text.strip() else ""
        elif role == "assistant":
            content = _assistant(message, f"messages[{index}]", dropped)
        else:
            content = wire_blocks(message.blocks, f"messages[{index}]")
        if message.name is not None and message.role != "tool" and "name" not in dropped:
            dropped.append("name")
        if content:
            _add(turns, role, content)
    _open_and_close(turns)
    return Conversation(turns, _joined(system), dropped)


def _add(turns: list[Turn], role: str, content: str | list[dict[str, Any]]) -> None:
    if turns and turns[-1].role == role:
        turns[-1].content = [*_as_list(turns[-1].content), *_as_list(content)]
    else:
        turns.append(Turn(role, content))


def _as_list(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _assistant(message: Message, path: str, dropped: list[str]) -> list[dict[str, Any]]:
    """The blocks of an assistant's turn, reasoning first; where it is first already the order stays as it was."""
    blocks = message.blocks
    if blocks and not isinstance(blocks[0], ReasoningBlock):
        blocks = tuple(sorted(blocks, key=lambda block: not isinstance(block, ReasoningBlock)))
    unsigned = any(type(block) is ReasoningBlock and block.signature is block.redacted is None for block in blocks)
    if unsigned and "reasoning_content" not in dropped:
        dropped.append("reasoning_content")
    wire = wire_blocks(blocks, path)
    if any(block["type"] in ("image", "document") for block in wire):
        raise unsupported(path, "has an image or a file in an assistant's turn")
    return wire


def _add_system(system: list[dict[str, Any]], message: Message, path: str) -> None:
    for block in message.blocks:
        if not isinstance(block, TextBlock):
            raise unsupported(path, "has more than text in a system message")
        if block.text.strip():
            system.append(with_cache({"type": "text", "text": block.text}, block.cache))


def _joined(system: list[dict[str, Any]]) -> str | list[dict[str, Any]] | None:
    if len(system) == 1 and "cache_control" not in system[0]:
        text: str = system[0]["text"]
        return text
    return system or None


def _open_and_close(turns: list[Turn]) -> None:
    if not turns:
        raise RequestInvalidError(
            "invalid_request", "messages must have a user's message with content.", param="messages"
        )
    if turns[0].role == "assistant":
        turns.insert(0, Turn("user", OPENING))
    last = turns[-1]
    if last.role != "assistant":
        return
    # A turn to be continued may not end in white space.
    if isinstance(last.content, str):
        last.content = last.content.rstrip()
    elif last.content[-1]["type"] == "text":
        last.content[-1]["text"] = last.content[-1]["text"].rstrip()
