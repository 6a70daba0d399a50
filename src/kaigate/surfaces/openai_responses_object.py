"""The `response` object: what it repeats of the request, and what the answer adds."""

import secrets
from typing import Any, Final, Literal

from kaigate.chat.content import TextBlock
from kaigate.chat.events import FinishReason, Start
from kaigate.chat.request import ChatRequest, HostedTool, ResponseFormat, Tool, ToolChoice
from kaigate.chat.usage import Usage
from kaigate.surfaces.openai_chat_parts import SERVICE_TIERS
from kaigate.surfaces.openai_responses_echo import Echo

ResponseStatus = Literal["in_progress", "completed", "incomplete"]

_SECRET_OF_TOOL: Final = frozenset({"authorization", "headers", "server_url"})
"""Fields of an MCP tool that may hold a credential; a response is kept and shown more widely than its request."""

_INCOMPLETE: Final[dict[str, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}


def answer_key(start: Start) -> str:
    """What the ids of one answer share; the upstream's own id where it has one."""
    return start.id.removeprefix("chatcmpl-").removeprefix("resp_") or secrets.token_hex(16)


def request_fields(request: ChatRequest, echo: Echo) -> dict[str, Any]:
    """The fields that repeat the request; None stands for a default that only the model's server knows."""
    sampling = request.sampling
    extra = request.extra
    return {
        "background": False,
        "instructions": _instructions(request, echo),
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": echo.max_tool_calls,
        "metadata": echo.metadata,
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": extra.get("prompt_cache_key"),
        "reasoning": {"effort": request.reasoning_effort, "summary": echo.summary},
        "safety_identifier": extra.get("safety_identifier"),
        "store": False,
        "temperature": sampling.temperature,
        "text": _text(request.response_format, extra.get("verbosity")),
        "tool_choice": _choice(request.tool_choice),
        "tools": [*map(_function, request.tools), *map(_hosted, request.hosted_tools)],
        "top_logprobs": sampling.top_logprobs or 0,
        "top_p": sampling.top_p,
        "truncation": "disabled",
        "user": request.user,
    }


def response_object(
    key: str,
    start: Start,
    status: ResponseStatus,
    output: list[dict[str, Any]],
    *,
    provider: str,
    fields: dict[str, Any],
    reason: FinishReason | None = None,
    usage: Usage | None = None,
) -> dict[str, Any]:
    """One `response`: `reason` says why it is incomplete, `fields` come from `request_fields`."""
    body: dict[str, Any] = {
        "id": f"resp_{key}",
        "object": "response",
        "created_at": start.created,
        "status": status,
        "model": start.model,
        "provider": provider,
        "error": None,
        "incomplete_details": {"reason": _INCOMPLETE[reason]} if status == "incomplete" and reason else None,
        "output": output,
        **fields,
        "usage": None if usage is None else _usage(usage),
    }
    if start.service_tier in SERVICE_TIERS:
        body["service_tier"] = start.service_tier
    return body


def final_status(reason: FinishReason) -> Literal["completed", "incomplete"]:
    """The status of an answer that ended for this reason."""
    return "incomplete" if reason in _INCOMPLETE else "completed"


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def _instructions(request: ChatRequest, echo: Echo) -> str | None:
    block = request.messages[0].blocks[0] if echo.instructions else None
    return block.text if isinstance(block, TextBlock) else None


def _text(wanted: ResponseFormat | None, verbosity: str | None) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": wanted.kind if wanted is not None else "text"}
    if wanted is not None and wanted.kind == "json_schema":
        shape |= {
            "name": wanted.name,
            "description": wanted.description,
            "schema": wanted.schema,
            "strict": wanted.strict,
        }
    text: dict[str, Any] = {"format": shape}
    if verbosity is not None:
        text["verbosity"] = verbosity
    return text


def _choice(choice: ToolChoice | None) -> Any:
    if choice is None:
        return "auto"
    return {"type": "function", "name": choice.name} if choice.mode == "named" else choice.mode


def _function(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }


def _hosted(tool: HostedTool) -> dict[str, Any]:
    return {name: value for name, value in tool.wire.items() if name not in _SECRET_OF_TOOL}
