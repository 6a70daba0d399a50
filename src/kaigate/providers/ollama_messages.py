"""Messages of Ollama's native `POST /api/chat`, from the canonical ones."""

from collections.abc import Mapping, Sequence
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
from kaigate.errors import RequestInvalidError
from kaigate.providers.openai_encode import refuse_or_drop


def wire_messages(messages: Sequence[Message], dropped: list[str], *, drop_params: bool) -> list[dict[str, Any]]:
    """The conversation; raises `RequestInvalidError` with the path of what Ollama does not take.

    Marks that change nothing in what the model reads, or that Ollama has no place for (where to cache, names of
    participants, encrypted reasoning of another provider), are added to `dropped`.
    """
    names: dict[str, str] = {}
    wire: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        blocks = message.blocks
        block = blocks[0] if len(blocks) == 1 else None
        if type(block) is TextBlock and message.tool_call_id is message.name is message.cache is block.cache is None:
            wire.append({"role": message.role, "content": block.text})
            continue
        names.update((call.id, call.name) for call in blocks if isinstance(call, ToolCallBlock))
        wire.append(_Turn(f"messages[{index}]", dropped, drop_params=drop_params).wire(message, names))
    return wire


class _Turn:
    """One message while its blocks are gathered by kind: Ollama has one field for each kind."""

    __slots__ = ("_calls", "_drop_params", "_dropped", "_images", "_path", "_texts", "_thinking")

    def __init__(self, path: str, dropped: list[str], *, drop_params: bool) -> None:
        self._path: Final = path
        self._dropped: Final = dropped
        self._drop_params: Final = drop_params
        self._texts: list[str] = []
        self._images: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._thinking: list[str] = []

    def wire(self, message: Message, names: Mapping[str, str]) -> dict[str, Any]:
        """The message; `names` tells which tool a call was of."""
        for block in message.blocks:
            if type(block) is TextBlock:
                self._texts.append(block.text)
                if block.cache is not None:
                    self._drop("cache_control")
            else:
                self._add(block)
        wire: dict[str, Any] = {"role": message.role, "content": "\n".join(self._texts)}
        if self._thinking:
            wire["thinking"] = "".join(self._thinking)
        if self._images:
            wire["images"] = self._images
        if self._calls:
            wire["tool_calls"] = self._calls
        if message.tool_call_id is not None:
            self._add_result(wire, message, names)
        elif message.name is not None:
            self._drop("name")
        if message.cache is not None:
            self._drop("cache_control")
        return wire

    def _add(self, block: Block) -> None:
        if isinstance(block, RefusalBlock):
            self._texts.append(block.text)
        elif isinstance(block, ImageBlock):
            self._images.append(_image(block, self._path))
        elif isinstance(block, ToolCallBlock):
            function = {"name": block.name, "arguments": _arguments(block, self._path)}
            self._calls.append({"id": block.id, "function": function})
        elif isinstance(block, ReasoningBlock):
            if block.redacted is not None:
                self._drop("redacted_thinking")
            if block.text:
                self._thinking.append(block.text)
        elif isinstance(block, DocumentBlock) and block.text is not None:
            self._add_document(block)
        else:
            raise RequestInvalidError(
                "unsupported_parameter",
                f"{self._path}.content has audio or a file, which the model behind this name does not take; send text.",
                param=f"{self._path}.content",
            )
        if getattr(block, "cache", None) is not None:
            self._drop("cache_control")

    def _add_document(self, block: DocumentBlock) -> None:
        """A document that is plain text becomes text, below its name and what is said about it."""
        if block.citations:
            refuse_or_drop("citations", self._dropped, drop_params=self._drop_params)
        self._texts.extend(text for text in (block.name, block.context, block.text) if text)

    def _add_result(self, wire: dict[str, Any], message: Message, names: Mapping[str, str]) -> None:
        """Whose result it is; that a tool failed only its text can say."""
        wire["tool_call_id"] = message.tool_call_id
        name = names.get(message.tool_call_id or "", message.name)
        if name is not None:
            wire["tool_name"] = name
        if message.is_error:
            self._drop("is_error")

    def _drop(self, name: str) -> None:
        if name not in self._dropped:
            self._dropped.append(name)


def _image(block: ImageBlock, path: str) -> str:
    if block.data is None:
        raise RequestInvalidError(
            "unsupported_parameter",
            f"{path}.content has an image URL, which the model behind this name does not fetch; send a data: URI.",
            param=f"{path}.content",
        )
    return block.data


def _arguments(block: ToolCallBlock, path: str) -> Any:
    """Ollama wants an object where OpenAI has JSON text."""
    try:
        arguments = msgspec.json.decode(block.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise RequestInvalidError(
            "invalid_request",
            f"{path}.tool_calls has arguments that are not a JSON object.",
            param=f"{path}.tool_calls",
        )
    return arguments
