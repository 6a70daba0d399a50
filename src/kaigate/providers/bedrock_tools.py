"""Tools in Converse's form (source: Bedrock API reference, `ToolConfiguration`)."""

from typing import Any, Final

from kaigate.chat.request import ChatRequest, ResponseFormat, Tool
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_cache import CachePoints
from kaigate.providers.bedrock_models import Family
from kaigate.providers.bedrock_names import ToolNames
from kaigate.providers.openai_encode import refuse_or_drop

PLACEHOLDER: Final = {
    "toolSpec": {
        "name": "no_tool",
        "description": "No tool can be called now.",
        "inputSchema": {"json": {"type": "object", "properties": {}}},
    }
}
"""Converse wants tools declared where the history has any; a call of this one is refused by the decoder."""

_ANSWER: Final = "Give the answer by calling this tool: its arguments are the whole answer."


def tool_config(
    request: ChatRequest, names: ToolNames, cache: CachePoints, *, answer_tool: str | None, has_tool_blocks: bool
) -> dict[str, Any] | None:
    """The `toolConfig`, None where there is nothing to declare."""
    tools: list[dict[str, Any]] = []
    if names.offered:
        for tool in request.tools:
            tools.append(_wire_tool(tool, names))
            cache.add(tools, tool.cache)
    if answer_tool is not None and request.response_format is not None:
        tools.append(_wire_answer_tool(answer_tool, request.response_format))
        # Beside tools of the client's one of them may be called first; alone it must be.
        return {"tools": tools, "toolChoice": {"any": {}} if names.offered else {"tool": {"name": answer_tool}}}
    if not tools:
        return {"tools": [PLACEHOLDER]} if has_tool_blocks else None
    config: dict[str, Any] = {"tools": tools}
    choice = request.tool_choice
    if choice is not None:
        if choice.mode == "named" and choice.name is not None:
            config["toolChoice"] = {"tool": {"name": names.upstream(choice.name)}}
        else:
            config["toolChoice"] = {"any" if choice.mode == "required" else "auto": {}}
    return config


def check_tools(request: ChatRequest, kind: Family, dropped: list[str], *, drop_params: bool) -> None:
    """Refuse, or note as dropped, what Converse has no word for."""
    if request.hosted_tools:
        refuse_or_drop("tools", dropped, drop_params=drop_params)
    if request.parallel_tool_calls is False and request.tools and kind != "claude" and not request.legacy_functions:
        refuse_or_drop("parallel_tool_calls", dropped, drop_params=drop_params)


def _wire_tool(tool: Tool, names: ToolNames) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": names.upstream(tool.name)}
    if tool.description and not tool.description.isspace():
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": object_schema(tool.parameters, f"tools.{names.upstream(tool.name)}.parameters")}
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return {"toolSpec": spec}


def _wire_answer_tool(name: str, wanted: ResponseFormat) -> dict[str, Any]:
    description = f"{_ANSWER} {wanted.description}" if wanted.description else _ANSWER
    schema = object_schema(wanted.schema, "response_format.json_schema.schema")
    return {"toolSpec": {"name": name, "description": description, "inputSchema": {"json": schema}}}


def object_schema(schema: dict[str, Any] | None, path: str) -> dict[str, Any]:
    """A schema whose root says that it is an object's, as Converse wants it; raises where it is something else's.

    A root that only refers to one of its own definitions becomes that definition.
    """
    if not schema:
        return {"type": "object", "properties": {}} if schema is None else {"type": "object"}
    kind = schema.get("type")
    if kind == "object":
        return schema
    if kind is not None:
        raise RequestInvalidError(
            "unsupported_parameter", f"{path} is not the schema of an object; wrap it into one.", param=path
        )
    reference = schema.get("$ref")
    if isinstance(reference, str):
        group, _, name = reference.removeprefix("#/").partition("/")
        definitions = schema.get(group)
        found = definitions.get(name) if isinstance(definitions, dict) else None
        if not isinstance(found, dict) or "$ref" in found:
            raise RequestInvalidError("invalid_request", f"{path} refers to a definition it lacks.", param=path)
        return object_schema({**found, group: definitions}, path)
    return {"type": "object", **schema}
