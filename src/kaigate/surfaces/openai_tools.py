"""Rules that the tools of every OpenAI format keep."""

from collections.abc import Sequence

from kaigate.chat.request import Tool
from kaigate.errors import RequestInvalidError


def unique_tools(tools: Sequence[Tool], path: str) -> tuple[Tool, ...]:
    """The tools; raises `RequestInvalidError` where two have one name."""
    if len({tool.name for tool in tools}) != len(tools):
        raise _invalid(path, "has two functions with one name")
    return tuple(tools)


def require_offered(names: set[str], tools: Sequence[Tool], path: str) -> None:
    """Refuse names that no tool has."""
    if not names <= {tool.name for tool in tools}:
        raise _invalid(path, "names a function that is not among the tools")


def allowed_tools(names: set[str], tools: Sequence[Tool], path: str) -> tuple[Tool, ...]:
    """The tools of these names: to allow only them is the same as to offer only them."""
    require_offered(names, tools, path)
    return tuple(tool for tool in tools if tool.name in names)


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
