"""Messages of a chat completion: OpenAI's wire form to the canonical one."""

from collections.abc import Sequence
from typing import Final

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
from kaigate.surfaces.openai_chat_wire import (
    AssistantMessage,
    AudioPart,
    DeveloperMessage,
    FilePart,
    FunctionMessage,
    ImagePart,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
    WireMessage,
)

_IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DOCUMENT_TYPES: Final = ("application/pdf", "text/plain")

Part = TextPart | RefusalPart | ImagePart | AudioPart | FilePart


def canonical_messages(messages: Sequence[WireMessage]) -> tuple[Message, ...]:
    """Translate a conversation; raises `RequestInvalidError` with the path of what can't be served."""
    result: list[Message] = []
    for index, message in enumerate(messages):
        # The common roles first, by exact type and each with look-ups of its own: to ask a struct's class whether
        # something is its instance costs as much as ten of these, and so does a look-up that meets many types.
        if type(message) is UserMessage:
            content = message.content
            blocks = (TextBlock(content),) if type(content) is str else _blocks(content, index)
            result.append(Message("user", blocks, message.name))
        elif type(message) is AssistantMessage:
            result.append(_assistant(message, index))
        elif type(message) is SystemMessage:
            text = message.content
            blocks = (TextBlock(text),) if type(text) is str else _blocks(text, index)
            result.append(Message("system", blocks, message.name))
        elif isinstance(message, ToolMessage):
            blocks = _blocks(message.content, index)
            result.append(Message("tool", blocks, message.name, tool_call_id=message.tool_call_id))
        elif isinstance(message, DeveloperMessage):
            result.append(Message("system", _blocks(message.content, index), message.name, developer=True))
        elif isinstance(message, FunctionMessage):
            result.append(_function_result(message, index, result))
    return tuple(result)


def _blocks(content: "str | Sequence[Part] | None", index: int) -> tuple[Block, ...]:
    if type(content) is str:
        return (TextBlock(content),)
    if content is None:
        return ()
    return tuple(
        [
            TextBlock(part.text) if isinstance(part, TextPart) else _block(part, f"messages[{index}].content[{at}]")
            for at, part in enumerate(content)
            if not isinstance(part, str)
        ]
    )


def _block(part: RefusalPart | ImagePart | AudioPart | FilePart, path: str) -> Block:
    if isinstance(part, ImagePart):
        return _image(part, path)
    if isinstance(part, FilePart):
        return _document(part, path)
    if isinstance(part, AudioPart):
        _require_base64(part.input_audio.data, f"{path}.input_audio.data")
        return AudioBlock(part.input_audio.data, part.input_audio.format)
    return RefusalBlock(part.refusal)


def _image(part: ImagePart, path: str) -> ImageBlock:
    url, detail = part.image_url.url, part.image_url.detail
    path = f"{path}.image_url.url"
    if url.startswith("https://") and len(url) > 8 and url.isascii() and url.isprintable() and " " not in url:
        return ImageBlock(url=url, detail=detail)
    if not url.startswith("data:"):
        raise _invalid(path, "must be an https URL or a data: URI with base64")
    media_type, data = _data_uri(url, path)
    if media_type not in _IMAGE_TYPES:
        raise _invalid(path, f"has a media type that is not served; use one of {', '.join(_IMAGE_TYPES)}")
    return ImageBlock(data=data, media_type=media_type, detail=detail)


def _document(part: FilePart, path: str) -> DocumentBlock:
    if part.file.file_id is not None:
        # Uploaded files belong to the shared vendor account: an id would reach another caller's file.
        raise RequestInvalidError(
            "unsupported_parameter",
            f"{path}.file.file_id is not served, because uploads are not; send file_data.",
            param=f"{path}.file.file_id",
        )
    data, path = part.file.file_data, f"{path}.file.file_data"
    if not data:
        raise _invalid(path, "is required")
    if not data.startswith("data:"):
        _require_base64(data, path)
        return DocumentBlock(data=data, name=part.file.filename)
    media_type, data = _data_uri(data, path)
    if media_type not in _DOCUMENT_TYPES:
        raise _invalid(path, f"has a media type that is not served; use one of {', '.join(_DOCUMENT_TYPES)}")
    return DocumentBlock(data=data, media_type=media_type, name=part.file.filename)


def _data_uri(uri: str, path: str) -> tuple[str, str]:
    """RFC 2397: `data:<media type>;base64,<data>`; only that form."""
    header, comma, data = uri[5:].partition(",")
    media_type, _, encoding = header.partition(";")
    if not comma or encoding != "base64":
        raise _invalid(path, "must have the form data:<media type>;base64,<data>")
    _require_base64(data, path)
    return media_type, data


def _require_base64(data: str, path: str) -> None:
    # The upstream decodes it anyway; here it only has to be unable to be anything else.
    if not data or len(data) % 4 or not data.isascii() or not data.isprintable() or '"' in data or " " in data:
        raise _invalid(path, "is not base64")


def _assistant(message: AssistantMessage, index: int) -> Message:
    reasoning = message.reasoning_content or message.reasoning
    if type(message.content) is str and not (
        reasoning or message.tool_calls or message.function_call or message.refusal is not None
    ):
        return Message("assistant", (TextBlock(message.content),), message.name)
    blocks: list[Block] = []
    if reasoning:
        blocks.append(ReasoningBlock(reasoning))
    blocks.extend(_blocks(message.content, index))
    if message.refusal is not None:
        blocks.append(RefusalBlock(message.refusal))
    blocks.extend(
        ToolCallBlock(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()
    )
    if message.function_call is not None:
        call = message.function_call
        blocks.append(ToolCallBlock(f"call_function_{index}", call.name, call.arguments))
    if not blocks or (len(blocks) == 1 and isinstance(blocks[0], ReasoningBlock)):
        raise _invalid(f"messages[{index}].content", "is required unless there are tool_calls")
    return Message("assistant", tuple(blocks), message.name)


def _function_result(message: FunctionMessage, index: int, before: Sequence[Message]) -> Message:
    """A legacy function result carries no id: it answers the latest call of that name."""
    for earlier in reversed(before):
        for block in reversed(earlier.blocks):
            if isinstance(block, ToolCallBlock) and block.name == message.name:
                return Message("tool", (TextBlock(message.content or ""),), message.name, tool_call_id=block.id)
    raise _invalid(f"messages[{index}].name", "names a function that no earlier assistant message called")


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
