"""Tools and the choice among them in Anthropic's form (source: Anthropic docs, "Define tools")."""

from collections.abc import Sequence
from typing import Any, Final

from kaigate.chat.content import Message, ToolCallBlock
from kaigate.chat.request import ChatRequest, HostedTool, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_blocks import with_cache
from kaigate.providers.anthropic_models import Abilities
from kaigate.providers.anthropic_output import JSON_TOOL
from kaigate.providers.json_schema import closed

FORMAT: Final = "anthropic_messages"
_CHOICES: Final = {"auto": "auto", "required": "any", "named": "tool"}
_PARAMETERS: Final = ("mcp_servers", "container")
"""Parts of the request beside `tools` that a tool of the provider may be; its `wire` is then the parameter."""


def add_tools(
    body: dict[str, Any], request: ChatRequest, able: Abilities, answer_tool: dict[str, Any] | None, dropped: list[str]
) -> None:
    """Set `tools` and `tool_choice`; raises `RequestInvalidError` for tools that this API can't take.

    With the choice `none` tools are withheld, unless the conversation has calls: then they have to be declared, those
    that the request no longer has too. `answer_tool` has to be called where the client's own tools are not.
    """
    none = request.tool_choice is not None and request.tool_choice.mode == "none"
    tools: list[dict[str, Any]] = []
    declared = _called(request.messages)
    if not none or declared:
        tools = [_tool(tool, able, f"tools[{index}]", dropped) for index, tool in enumerate(request.tools)]
    if not none:
        for hosted in request.hosted_tools:
            _add_hosted(body, tools, hosted)
    usable = bool(tools) and not none
    choice: dict[str, Any] | None = {"type": "none"}
    if not tools and declared:
        tools = [{"name": _name(name, "messages"), "input_schema": {"type": "object"}} for name in declared]
    if answer_tool is not None:
        tools.append(answer_tool)
        # Exactly one call, so that the answer is one JSON text.
        choice = {"type": "any"} if usable else {"type": "tool", "name": JSON_TOOL}
        choice["disable_parallel_tool_use"] = True
    elif usable:
        choice = _choice(request.tool_choice, parallel=request.parallel_tool_calls)
    if tools:
        body["tools"] = tools
        if choice is not None:
            body["tool_choice"] = choice


def _tool(tool: Tool, able: Abilities, path: str, dropped: list[str]) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": _name(tool.name, path)}
    if tool.description:
        wire["description"] = tool.description
    schema = tool.parameters or {"properties": {}}
    if schema.get("type", "object") != "object":
        raise RequestInvalidError(
            "invalid_request", f"{path} has parameters that are not the schema of an object.", param=path
        )
    wire["input_schema"] = schema if "type" in schema else {"type": "object", **schema}
    if tool.strict:
        if able.schema and closed(schema) == schema:
            wire["strict"] = True
        elif "strict" not in dropped:
            dropped.append("strict")
    return with_cache(wire, tool.cache)


def _name(name: str, path: str) -> str:
    if len(name) <= 128 and name.isascii() and name.replace("_", "").replace("-", "").isalnum():
        return name
    raise RequestInvalidError(
        "invalid_request", f"{path} has a tool name that is not letters, digits, _ and - only.", param=path
    )


def _add_hosted(body: dict[str, Any], tools: list[dict[str, Any]], hosted: HostedTool) -> None:
    if hosted.format != FORMAT:
        raise RequestInvalidError(
            "unsupported_parameter",
            f"tools has one of kind {hosted.kind} in the form of another vendor, which can't be sent to this model.",
            param="tools",
        )
    parameter = next((name for name in _PARAMETERS if name in hosted.wire), None)
    if parameter is None:
        tools.append(hosted.wire)
    else:
        body[parameter] = hosted.wire[parameter]


def _choice(choice: ToolChoice | None, *, parallel: bool | None) -> dict[str, Any] | None:
    if choice is None and parallel is not False:
        return None
    wire: dict[str, Any] = {"type": _CHOICES[choice.mode] if choice is not None else "auto"}
    if choice is not None and choice.name is not None:
        wire["name"] = choice.name
    if parallel is False:
        wire["disable_parallel_tool_use"] = True
    return wire


def _called(messages: Sequence[Message]) -> list[str]:
    """Names of the tools that the conversation has calls of."""
    names = {
        block.name: None
        for message in messages
        if message.role == "assistant"
        for block in message.blocks
        if type(block) is ToolCallBlock
    }
    return list(names)
