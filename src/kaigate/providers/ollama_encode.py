"""Request bodies for Ollama's native `POST /api/chat` (source: Ollama docs, "Generate a chat completion")."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling
from kaigate.errors import RequestInvalidError
from kaigate.providers.ollama_messages import wire_messages
from kaigate.providers.openai_encode import refuse_or_drop, supported_sampling, wire_tool

_encode: Final = msgspec.json.Encoder().encode

_NO_SAMPLING: Final = Sampling()
REFUSED: Final = frozenset({"logit_bias"})
_OPTIONS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
)
_EXTRA_OPTIONS: Final = frozenset(
    {"typical_p", "repeat_penalty", "repeat_last_n", "mirostat", "mirostat_tau", "mirostat_eta"}
)
_LEVELS: Final[Mapping[str, str]] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_LEVELLED: Final = "gpt-oss"
"""The family of models that knows levels of thinking. For others many servers refuse one, so they only get to think."""


def encode_request(
    request: ChatRequest, *, model: str, max_output_tokens: int | None, num_ctx: int | None, drop_params: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of parameters left out of it.

    `truncate: false` makes Ollama refuse a prompt beyond its window instead of cutting its beginning off, unseen;
    `shift: false` ends an answer at the window's end instead of forgetting the prompt meanwhile. Older servers know
    neither, and are kept from it by `num_ctx` alone.
    Raises `RequestInvalidError("unsupported_parameter")` for what Ollama can't honour, unless `drop_params`.
    """
    dropped: list[str] = []
    body: dict[str, Any] = {
        "model": model,
        "messages": wire_messages(request.messages, dropped, drop_params=drop_params),
        "stream": request.stream,
        "truncate": False,
        "shift": False,
    }
    options = _options(request, dropped, drop_params=drop_params)
    if max_output_tokens is not None:
        options["num_predict"] = max_output_tokens
    if num_ctx is not None:
        options["num_ctx"] = num_ctx
    if options:
        body["options"] = options
    if request.sampling.logprobs:
        body["logprobs"] = True
        if request.sampling.top_logprobs:
            body["top_logprobs"] = request.sampling.top_logprobs
    _add_tools(body, request, dropped, drop_params=drop_params)
    if request.response_format is not None and request.response_format.kind != "text":
        body["format"] = _wire_format(request.response_format)
    _add_thinking(body, request, model, dropped, drop_params=drop_params)
    if request.user is not None:
        dropped.append("user")
    return _encode(body), tuple(dropped)


def _options(request: ChatRequest, dropped: list[str], *, drop_params: bool) -> dict[str, Any]:
    if request.sampling == _NO_SAMPLING and not request.extra:
        return {}
    refused = REFUSED if request.sampling.n in (None, 1) else REFUSED | {"n"}
    sampling = supported_sampling(request.sampling, refused, dropped, drop_params=drop_params)
    options = {name: value for name in _OPTIONS if (value := getattr(sampling, name)) is not None}
    for name, value in request.extra.items():
        if name in _EXTRA_OPTIONS:
            options[name] = value
        elif name != "enable_thinking":
            refuse_or_drop(name, dropped, drop_params=drop_params)
    return options


def _add_tools(body: dict[str, Any], request: ChatRequest, dropped: list[str], *, drop_params: bool) -> None:
    """Ollama has no tool choice: `auto` is what it does, `none` is not to offer the tools, more it can't promise."""
    for tool in request.hosted_tools:
        # Never dropped: without its tool the answer would be another one.
        raise RequestInvalidError(
            "unsupported_parameter",
            f"The model behind this name has no {tool.kind} tool of its own; remove it.",
            param="tools",
        )
    choice = request.tool_choice
    if not request.tools or (choice is not None and choice.mode == "none"):
        return
    if choice is not None and choice.mode != "auto":
        refuse_or_drop("tool_choice", dropped, drop_params=drop_params)
    if request.parallel_tool_calls is False and not request.legacy_functions:
        refuse_or_drop("parallel_tool_calls", dropped, drop_params=drop_params)
    body["tools"] = [wire_tool(tool) for tool in request.tools]


def _add_thinking(
    body: dict[str, Any], request: ChatRequest, model: str, dropped: list[str], *, drop_params: bool
) -> None:
    effort, thinking = request.reasoning_effort, request.thinking
    if thinking is not None:
        # A bound on a part of the answer, where Ollama has one for the whole: that one is sent.
        dropped.extend(f"thinking.{name}" for name in ("budget_tokens", "display") if getattr(thinking, name))
    if thinking is not None and (effort is None or thinking.mode == "disabled"):
        # An effort beside it may be one for the answer as a whole, which is not what Ollama's switch means.
        body["think"] = thinking.mode != "disabled"
        if effort not in (None, "none"):
            dropped.append("reasoning_effort")
    elif effort is not None:
        if effort == "none":
            body["think"] = False
        elif effort in _LEVELS:
            body["think"] = _LEVELS[effort] if _LEVELLED in model else True
        else:
            refuse_or_drop("reasoning_effort", dropped, drop_params=drop_params)
    elif "enable_thinking" in request.extra:
        body["think"] = request.extra["enable_thinking"]


def _wire_format(wanted: ResponseFormat) -> Any:
    return "json" if wanted.kind == "json_object" else wanted.schema or {"type": "object"}
