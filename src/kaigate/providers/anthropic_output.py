"""Answers in JSON: held to a schema by the server where it can, else the arguments of a tool that must be called."""

from typing import Any, Final

import msgspec

from kaigate.chat.request import ChatRequest, ResponseFormat
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_models import Abilities
from kaigate.providers.json_schema import SchemaError, closed, inlined
from kaigate.providers.openai_encode import refuse_or_drop

JSON_TOOL: Final = "json_answer"
"""The tool whose arguments are the answer's text; clients can't have one of that name beside a response_format."""

_DESCRIPTION: Final = "Gives the final answer. Call it once; its arguments are the whole answer."


class OutputPlan(msgspec.Struct, frozen=True):
    """`schema` for the server's own structured output, or `tool` to be called; neither where text is asked for."""

    schema: dict[str, Any] | None = None
    tool: dict[str, Any] | None = None


def json_tool_of(request: ChatRequest) -> str | None:
    """The name by which the decoder knows an answer that came as a tool's arguments."""
    wanted = request.response_format
    return None if wanted is None or wanted.kind == "text" else JSON_TOOL


def plan_output(
    request: ChatRequest, able: Abilities, dropped: list[str], *, thinking: bool, prefill: bool, drop_params: bool
) -> OutputPlan:
    """How to get the JSON that is asked for; `thinking` (with a budget) excludes a forced tool, and so does `prefill`.

    Raises `RequestInvalidError` for a schema that can't be sent, or a request that leaves no way.
    """
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return OutputPlan()
    if any(tool.name == JSON_TOOL for tool in request.tools):
        raise RequestInvalidError(
            "invalid_request", f"A tool may not be called {JSON_TOOL} beside a response_format.", param="tools"
        )
    schema = _schema(wanted)
    native = closed(schema) if able.schema and wanted.kind == "json_schema" else None
    if native is not None:
        return OutputPlan(schema=native)
    choice = request.tool_choice
    if thinking or prefill or (choice is not None and choice.mode in ("required", "named")):
        # Neither goes with a tool that must be called to answer.
        refuse_or_drop("response_format", dropped, drop_params=drop_params)
        return OutputPlan()
    about = f"{_DESCRIPTION} {wanted.description}" if wanted.description else _DESCRIPTION
    return OutputPlan(tool={"name": JSON_TOOL, "description": about, "input_schema": schema})


def _schema(wanted: ResponseFormat) -> dict[str, Any]:
    """The schema of an object: tools take no other arguments, and JSON mode promises no other answer."""
    if wanted.kind == "json_object" or wanted.schema is None:
        return {"type": "object", "properties": {}, "additionalProperties": True}
    try:
        schema = inlined(wanted.schema)
    except SchemaError as error:
        raise _invalid(str(error)) from None
    if schema.get("type", "object") != "object":
        raise _invalid("is not that of an object")
    return {"type": "object", **schema}


def _invalid(what: str) -> RequestInvalidError:
    field = "response_format.json_schema.schema"
    return RequestInvalidError("unsupported_parameter", f"{field} {what}.", param=field)
