"""The request of `POST /v1/chat/completions`: body bytes to the canonical request."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.surfaces import json_body
from kaigate.surfaces.field_errors import field_error
from kaigate.surfaces.openai_chat_messages import canonical_messages
from kaigate.surfaces.openai_chat_params import CARRIED, refuse_unknown, refuse_values
from kaigate.surfaces.openai_chat_wire import (
    AllowedToolChoice,
    ChatBody,
    FunctionDefinition,
    FunctionName,
    JsonObjectFormat,
    NamedTool,
    TextFormat,
)
from kaigate.surfaces.openai_tools import allowed_tools, require_offered, unique_tools

_DECODER: Final = msgspec.json.Decoder(ChatBody)
_ENCODE: Final = msgspec.json.Encoder().encode
_SAMPLING: Final = frozenset(Sampling.__struct_fields__)
_PLAIN: Final = frozenset({"model", "messages", "stream", "max_tokens", "max_completion_tokens"})
"""With sampling and carried parameters, all that most requests have."""
_TOOL_FIELDS: Final = frozenset({"tools", "tool_choice", "functions", "function_call"})
_SCALARS: Final = frozenset({int, float, bool, type(None)})

_Choice = Literal["none", "auto", "required"] | NamedTool | AllowedToolChoice | FunctionName

_ALLOWED: Final[Mapping[str, str]] = {
    "messages[].role": "system, developer, user, assistant, tool or function",
    "messages[].content[].type": "text, image_url, input_audio or file (refusal in assistant messages)",
    "messages[].content[].image_url.detail": "auto, low, high or original",
    "messages[].content[].input_audio.format": "wav or mp3",
    "messages[].tool_calls[].type": "function",
    "tools[].type": "function",
    "tool_choice": "none, auto, required or an object that names a function",
    "tool_choice.type": "function or allowed_tools",
    "function_call": "none, auto or an object with a name",
    "response_format.type": "text, json_object or json_schema",
    "reasoning_effort": "none, minimal, low, medium, high, xhigh or max",
    "verbosity": "low, medium or high",
    "service_tier": "auto, default, flex, scale, priority or fast",
    "modalities[]": "text",
}


def decode(body: bytes, *, max_depth: int) -> ChatRequest:
    """Parse and check one body; raises `RequestInvalidError` naming the field in the client's grammar."""
    try:
        wire = json_body.parse(_DECODER, body, max_depth=max_depth)
    except msgspec.ValidationError as error:
        raise _explained(body, str(error), max_depth) from None
    if not _all_was_read(wire, body):
        tree = json_body.tree(body, max_depth=max_depth)
        keys = json_body.count_keys(tree, max_depth)
        refuse_unknown(tree)
        json_body.require_unique_keys(body, keys)
    return _request(wire)


