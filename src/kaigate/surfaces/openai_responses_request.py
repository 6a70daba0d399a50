"""The request of `POST /v1/responses`: body bytes to the canonical request."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Sampling, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.surfaces import json_body
from kaigate.surfaces.field_errors import field_error
from kaigate.surfaces.openai_responses_echo import Echo, hints
from kaigate.surfaces.openai_responses_items import canonical_messages, unserved_at
from kaigate.surfaces.openai_responses_params import (
    ENCRYPTED_REASONING,
    HOSTED_TOOLS,
    LOGPROBS,
    refuse_unknown,
    refuse_values,
    unserved_choice,
    unserved_item,
    unserved_tool,
)
from kaigate.surfaces.openai_responses_wire import (
    AllowedTools,
    FunctionTool,
    Item,
    JsonObject,
    NamedTool,
    PlainText,
    ResponsesBody,
)
from kaigate.surfaces.openai_tools import allowed_tools, require_offered, unique_tools

FORMAT: Final = "openai_responses"
_T = TypeVar("_T")

_CARRIED: Final = (
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "service_tier",
)
_PART_TYPES: Final = "input_text, input_image, input_file or input_audio (output_text or refusal of the assistant)"
_SUMMARIES: Final = "auto, concise or detailed"
_ALLOWED: Final[Mapping[str, str]] = {
    "input[].role": "user, assistant, system or developer",
    "input[].content[].type": _PART_TYPES,
    "input[].output[].type": "input_text, input_image or input_file",
    "input[].content[].detail": "auto, low, high or original",
    "input[].status": "in_progress, completed or incomplete",
    "tool_choice": "none, auto, required or an object that names a function",
    "tool_choice.type": "function or allowed_tools",
    "tool_choice.tools[].type": "function",
    "text.format.type": "text, json_object or json_schema",
    "text.verbosity": "low, medium or high",
    "reasoning.effort": "none, minimal, low, medium, high, xhigh or max",
    "reasoning.summary": _SUMMARIES,
    "reasoning.generate_summary": _SUMMARIES,
    "truncation": "disabled",
    "service_tier": "auto, default, flex, scale, priority or fast",
}


def decode(body: bytes, *, max_depth: int) -> ChatRequest:
    """Parse and check one body; raises `RequestInvalidError` naming the field in the client's grammar."""
    tree = json_body.tree(body, max_depth=max_depth)
    if not isinstance(tree, dict):
        raise RequestInvalidError("invalid_request", "The request body must be a JSON object.")
    json_body.require_unique_keys(body, json_body.count_keys(tree, max_depth))
    refuse_unknown(tree)
    _refuse_choice(tree.get("tool_choice"))
    wire = _converted(tree, ResponsesBody)
    refuse_values(wire)
    return _request(wire)


def _converted(value: Any, kind: type[_T], path: str = "") -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise field_error(_placed(str(error), path), _ALLOWED) from None


def _placed(message: str, path: str) -> str:
    """The error of a part of the body, as if it were that of the whole."""
    if not path:
        return message
    what, at, place = message.rpartition("`$")
    return f"{what}{at}.{path}{place}" if at else f"{message} - at `$.{path}`"


def _request(wire: ResponsesBody) -> ChatRequest:
    messages = _messages(wire)
    tools, hosted = _tools(wire.tools or ())
    choice, tools = _tool_choice(wire, tools, hosted)
    include = wire.include or ()
    reasoning, text = wire.reasoning, wire.text
    if wire.stream_options is not None and not wire.stream:
        raise _invalid("stream_options", "is only for stream: true")
    echo = Echo(
        metadata=wire.metadata or {},
        instructions=wire.instructions is not None,
        encrypted=ENCRYPTED_REASONING in include,
        summary=(reasoning.summary or reasoning.generate_summary) if reasoning is not None else None,
        max_tool_calls=wire.max_tool_calls,
    )
    return ChatRequest(
        model=wire.model,
        messages=messages,
        stream=bool(wire.stream),
        include_usage=bool(wire.stream),
        max_output_tokens=wire.max_output_tokens,
        sampling=Sampling(
            temperature=wire.temperature,
            top_p=wire.top_p,
            logprobs=True if wire.top_logprobs or LOGPROBS in include else None,
            top_logprobs=wire.top_logprobs or None,
        ),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=wire.parallel_tool_calls if tools else None,
        response_format=_response_format(wire),
        reasoning_effort=reasoning.effort if reasoning is not None else None,
        user=wire.user,
        extra=_extra(wire, verbosity=text.verbosity if text is not None else None, hosted=bool(hosted)),
        hosted_tools=hosted,
        hints=hints(echo),
    )


