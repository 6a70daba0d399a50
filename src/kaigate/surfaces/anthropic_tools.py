"""Tools of Anthropic's Messages API: the client's own, the vendor's, and the choice among them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from kaigate.chat.request import HostedTool, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.surfaces import anthropic_wire as wire
from kaigate.surfaces.anthropic_content import mark
from kaigate.surfaces.field_errors import field_error

FORMAT: Final = "anthropic_messages"

_Kind = Literal["web_search", "code_interpreter", "mcp", "computer_use", "other"]
_KINDS: Final[Mapping[str, _Kind]] = {
    "web_search": "web_search",
    "code_execution": "code_interpreter",
    "mcp_toolset": "mcp",
    "computer": "computer_use",
    "browser": "computer_use",
}
"""Beginning of a vendor tool's `type` (a date follows) to our kind of the same thing; every other is `other`."""


def tools(definitions: Sequence[dict[str, Any]] | None) -> tuple[tuple[Tool, ...], tuple[HostedTool, ...]]:
    """The client's tools and the vendor's; raises `RequestInvalidError` with the path of what can't be served."""
    own: list[Tool] = []
    hosted: list[HostedTool] = []
    names: set[str] = set()
    for index, definition in enumerate(definitions or ()):
        path = f"tools[{index}]"
        kind = definition.get("type")
        if kind is None or kind == "custom":
            tool = _own(definition, path)
            own.append(tool)
            name = tool.name
        else:
            hosted.append(_hosted(definition, kind, path))
            name = definition.get("name", "")
        if name and name in names:
            raise RequestInvalidError("invalid_request", f"{path}.name is that of an earlier tool.", param=path)
        names.add(name)
    return tuple(own), tuple(hosted)


def extensions(
    servers: Sequence[dict[str, Any]] | None, container: str | dict[str, Any] | None
) -> tuple[HostedTool, ...]:
    """Remote servers and the sandbox that the vendor's own tools would use; `wire` keeps the parameter's name."""
    found: list[HostedTool] = []
    if servers:
        found.append(HostedTool("mcp", FORMAT, {"mcp_servers": list(servers)}))
    if container is not None:
        found.append(HostedTool("code_interpreter", FORMAT, {"container": container}))
    return tuple(found)


def tool_choice(
    choice: wire.AutoChoice | wire.AnyChoice | wire.ToolChoice | wire.NoneChoice | None,
    own: Sequence[Tool],
    hosted: Sequence[HostedTool],
) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether calls may be parallel where the client says; a choice among no tools is none."""
    if choice is None:
        return None, None
    if not own and not hosted:
        if isinstance(choice, wire.AutoChoice | wire.NoneChoice):
            return None, None
        raise RequestInvalidError("invalid_request", "tool_choice needs tools.", param="tool_choice")
    if isinstance(choice, wire.NoneChoice):
        return ToolChoice("none"), None
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    if isinstance(choice, wire.AutoChoice):
        return ToolChoice("auto"), parallel
    if isinstance(choice, wire.AnyChoice):
        return ToolChoice("required"), parallel
    if choice.name not in {tool.name for tool in own} | {tool.wire.get("name") for tool in hosted}:
        raise RequestInvalidError(
            "invalid_request", "tool_choice.name is not among the tools.", param="tool_choice.name"
        )
    return ToolChoice("named", choice.name), parallel


def _own(definition: dict[str, Any], path: str) -> Tool:
    try:
        tool = msgspec.convert(definition, wire.CustomTool)
    except msgspec.ValidationError as error:
        raise _at(path, field_error(str(error), {"type": "custom"})) from None
    if tool.defer_loading:
        raise _unsupported(f"{path}.defer_loading", "tools that are found by search are not served")
    if any(caller != "direct" for caller in tool.allowed_callers or ()):
        raise _unsupported(f"{path}.allowed_callers", "calls from the vendor's sandbox are not served")
    if tool.input_examples:
        raise _unsupported(f"{path}.input_examples", "put examples into the description")
    return Tool(tool.name, tool.description, tool.input_schema, tool.strict, mark(tool.cache_control))


def _unsupported(path: str, remedy: str) -> RequestInvalidError:
    return RequestInvalidError("unsupported_parameter", f"{path} is not served: {remedy}.", param=path)


def _hosted(definition: dict[str, Any], kind: Any, path: str) -> HostedTool:
    if not isinstance(kind, str) or not kind or len(kind) > 64 or not kind.replace("_", "").isalnum():
        raise RequestInvalidError(
            "invalid_request",
            f"{path}.type is not the type of a tool; leave it out for your own.",
            param=f"{path}.type",
        )
    for prefix, ours in _KINDS.items():
        if kind.startswith(prefix):
            return HostedTool(ours, FORMAT, definition)
    return HostedTool("other", FORMAT, definition)


def _at(path: str, error: RequestInvalidError) -> RequestInvalidError:
    """The same refusal, of a part of the request that stands at `path`."""
    message = error.message
    if message.startswith("The request has"):
        message = message.replace("The request", path, 1)
    elif error.param:
        message = f"{path}.{message}"
    return RequestInvalidError(error.code, message, param=f"{path}.{error.param}" if error.param else path)
