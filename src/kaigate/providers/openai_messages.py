"""Messages of OpenAI's `POST /chat/completions`, from the canonical ones."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kaigate.chat.content import (
    AudioBlock,
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
from kaigate.providers.provider_row import ProviderRow
from kaigate.providers.unsupported import refuse_or_drop


class _TextMessage(msgspec.Struct, omit_defaults=True, gc=False):
    """A message with one text: most are, and a struct is made and encoded in half the time of a dict."""

    role: str
    content: str
    name: str | None = None
    tool_call_id: str | None = None


def wire_messages(
    messages: Sequence[Message], row: ProviderRow, dropped: list[str], *, drop_params: bool
) -> list[dict[str, Any] | _TextMessage]:
    """The conversation; raises `RequestInvalidError` with the path of what can't be said in this format.

    Where the client would cache the prompt is a hint that these servers need not: they cache by themselves. That a
    tool failed (`is_error`) has no field and is named in `dropped`: the result's own text goes on saying so.
    """
    wire: list[dict[str, Any] | _TextMessage] = []
    for index, message in enumerate(messages):
        role: str = message.role
        if message.developer and row.developer_role:
            role = "developer"
        if message.is_error:
            _note("is_error", dropped)
        block = message.blocks[0] if len(message.blocks) == 1 else None
        if type(block) is TextBlock:
            wire.append(_TextMessage(role, block.text, message.name, message.tool_call_id))
            continue
        parts = _Parts(f"messages[{index}].content", dropped, drop_params=drop_params)
        wire.append(parts.assistant(message, row) if role == "assistant" else parts.turn(message, role))
    return wire


class _Parts:
    """One message that is more than a text."""

    __slots__ = ("_drop_params", "_dropped", "_path")

    def __init__(self, path: str, dropped: list[str], *, drop_params: bool) -> None:
        self._path = path
        self._dropped = dropped
        self._drop_params = drop_params

    def turn(self, message: Message, role: str) -> dict[str, Any]:
        """A message of anyone but the assistant."""
        wire: dict[str, Any] = {
            "role": role,
            "content": [part for block in message.blocks for part in self._parts(block)],
        }
        if message.name is not None:
            wire["name"] = message.name
        if message.tool_call_id is not None:
            wire["tool_call_id"] = message.tool_call_id
        return wire

    def assistant(self, message: Message, row: ProviderRow) -> dict[str, Any]:
        """A turn of the assistant, whose reasoning and calls have fields of their own."""
        texts: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        wire: dict[str, Any] = {"role": "assistant", "content": None}
        for block in message.blocks:
            if isinstance(block, TextBlock):
                texts.append(_text(block.text))
            elif isinstance(block, ToolCallBlock):
                function = {"name": block.name, "arguments": block.arguments}
                calls.append({"id": block.id, "type": "function", "function": function})
            elif isinstance(block, ReasoningBlock):
                self._add_reasoning(wire, block, row)
            elif isinstance(block, RefusalBlock):
                wire["refusal"] = wire.get("refusal", "") + block.text
            else:
                raise self._misplaced()
        if len(texts) == 1:
            wire["content"] = texts[0]["text"]
        elif texts:
            wire["content"] = texts
        if calls:
            wire["tool_calls"] = calls
        if message.name is not None:
            wire["name"] = message.name
        return wire

    def _add_reasoning(self, wire: dict[str, Any], block: ReasoningBlock, row: ProviderRow) -> None:
        """Reasoning goes back where the row takes it; what another provider encrypted says nothing to this one."""
        if block.redacted is not None:
            _note("redacted_thinking", self._dropped)
        elif row.reasoning_field is not None:
            wire[row.reasoning_field] = wire.get(row.reasoning_field, "") + block.text

    def _parts(self, block: Block) -> list[dict[str, Any]]:
        if isinstance(block, TextBlock):
            return [_text(block.text)]
        if isinstance(block, ImageBlock):
            image: dict[str, Any] = {"url": block.url or f"data:{block.media_type};base64,{block.data}"}
            if block.detail is not None:
                image["detail"] = block.detail
            return [{"type": "image_url", "image_url": image}]
        if isinstance(block, AudioBlock):
            return [{"type": "input_audio", "input_audio": {"data": block.data, "format": block.format}}]
        if isinstance(block, DocumentBlock):
            return self._document(block)
        raise self._misplaced()

    def _document(self, block: DocumentBlock) -> list[dict[str, Any]]:
        """A file behind what is said about it; one that is plain text becomes text, below its name."""
        if block.citations:
            refuse_or_drop("citations", self._dropped, drop_params=self._drop_params)
        if block.text is not None:
            return [_text("\n".join(text for text in (block.name, block.context, block.text) if text))]
        if block.data is None and block.file_id is None:
            raise RequestInvalidError(
                "unsupported_parameter",
                f"{self._path} has a file by its address, which the model behind this name does not fetch; send its "
                "bytes.",
                param=self._path,
            )
        data = block.data
        if data is not None and block.media_type is not None:
            data = f"data:{block.media_type};base64,{data}"
        file = {"file_data": data, "filename": block.name, "file_id": block.file_id}
        part = {"type": "file", "file": {name: value for name, value in file.items() if value is not None}}
        return [_text(block.context), part] if block.context else [part]

    def _misplaced(self) -> RequestInvalidError:
        return RequestInvalidError(
            "invalid_request", f"{self._path} has a part that its role can't have.", param=self._path
        )


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _note(name: str, dropped: list[str]) -> None:
    if name not in dropped:
        dropped.append(name)