def _all_was_read(wire: ChatBody, body: bytes) -> bool:
    """Whether a plain text request was written with the keys that were read and no others; False where that is unsure.

    A body with no further keys has none unknown, none twice and nothing nested that the wire types do not bound.
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
    # A message has at least its role and its content: two keys, two strings.
    keys = len(wire) + 2 * len(messages)
    return (
        json_body.has_only_strings(body, keys + 2 * len(messages) + texts)
        # Written as we would write it ourselves, byte for byte.
        or _ENCODE(wire) == body
        or json_body.has_only(body, keys)
    )


def _explained(body: bytes, message: str, max_depth: int) -> RequestInvalidError:
    if "unknown field" in message or message.startswith("Object"):
        tree = json_body.tree(body, max_depth=max_depth)
        if isinstance(tree, dict):
            refuse_unknown(tree)
    return field_error(message, _ALLOWED)


def _request(wire: ChatBody) -> ChatRequest:
    sampling: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    plain = True
    for name, value in wire.items():
        if value is None:
            continue
        if name in _SAMPLING:
            sampling[name] = value
        elif name in CARRIED:
            extra[name] = value
        elif name not in _PLAIN:
            plain = False
    if "stop" in sampling:
        stop = sampling["stop"]
        sampling["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    if sampling.get("top_logprobs") is not None and not sampling.get("logprobs"):
        raise _invalid("top_logprobs", "needs logprobs: true")
    if plain:
        return ChatRequest(
            wire["model"],
            canonical_messages(wire["messages"]),
            stream=bool(wire.get("stream")),
            max_output_tokens=_max_output_tokens(wire),
            sampling=Sampling(**sampling),
            extra=extra,
        )
    refuse_values(wire)
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice | None = None
    legacy = False
    if not _TOOL_FIELDS.isdisjoint(wire):
        tools, legacy = _tools(wire)
        choice, tools = _tool_choice(wire, tools)
    return ChatRequest(
        model=wire["model"],
        messages=canonical_messages(wire["messages"]),
        stream=bool(wire.get("stream")),
        include_usage=_include_usage(wire),
        max_output_tokens=_max_output_tokens(wire),
        sampling=Sampling(**sampling),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=(False if legacy else wire.get("parallel_tool_calls")) if tools else None,
        response_format=_response_format(wire),
        reasoning_effort=wire.get("reasoning_effort"),
        user=wire.get("user"),
        legacy_functions=legacy,
        extra=extra,
    )


def _include_usage(wire: ChatBody) -> bool:
    options = wire.get("stream_options")
    if options is None:
        return False
    if not wire.get("stream"):
        raise _invalid("stream_options", "is only for stream: true")
    return bool(options.include_usage)


def _max_output_tokens(wire: ChatBody) -> int | None:
    newer, older = wire.get("max_completion_tokens"), wire.get("max_tokens")
    if newer is not None and older is not None and newer != older:
        raise _invalid("max_tokens", "differs from max_completion_tokens; send only max_completion_tokens")
    return older if newer is None else newer


def _tools(wire: ChatBody) -> tuple[tuple[Tool, ...], bool]:
    """The tools, and whether they came in the deprecated `functions` form."""
    definitions = wire.get("tools")
    functions = wire.get("functions")
    if functions and definitions:
        raise _invalid("functions", "is deprecated and can't be combined with tools; send only tools")
    if functions:
        return unique_tools([_tool(function) for function in functions], "functions"), True
    if definitions:
        return unique_tools([_tool(tool.function) for tool in definitions], "tools"), False
    return (), False


def _tool(function: FunctionDefinition) -> Tool:
    return Tool(function.name, function.description, function.parameters, function.strict)


def _tool_choice(wire: ChatBody, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools that it leaves: `allowed_tools` is the same as offering only those."""
    path = "tool_choice" if wire.get("tool_choice") is not None else "function_call"
    choice: _Choice | None = wire.get("tool_choice")
    if choice is None:
        choice = wire.get("function_call")
    if choice is None or (not tools and choice in ("none", "auto")):
        return None, tools
    if not tools:
        raise _invalid(path, "needs tools")
    if not isinstance(choice, NamedTool | AllowedToolChoice | FunctionName):
        return ToolChoice(choice), tools
    if isinstance(choice, AllowedToolChoice):
        names = {tool.function.name for tool in choice.allowed_tools.tools}
        return ToolChoice(choice.allowed_tools.mode), allowed_tools(names, tools, f"{path}.allowed_tools.tools")
    name = choice.function.name if isinstance(choice, NamedTool) else choice.name
    require_offered({name}, tools, path)
    return ToolChoice("named", name), tools


def _response_format(wire: ChatBody) -> ResponseFormat | None:
    wanted = wire.get("response_format")
    if wanted is None:
        return None
    if isinstance(wanted, TextFormat):
        return ResponseFormat("text")
    if isinstance(wanted, JsonObjectFormat):
        return ResponseFormat("json_object")
    shape = wanted.json_schema
    return ResponseFormat("json_schema", shape.name, shape.schema, shape.strict, shape.description)


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
