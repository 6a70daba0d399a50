"""Messages of a chat completion: OpenAI's wire form to the canonical one."""

from collections.abc import Sequence

from kaigate.chat.content import (
    AudioBlock,
    Block,
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
from kaigate.surfaces.openai_media import document, image, require_base64

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
        return image(part.image_url.url, part.image_url.detail, f"{path}.image_url.url")
    if isinstance(part, FilePart):
        return document(part.file.file_data, part.file.file_id, part.file.filename, f"{path}.file")
    if isinstance(part, AudioPart):
        require_base64(part.input_audio.data, f"{path}.input_audio.data")
        return AudioBlock(part.input_audio.data, part.input_audio.format)
    return RefusalBlock(part.refusal)


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