def _messages(wire: ResponsesBody) -> tuple[Message, ...]:
    first = () if wire.instructions is None else (Message("system", (TextBlock(wire.instructions),)),)
    if isinstance(wire.input, str):
        return (*first, Message("user", (TextBlock(wire.input),)))
    items = wire.input or []
    unserved = unserved_at(items)
    if unserved is not None:
        raise unserved_item(items[unserved]["type"], f"input[{unserved}]")
    typed: list[Item] = [_converted(item, Item, f"input[{at}]") for at, item in enumerate(items)]  # type: ignore[arg-type]  # a union
    messages = (*first, *canonical_messages(typed))
    if not messages:
        raise _invalid("input", "is required, unless there are instructions")
    return messages


def _tools(definitions: Sequence[dict[str, Any]]) -> tuple[tuple[Tool, ...], tuple[HostedTool, ...]]:
    functions: list[Tool] = []
    hosted: list[HostedTool] = []
    for position, definition in enumerate(definitions):
        path = f"tools[{position}]"
        kind = definition.get("type")
        if kind == "function":
            tool = _converted(definition, FunctionTool, path)
            functions.append(Tool(tool.name, tool.description, tool.parameters, tool.strict))
        elif isinstance(kind, str) and kind in HOSTED_TOOLS:
            hosted.append(HostedTool(HOSTED_TOOLS[kind], FORMAT, definition))
        else:
            raise unserved_tool(kind, path)
    return unique_tools(functions, "tools"), tuple(hosted)


def _refuse_choice(choice: Any) -> None:
    if isinstance(choice, dict) and choice.get("type") not in ("function", "allowed_tools"):
        raise unserved_choice("tool_choice")
    if isinstance(choice, dict) and isinstance(choice.get("tools"), list):
        for position, tool in enumerate(choice["tools"]):
            if not isinstance(tool, dict) or tool.get("type") != "function":
                raise unserved_choice(f"tool_choice.tools[{position}]")


def _tool_choice(
    wire: ResponsesBody, tools: tuple[Tool, ...], hosted: tuple[HostedTool, ...]
) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools that it leaves."""
    choice = wire.tool_choice
    if choice is None or (not tools and not hosted and choice in ("none", "auto")):
        return None, tools
    if not tools and not hosted:
        raise _invalid("tool_choice", "needs tools")
    if isinstance(choice, AllowedTools):
        if hosted:
            raise unserved_choice("tool_choice")
        names = {tool.name for tool in choice.tools}
        return ToolChoice(choice.mode), allowed_tools(names, tools, "tool_choice.tools")
    if isinstance(choice, NamedTool):
        require_offered({choice.name}, tools, "tool_choice")
        return ToolChoice("named", choice.name), tools
    return ToolChoice(choice), tools


def _response_format(wire: ResponsesBody) -> ResponseFormat | None:
    wanted = wire.text.format if wire.text is not None else None
    if wanted is None:
        return None
    if isinstance(wanted, PlainText):
        return ResponseFormat("text")
    if isinstance(wanted, JsonObject):
        return ResponseFormat("json_object")
    return ResponseFormat("json_schema", wanted.name, wanted.schema, wanted.strict, wanted.description)


def _extra(wire: ResponsesBody, *, verbosity: str | None, hosted: bool) -> dict[str, Any]:
    """Parameters that reach a provider by name; it sends, drops or refuses them by its own rules."""
    extra: dict[str, Any] = {}
    for name in _CARRIED:
        value = getattr(wire, name)
        if value is not None:
            extra[name] = value
    if verbosity is not None:
        extra["verbosity"] = verbosity
    if hosted and wire.max_tool_calls is not None:  # it bounds the calls of hosted tools and of no others
        extra["max_tool_calls"] = wire.max_tool_calls
    return extra


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
