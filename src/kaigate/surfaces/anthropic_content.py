"""Messages of Anthropic's Messages API: the wire form to the canonical one."""

from collections.abc import Sequence

from kaigate.chat.content import (
    Block,
    CacheMark,
    Message,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_sources import document, image
from kaigate.surfaces.anthropic_wire import (
    AssistantMessage,
    CacheControl,
    DocumentPart,
    ImagePart,
    RedactedThinkingPart,
    TextPart,
    ThinkingPart,
    ToolResultPart,
    ToolUsePart,
    UserMessage,
    WireMessage,
)


def canonical_messages(
    system: "str | Sequence[TextPart] | None", messages: Sequence[WireMessage]
) -> tuple[Message, ...]:
    """Translate a conversation; raises `RequestInvalidError` with the path of what can't be served.

    Each `tool_result` becomes a turn of role `tool` of its own, before what else its user turn has.
    """
    result: list[Message] = []
    if system:
        result.append(Message("system", _texts(system)))
    for index, message in enumerate(messages):
        content = message.content
        # The common form first and by exact type, as in `openai_chat_messages`.
        if type(message) is UserMessage:
            if type(content) is str:
                result.append(Message("user", (TextBlock(content),)))
            else:
                _add_user_turn(result, message, f"messages[{index}].content")
        elif type(message) is AssistantMessage:
            if type(content) is str:
                result.append(Message("assistant", (TextBlock(content),)))
            else:
                result.append(_assistant(message, f"messages[{index}].content"))
        else:
            result.append(Message("system", _texts(content)))  # type: ignore[arg-type]
    return tuple(result)


def mark(control: CacheControl | None) -> CacheMark | None:
    """The canonical cache mark; five minutes are Anthropic's default."""
    return None if control is None else control.ttl or "5m"


def _texts(content: "str | Sequence[TextPart]") -> tuple[Block, ...]:
    if isinstance(content, str):
        return (TextBlock(content),)
    return tuple([TextBlock(part.text, mark(part.cache_control)) for part in content])


def _add_user_turn(result: list[Message], message: UserMessage, path: str) -> None:
    blocks: list[Block] = []
    for at, part in enumerate(message.content):
        if isinstance(part, ToolResultPart):
            if blocks:
                # Anthropic refuses it too, and what stood between a call and its result has no place elsewhere.
                raise RequestInvalidError(
                    "invalid_request",
                    f"{path}[{at}] is a tool_result after other content; put the results first.",
                    param=f"{path}[{at}]",
                )
            result.append(_tool_result(part, f"{path}[{at}].content"))
        elif not isinstance(part, str):
            blocks.append(_input_block(part, f"{path}[{at}]"))
    if blocks:
        result.append(Message("user", tuple(blocks)))


def _tool_result(part: ToolResultPart, path: str) -> Message:
    content = part.content
    blocks: tuple[Block, ...]
    if content is None:
        blocks = (TextBlock(""),)
    elif isinstance(content, str):
        blocks = (TextBlock(content),)
    else:
        blocks = tuple([_input_block(item, f"{path}[{at}]") for at, item in enumerate(content)]) or (TextBlock(""),)
    return Message(
        "tool",
        blocks,
        tool_call_id=part.tool_use_id,
        is_error=part.is_error is True,
        cache=mark(part.cache_control),
    )


def _input_block(part: TextPart | ImagePart | DocumentPart, path: str) -> Block:
    cache = mark(part.cache_control)
    if isinstance(part, TextPart):
        return TextBlock(part.text, cache)
    if isinstance(part, ImagePart):
        return image(part.source, f"{path}.source", cache)
    return document(part, f"{path}.source", cache)


def _assistant(message: AssistantMessage, path: str) -> Message:
    blocks: list[Block] = []
    for at, part in enumerate(message.content):
        if isinstance(part, TextPart):
            blocks.append(TextBlock(part.text, mark(part.cache_control)))
        elif isinstance(part, ToolUsePart):
            blocks.append(_tool_call(part, f"{path}[{at}].input"))
        elif isinstance(part, ThinkingPart):
            # An empty signature is what this gateway gives with reasoning that its provider did not sign.
            blocks.append(ReasoningBlock(part.thinking, part.signature or None))
        elif isinstance(part, RedactedThinkingPart):
            blocks.append(ReasoningBlock("", redacted=part.data))
    return Message("assistant", tuple(blocks))


def _tool_call(part: ToolUsePart, path: str) -> ToolCallBlock:
    arguments = bytes(part.input).decode()
    if not arguments.startswith("{"):
        raise RequestInvalidError("invalid_request", f"{path}: expected object.", param=path)
    return ToolCallBlock(part.id, part.name, arguments, mark(part.cache_control))
