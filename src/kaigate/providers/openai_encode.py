"""Request bodies for OpenAI and compatible servers, from the canonical request."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.provider_row import ProviderRow

_encode: Final = msgspec.json.Encoder().encode
_NO_SAMPLING: Final = Sampling()


class _TextMessage(msgspec.Struct, omit_defaults=True, gc=False):
    """A message with one text: most are, and a struct is made and encoded in half the time of a dict."""

    role: str
    content: str
    name: str | None = None
    tool_call_id: str | None = None


HINTS: Final = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "user",
        "verbosity",
    }
)
"""Parameters that do not change the substance of an answer: where an upstream has no such thing, dropped and named."""


def encode_request(
    request: ChatRequest, row: ProviderRow, *, model: str, max_output_tokens: int | None, drop_params: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of parameters left out of it.

    Raises `RequestInvalidError("unsupported_parameter")` for what the row refuses, unless `drop_params`.
    """
    dropped: list[str] = []
    body: dict[str, Any] = {
        "model": model,
        "messages": _wire_messages(request.messages, row),
    }
    if max_output_tokens is not None:
        body[row.max_tokens_field] = max_output_tokens
    if request.stream:
        body["stream"] = True
        if row.stream_usage:
            body["stream_options"] = {"include_usage": True}
    if request.tools:
        _add_tools(body, request)
    if request.response_format is not None:
        body["response_format"] = _wire_format(request.response_format)
    if request.reasoning_effort is not None:
        body["reasoning_effort"] = request.reasoning_effort
    if request.user is not None:
        body["user"] = request.user
    for name in row.refused:
        if name in body:
            refuse_or_drop(name, dropped, drop_params=drop_params)
            del body[name]
    if request.extra:
        _add_extras(body, request.extra, row, dropped, drop_params=drop_params)
    sampling = request.sampling
    if sampling == _NO_SAMPLING:
        return _encode(body), tuple(dropped)
    sampling = supported_sampling(sampling, row.refused, dropped, drop_params=drop_params)
    fields = _encode(sampling)
    return (_encode(body)[:-1] + b"," + fields[1:] if len(fields) > 2 else _encode(body)), tuple(dropped)


def supported_sampling(
    sampling: Sampling, refused: frozenset[str], dropped: list[str], *, drop_params: bool
) -> Sampling:
    """The sampling without what the upstream does not know; raises unless that may be dropped."""
    if not refused:
        return sampling
    missing = [name for name in Sampling.__struct_fields__ if name in refused and getattr(sampling, name) is not None]
    for name in missing:
        refuse_or_drop(name, dropped, drop_params=drop_params)
    return msgspec.structs.replace(sampling, **dict.fromkeys(missing)) if missing else sampling


def refuse_or_drop(name: str, dropped: list[str], *, drop_params: bool) -> None:
    """Note a parameter as dropped, or refuse the request for it."""
    if name not in HINTS and not drop_params:
        raise RequestInvalidError(
            "unsupported_parameter",
            f"The model behind this name does not support the parameter '{name}'; remove it.",
            param=name,
        )
    dropped.append(name)


def _add_extras(
    body: dict[str, Any], extra: Mapping[str, Any], row: ProviderRow, dropped: list[str], *, drop_params: bool
) -> None:
    for name, value in extra.items():
        if name in row.extras:
            body[name] = value
        else:
            refuse_or_drop(name, dropped, drop_params=drop_params)


def _add_tools(body: dict[str, Any], request: ChatRequest) -> None:
    body["tools"] = [wire_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _wire_choice(request.tool_choice)
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def wire_tool(tool: Tool) -> dict[str, Any]:
    """A tool in OpenAI's form, which Ollama shares."""
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _wire_choice(choice: ToolChoice) -> Any:
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _wire_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    shape: dict[str, Any] = {"name": wanted.name}
    for name in ("description", "schema", "strict"):
        value = getattr(wanted, name)
        if value is not None:
            shape[name] = value
    return {"type": "json_schema", "json_schema": shape}


def _wire_messages(messages: Sequence[Message], row: ProviderRow) -> list[dict[str, Any] | _TextMessage]:
    wire: list[dict[str, Any] | _TextMessage] = []
    for message in messages:
        role: str = message.role
        if message.developer and row.developer_role:
            role = "developer"
        block = message.blocks[0] if len(message.blocks) == 1 else None
        if type(block) is TextBlock:
            wire.append(_TextMessage(role, block.text, message.name, message.tool_call_id))
        elif role == "assistant":
            wire.append(_assistant(message, row))
        else:
            wire.append(_parted(message, role))
    return wire


def _parted(message: Message, role: str) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": role, "content": [_part(block) for block in message.blocks]}
    if message.name is not None:
        wire["name"] = message.name
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _assistant(message: Message, row: ProviderRow) -> dict[str, Any]:
    texts: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    wire: dict[str, Any] = {"role": "assistant", "content": None}
    for block in message.blocks:
        if isinstance(block, ToolCallBlock):
            function = {"name": block.name, "arguments": block.arguments}
            calls.append({"id": block.id, "type": "function", "function": function})
        elif isinstance(block, ReasoningBlock):
            if row.reasoning_field is not None:
                wire[row.reasoning_field] = wire.get(row.reasoning_field, "") + block.text
        elif isinstance(block, RefusalBlock):
            wire["refusal"] = wire.get("refusal", "") + block.text
        else:
            texts.append(_part(block))
    if len(texts) == 1:
        wire["content"] = texts[0]["text"]
    elif texts:
        wire["content"] = texts
    if calls:
        wire["tool_calls"] = calls
    if message.name is not None:
        wire["name"] = message.name
    return wire


def _part(block: Block) -> dict[str, Any]:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    if isinstance(block, ImageBlock):
        image: dict[str, Any] = {"url": block.url or f"data:{block.media_type};base64,{block.data}"}
        if block.detail is not None:
            image["detail"] = block.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(block, AudioBlock):
        return {"type": "input_audio", "input_audio": {"data": block.data, "format": block.format}}
    if isinstance(block, DocumentBlock):
        data = block.data if block.media_type is None else f"data:{block.media_type};base64,{block.data}"
        file = {"file_data": data, "filename": block.name, "file_id": block.file_id}
        return {"type": "file", "file": {name: value for name, value in file.items() if value is not None}}
    raise RequestInvalidError("invalid_request", "A message has a part that its role can't have.", param="messages")
