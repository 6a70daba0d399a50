"""Input of a Responses request: items to canonical messages."""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.content import (
    AudioBlock,
    Block,
    DocumentBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    Role,
    TextBlock,
    ToolCallBlock,
)
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_media import document, image, is_https_url, require_base64
from kaigate.surfaces.openai_responses_wire import (
    FunctionCallItem,
    FunctionOutputItem,
    InputAudioPart,
    InputFile,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputText,
    Part,
    ReasoningItem,
    Refusal,
)

SIGNATURE: Final = "signature."
"""What precedes a signature in `encrypted_content`; reasoning that its provider encrypted stands there verbatim."""

_SERVED: Final = frozenset({"message", "function_call", "function_call_output", "reasoning"})
_TEXT_ROLES: Final = frozenset({"system", "developer", "assistant"})


def unserved_at(items: Sequence[dict[str, Any]]) -> int | None:
    """Position of the first item of a type that is not served; gives messages without a type theirs."""
    for position, item in enumerate(items):
        kind = item.setdefault("type", "message")
        if not isinstance(kind, str) or kind not in _SERVED:
            return position
    return None


def canonical_messages(items: Sequence[Item]) -> tuple[Message, ...]:
    """Translate a conversation; raises `RequestInvalidError` with the path of what can't be served.

    Neighbouring reasoning, texts and calls of the assistant are one turn, because its calls are answered together.
    """
    messages: list[Message] = []
    turn: list[Block] = []
    for position, item in enumerate(items):
        path = f"input[{position}]"
        if isinstance(item, MessageItem) and item.role != "assistant":
            _end_turn(messages, turn, path)
            role: Role = "user" if item.role == "user" else "system"
            messages.append(Message(role, _blocks(item, path), developer=item.role == "developer"))
        elif isinstance(item, FunctionOutputItem):
            _end_turn(messages, turn, path)
            messages.append(Message("tool", _output_blocks(item, path), tool_call_id=item.call_id))
        else:
            if not isinstance(item, FunctionCallItem) and _has_only_spoken(turn):
                _end_turn(messages, turn, path)
            turn += _assistant_blocks(item, path)
    _end_turn(messages, turn, f"input[{len(items) - 1}]")
    return tuple(messages)


def _end_turn(messages: list[Message], turn: list[Block], path: str) -> None:
    if not turn:
        return
    if all(isinstance(block, ReasoningBlock) for block in turn):
        raise _invalid(path, "has reasoning before it without the message or function_call that it led to")
    messages.append(Message("assistant", tuple(turn)))
    turn.clear()


def _has_only_spoken(turn: list[Block]) -> bool:
    """Whether the turn has said something and called nothing: what comes then is the next turn."""
    return any(isinstance(block, TextBlock | RefusalBlock) for block in turn) and not any(
        isinstance(block, ToolCallBlock) for block in turn
    )


def _assistant_blocks(item: MessageItem | FunctionCallItem | ReasoningItem, path: str) -> tuple[Block, ...]:
    if isinstance(item, FunctionCallItem):
        return (ToolCallBlock(item.call_id, item.name, item.arguments),)
    if isinstance(item, ReasoningItem):
        return _reasoning(item)
    return _blocks(item, path)


def _reasoning(item: ReasoningItem) -> tuple[Block, ...]:
    encrypted = item.encrypted_content
    if encrypted and not encrypted.startswith(SIGNATURE):
        return (ReasoningBlock("", redacted=encrypted),)
    text = "".join([part.text for part in item.content or ()]) or "\n\n".join([part.text for part in item.summary])
    signature = encrypted.removeprefix(SIGNATURE) if encrypted else None
    return (ReasoningBlock(text, signature),) if text or signature else ()


def _blocks(item: MessageItem, path: str) -> tuple[Block, ...]:
    content = item.content
    if isinstance(content, str):
        return (TextBlock(content),)
    return tuple([_block(part, item.role, f"{path}.content[{at}]") for at, part in enumerate(content)])


def _block(part: Part, role: str, path: str) -> Block:
    if isinstance(part, InputText):
        return TextBlock(part.text)
    if isinstance(part, OutputText | Refusal):
        if role != "assistant":
            raise _invalid(f"{path}.type", "is only for messages of the assistant; use input_text")
        return TextBlock(part.text) if isinstance(part, OutputText) else RefusalBlock(part.refusal)
    if role in _TEXT_ROLES:
        raise _invalid(f"{path}.type", "is only for messages of the user")
    if isinstance(part, InputAudioPart):
        require_base64(part.input_audio.data, f"{path}.input_audio.data")
        return AudioBlock(part.input_audio.data, part.input_audio.format)
    return _medium(part, path)


def _output_blocks(item: FunctionOutputItem, path: str) -> tuple[Block, ...]:
    if isinstance(item.output, str):
        return (TextBlock(item.output),)
    return tuple(
        [
            TextBlock(part.text) if isinstance(part, InputText) else _medium(part, f"{path}.output[{at}]")
            for at, part in enumerate(item.output)
        ]
    )


def _medium(part: InputImage | InputFile, path: str) -> Block:
    if isinstance(part, InputFile) and part.file_url is not None:
        if part.file_data is not None or part.file_id is not None:
            raise _invalid(f"{path}.file_url", "can't be combined with file_data or file_id")
        if not is_https_url(part.file_url):
            raise _invalid(f"{path}.file_url", "must be an https URL")
        return DocumentBlock(url=part.file_url, name=part.filename)
    if isinstance(part, InputFile):
        return document(part.file_data, part.file_id, part.filename, path)
    if part.file_id is not None:
        raise RequestInvalidError(
            "unsupported_parameter",
            f"{path}.file_id is not served, because uploads are not; send image_url.",
            param=f"{path}.file_id",
        )
    if part.image_url is None:
        raise _invalid(f"{path}.image_url", "is required")
    return image(part.image_url, part.detail, f"{path}.image_url")


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
