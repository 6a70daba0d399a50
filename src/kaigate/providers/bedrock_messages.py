"""Conversations in Converse's form (source: Bedrock API reference, `Message` and `ContentBlock`).

Each content block is a union with one member. Turns alternate, the first is the user's, results of tools are the
user's, and no text is blank.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.chat.content import (
    Block,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.chat.request import ChatRequest
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_cache import CachePoints
from kaigate.providers.bedrock_media import Documents, wire_image
from kaigate.providers.bedrock_names import ToolNames, accepted_ids

Blocks = list[dict[str, Any]]

FIRST_TURN: Final = "(The conversation begins with the assistant.)"
NO_RESULT: Final = "(empty)"
"""Stand where Bedrock wants text and the client gave none."""

_ARGUMENTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Conversation:
    """The turns of one request; `replays_reasoning` where the model wants its own reasoning back.

    Raises `RequestInvalidError` for what Converse can't carry.
    """

    def __init__(self, request: ChatRequest, names: ToolNames, cache: CachePoints, *, replays_reasoning: bool) -> None:
        self.system: Final[Blocks] = []
        self.messages: Final[list[dict[str, Any]]] = []
        self.has_tool_blocks = False
        self._names: Final = names
        self._cache: Final = cache
        self._replays_reasoning: Final = replays_reasoning
        self._ids: Mapping[str, str] = {}
        self._documents: Final = Documents()
        if any(message.role in {"assistant", "tool"} for message in request.messages):
            self._ids = accepted_ids(request)
        for index, message in enumerate(request.messages):
            self._add(message, f"messages[{index}].content")
        if not self.messages:
            raise RequestInvalidError(
                "invalid_request", "The conversation has no text; send a user message with some.", param="messages"
            )
        if self.messages[-1]["role"] == "assistant":
            _strip_end(self.messages[-1]["content"])

    def _add(self, message: Message, path: str) -> None:
        if message.role == "system":
            for block in message.blocks:
                if not isinstance(block, TextBlock):
                    raise _misplaced(path)
                self._add_text(self.system, block)
            return
        content: Blocks = []
        if message.role == "assistant":
            for block in _reasoning_first(message.blocks):
                self._add_assistant(content, block, path)
        elif message.role == "tool":
            self._add_result(content, message, path)
        else:
            for block in message.blocks:
                self._add_part(content, block, path)
            _accompany(content)
        self._cache.add(content, message.cache)
        if content:
            self._turn("assistant" if message.role == "assistant" else "user", content)

    def _turn(self, role: str, content: Blocks) -> None:
        """Neighbours of one role are one turn."""
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"].extend(content)
            return
        if not self.messages and role == "assistant":
            self.messages.append({"role": "user", "content": [{"text": FIRST_TURN}]})
        self.messages.append({"role": role, "content": content})

    def _add_text(self, content: Blocks, block: TextBlock | RefusalBlock) -> None:
        if block.text and not block.text.isspace():
            content.append({"text": block.text})
        if isinstance(block, TextBlock):
            self._cache.add(content, block.cache)

    def _add_part(self, content: Blocks, block: Block, path: str) -> None:
        if isinstance(block, TextBlock):
            self._add_text(content, block)
        elif isinstance(block, ImageBlock):
            content.append(wire_image(block, path))
            self._cache.add(content, block.cache)
        elif isinstance(block, DocumentBlock):
            content.append(self._documents.wire(block, path))
            self._cache.add(content, block.cache)
        else:
            raise _misplaced(path)

    def _add_assistant(self, content: Blocks, block: Block, path: str) -> None:
        if isinstance(block, ToolCallBlock):
            self.has_tool_blocks = True
            use = {
                "toolUseId": self._ids[block.id],
                "name": self._names.upstream(block.name),
                "input": _arguments(block, path),
            }
            content.append({"toolUse": use})
            self._cache.add(content, block.cache)
        elif isinstance(block, ReasoningBlock):
            if self._replays_reasoning:
                _add_reasoning(content, block)
        elif isinstance(block, TextBlock | RefusalBlock):
            self._add_text(content, block)
        else:
            raise _misplaced(path)

    def _add_result(self, content: Blocks, message: Message, path: str) -> None:
        self.has_tool_blocks = True
        result: Blocks = []
        for block in message.blocks:
            if isinstance(block, TextBlock):
                if block.text and not block.text.isspace():
                    result.append({"text": block.text})
            elif isinstance(block, ImageBlock):
                result.append(wire_image(block, path))
            elif isinstance(block, DocumentBlock):
                result.append(self._documents.wire(block, path))
            else:
                raise _misplaced(path)
        if message.tool_call_id is None:
            raise RequestInvalidError(
                "invalid_request", f"{path} is a tool's result without its call's id.", param=path
            )
        wire: dict[str, Any] = {
            "toolUseId": self._ids[message.tool_call_id],
            "content": result or [{"text": NO_RESULT}],
        }
        if message.is_error:
            wire["status"] = "error"
        content.append({"toolResult": wire})
        if message.cache is None:  # a cache point can't stand within a result, so it stands behind it
            marks = (getattr(block, "cache", None) for block in message.blocks)
            self._cache.add(content, next(filter(None, marks), None))


def _reasoning_first(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks as they came where they begin with reasoning, as the model made them; else all reasoning in front."""
    if not blocks or isinstance(blocks[0], ReasoningBlock):
        return blocks
    return tuple(sorted(blocks, key=lambda block: not isinstance(block, ReasoningBlock)))


def _add_reasoning(content: Blocks, block: ReasoningBlock) -> None:
    """Byte for byte; what has no signature is not of this model and would be refused."""
    if block.redacted is not None:
        content.append({"reasoningContent": {"redactedContent": block.redacted}})
    elif block.signature is not None:
        reasoning = {"text": block.text, "signature": block.signature}
        content.append({"reasoningContent": {"reasoningText": reasoning}})


def _arguments(block: ToolCallBlock, path: str) -> msgspec.Raw:
    """Converse wants an object where OpenAI has JSON text; its numbers stay as the model wrote them."""
    text = block.arguments.strip().encode() or b"{}"
    try:
        _ARGUMENTS.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise RequestInvalidError(
            "invalid_request",
            f"{path} has a tool call with arguments that are not a JSON object.",
            param=path.replace(".content", ".tool_calls"),
        ) from None
    return msgspec.Raw(text)


def _accompany(content: Blocks) -> None:
    """A document needs a text beside it: its name, where the client sent none."""
    names = [block["document"]["name"] for block in content if "document" in block]
    if names and not any("text" in block for block in content):
        content.insert(0, {"text": ", ".join(names)})


def _strip_end(content: Blocks) -> None:
    """The beginning of an answer that the model is to continue may not end in white space."""
    if content and "text" in content[-1]:
        content[-1]["text"] = content[-1]["text"].rstrip()


def _misplaced(path: str) -> RequestInvalidError:
    return RequestInvalidError(
        "unsupported_parameter",
        f"{path} has a part that the model behind this name does not take there; send text.",
        param=path,
    )
