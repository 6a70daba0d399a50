"""The request of `POST /v1/messages` and its `count_tokens`: body bytes and headers to the canonical request."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from kaigate.chat.content import CacheMark, Message, ReasoningBlock, TextBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Thinking
from kaigate.errors import RequestInvalidError
from kaigate.surfaces import json_body
from kaigate.surfaces.anthropic_content import canonical_messages, mark
from kaigate.surfaces.anthropic_headers import hints
from kaigate.surfaces.anthropic_params import refuse_blocks, refuse_unknown
from kaigate.surfaces.anthropic_tools import extensions, tool_choice, tools
from kaigate.surfaces.anthropic_wire import (
    CountBody,
    MessagesBody,
    ThinkingAdaptive,
    ThinkingDisabled,
    ThinkingEnabled,
)
from kaigate.surfaces.field_errors import field_error

_MESSAGES: Final = msgspec.json.Decoder(MessagesBody)
_COUNT: Final = msgspec.json.Decoder(CountBody)
_COUNTED: Final = frozenset(CountBody.__annotations__)
_KNOWN: Final = _COUNTED | frozenset(MessagesBody.__annotations__)
_SCALARS: Final = frozenset({int, float, bool, type(None)})
_PLAIN: Final = frozenset(
    {"model", "messages", "max_tokens", "system", "stream", "stop_sequences", "temperature", "top_p", "top_k"}
)
"""All that most requests have."""

_T = TypeVar("_T")

_BLOCKS: Final = "text, image, document or tool_result (text, thinking, redacted_thinking or tool_use of the assistant)"
_ALLOWED: Final[Mapping[str, str]] = {
    "messages[].role": "user, assistant or system",
    "messages[].content[].type": _BLOCKS,
    "messages[].content[].content[].type": "text, image or document",
    "messages[].content[].source.type": "base64, url, text (documents) or content (documents)",
    "messages[].content[].source.media_type": (
        "image/jpeg, image/png, image/gif or image/webp for images, application/pdf or text/plain for documents"
    ),
    "messages[].content[].content[].source.type": "base64, url, text (documents) or content (documents)",
    "messages[].content[].cache_control.type": "ephemeral",
    "messages[].content[].cache_control.ttl": "5m or 1h",
    "messages[].content[].caller.type": "direct",
    "system[].type": "text",
    "system[].cache_control.type": "ephemeral",
    "system[].cache_control.ttl": "5m or 1h",
    "cache_control.type": "ephemeral",
    "cache_control.ttl": "5m or 1h",
    "tool_choice.type": "auto, any, tool or none",
    "thinking.type": "enabled, adaptive or disabled",
    "thinking.display": "summarized or omitted",
    "output_config.effort": "low, medium, high, xhigh or max",
    "output_config.format.type": "json_schema",
    "output_format.type": "json_schema",
    "service_tier": "auto or standard_only",
}


def decode(body: bytes, headers: Mapping[bytes, bytes], *, max_depth: int) -> ChatRequest:
    """Parse and check the body of a message; raises `RequestInvalidError` naming the field in the client's grammar."""
    wire = _parse(_MESSAGES, body, _KNOWN, max_depth)
    stop = wire.get("stop_sequences")
    sampling = Sampling(
        wire.get("temperature"), wire.get("top_p"), wire.get("top_k"), stop=tuple(stop) if stop else None
    )
    if _PLAIN.issuperset(wire):
        return ChatRequest(
            wire["model"],
            canonical_messages(wire.get("system"), wire["messages"]),
            stream=bool(wire.get("stream")),
            max_output_tokens=wire["max_tokens"],
            sampling=sampling,
            hints=hints(headers),
        )
    request = _input(wire, headers)
    extra: dict[str, Any] = {}
    if wire.get("service_tier") is not None:
        # In the words that other providers share: "default" is what Anthropic calls standard.
        extra["service_tier"] = "auto" if wire["service_tier"] == "auto" else "default"
    metadata = wire.get("metadata")
    return msgspec.structs.replace(
        request,
        stream=bool(wire.get("stream")),
        max_output_tokens=wire["max_tokens"],
        sampling=sampling,
        hosted_tools=request.hosted_tools + extensions(None, wire.get("container")),
        user=metadata.user_id if metadata is not None else None,
        extra=extra,
    )


