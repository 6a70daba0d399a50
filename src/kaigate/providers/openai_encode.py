"""Request bodies for OpenAI and compatible servers, from the canonical request."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.openai_messages import wire_messages
from kaigate.providers.openai_thinking import add_thinking
from kaigate.providers.provider_row import ProviderRow
from kaigate.providers.unsupported import HINTS, refuse_or_drop, supported_sampling

__all__ = ["HINTS", "encode_request", "refuse_or_drop", "supported_sampling", "wire_tool"]

_encode: Final = msgspec.json.Encoder().encode
_NO_SAMPLING: Final = Sampling()


def encode_request(
    request: ChatRequest, row: ProviderRow, *, model: str, max_output_tokens: int | None, drop_params: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of parameters left out of it; `ChatRequest.hints` and cache marks never are in it.

    Raises `RequestInvalidError("unsupported_parameter")` for what the row refuses, unless `drop_params`.
    """
    dropped: list[str] = []
    body: dict[str, Any] = {
        "model": model,
        "messages": wire_messages(request.messages, row, dropped, drop_params=drop_params),
    }
    if max_output_tokens is not None:
        body[row.max_tokens_field] = max_output_tokens
    if request.stream:
        body["stream"] = True
        if row.stream_usage:
            body["stream_options"] = {"include_usage": True}
    if request.tools or request.hosted_tools:
        _add_tools(body, request)
    if request.response_format is not None:
        body["response_format"] = _wire_format(request.response_format)
    if request.reasoning_effort is not None or request.thinking is not None:
        add_thinking(body, request, row, dropped, drop_params=drop_params)
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


def _add_extras(
    body: dict[str, Any], extra: Mapping[str, Any], row: ProviderRow, dropped: list[str], *, drop_params: bool
) -> None:
    for name, value in extra.items():
        if name in row.extras:
            body[name] = value
        else:
            refuse_or_drop(name, dropped, drop_params=drop_params)


def _add_tools(body: dict[str, Any], request: ChatRequest) -> None:
    for hosted in request.hosted_tools:
        # Never dropped: without its tool the answer would be another one. No client of this format can ask for one.
        raise RequestInvalidError(
            "unsupported_parameter",
            f"The model behind this name has no {hosted.kind} tool of its own; remove it.",
            param="tools",
        )
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