def decode_count(body: bytes, headers: Mapping[bytes, bytes], *, max_depth: int) -> ChatRequest:
    """Parse and check the body of `count_tokens`: a message without what determines only its answer."""
    return _input(_parse(_COUNT, body, _COUNTED, max_depth), headers)


def _parse(decoder: "msgspec.json.Decoder[_T]", body: bytes, known: frozenset[str], max_depth: int) -> _T:
    try:
        wire = json_body.parse(decoder, body, max_depth=max_depth)
    except msgspec.ValidationError as error:
        raise _explained(body, str(error), known, max_depth) from None
    if not _all_was_read(wire, body):
        tree = json_body.tree(body, max_depth=max_depth)
        keys = json_body.count_keys(tree, max_depth)
        refuse_unknown(tree, known)
        json_body.require_unique_keys(body, keys)
    return wire


def _all_was_read(wire: Any, body: bytes) -> bool:
    """Whether a plain text request was written with the keys that were read and no others; False where that is unsure.

    As in `openai_chat_request`: such a body has no key unknown, none twice and nothing nested without bound.
    """
    messages = wire["messages"]
    for message in messages:
        if type(message.content) is not str:
            return False
    texts = 0
    for value in wire.values():
        kind = type(value)
        if kind is str:
            texts += 1
        elif kind not in _SCALARS and value is not messages:
            return False
    keys = len(wire) + 2 * len(messages)
    return json_body.has_only_strings(body, keys + 2 * len(messages) + texts) or json_body.has_only(body, keys)


def _explained(body: bytes, message: str, known: frozenset[str], max_depth: int) -> RequestInvalidError:
    tree = json_body.tree(body, max_depth=max_depth)
    if isinstance(tree, dict):
        if "unknown field" in message or message.startswith("Object"):
            refuse_unknown(tree, known)
        refuse_blocks(tree.get("messages"))
    return field_error(message, _ALLOWED)


def _input(wire: CountBody, headers: Mapping[bytes, bytes]) -> ChatRequest:
    """What both endpoints have: everything that the model reads."""
    messages = canonical_messages(wire.get("system"), wire["messages"])
    own, hosted = tools(wire.get("tools"))
    choice, parallel = tool_choice(wire.get("tool_choice"), own, hosted)
    config = wire.get("output_config")
    cache = mark(wire.get("cache_control"))
    return ChatRequest(
        wire["model"],
        messages if cache is None else _marked(messages, cache),
        tools=own,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        response_format=_response_format(wire),
        reasoning_effort=config.effort if config is not None else None,
        thinking=_thinking(wire.get("thinking")),
        hosted_tools=hosted + extensions(wire.get("mcp_servers"), None),
        hints=hints(headers),
    )


def _marked(messages: tuple[Message, ...], cache: CacheMark) -> tuple[Message, ...]:
    """The conversation with its last cacheable block marked: what `cache_control` on the top level stands for."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role == "tool":
            return (*messages[:index], msgspec.structs.replace(message, cache=cache), *messages[index + 1 :])
        for at in range(len(message.blocks) - 1, -1, -1):
            block = message.blocks[at]
            if isinstance(block, ReasoningBlock) or (isinstance(block, TextBlock) and not block.text):
                continue
            blocks = (*message.blocks[:at], msgspec.structs.replace(block, cache=cache), *message.blocks[at + 1 :])
            return (*messages[:index], msgspec.structs.replace(message, blocks=blocks), *messages[index + 1 :])
    return messages


def _thinking(wanted: ThinkingEnabled | ThinkingAdaptive | ThinkingDisabled | None) -> Thinking | None:
    if wanted is None:
        return None
    if isinstance(wanted, ThinkingEnabled):
        return Thinking("enabled", wanted.budget_tokens, wanted.display)
    return (
        Thinking("adaptive", display=wanted.display) if isinstance(wanted, ThinkingAdaptive) else Thinking("disabled")
    )


def _response_format(wire: CountBody) -> ResponseFormat | None:
    config = wire.get("output_config")
    newer = config.format if config is not None else None
    older = wire.get("output_format")
    if newer is not None and older is not None:
        raise RequestInvalidError(
            "invalid_request",
            "output_format is the older name of output_config.format; send only the latter.",
            param="output_format",
        )
    wanted = newer or older
    # Anthropic's schemas have no name, which others require, and are always enforced.
    return None if wanted is None else ResponseFormat("json_schema", "output", wanted.schema, strict=True)
