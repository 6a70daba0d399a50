"""Request bodies for Ollama's native `POST /api/chat` (source: Ollama docs, "Generate a chat completion")."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.chat.content import ImageBlock, Message, ReasoningBlock, RefusalBlock, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, ResponseFormat
from kaigate.errors import RequestInvalidError
from kaigate.providers.openai_encode import refuse_or_drop, supported_sampling, wire_tool

_encode: Final = msgspec.json.Encoder().encode

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
_THINK: Final[Mapping[str, bool | str]] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def encode_request(
    request: ChatRequest, *, model: str, max_output_tokens: int | None, num_ctx: int | None, drop_params: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of parameters left out of it.

    `truncate: false` makes Ollama refuse a prompt beyond its window instead of cutting its beginning off, unseen.
    Raises `RequestInvalidError("unsupported_parameter")` for what Ollama can't honour, unless `drop_params`.
    """
    dropped: list[str] = []
    names = {
        block.id: block.name
        for message in request.messages
        for block in message.blocks
        if isinstance(block, ToolCallBlock)
    }
    body: dict[str, Any] = {
        "model": model,
        "messages": [
            _wire_message(message, f"messages[{index}]", names) for index, message in enumerate(request.messages)
        ],
        "stream": request.stream,
        "truncate": False,
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
    _add_thinking(body, request)
    if request.user is not None:
        dropped.append("user")
    return _encode(body), tuple(dropped)


def _options(request: ChatRequest, dropped: list[str], *, drop_params: bool) -> dict[str, Any]:
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
    choice = request.tool_choice
    if not request.tools or (choice is not None and choice.mode == "none"):
        return
    if choice is not None and choice.mode != "auto":
        refuse_or_drop("tool_choice", dropped, drop_params=drop_params)
    if request.parallel_tool_calls is False and not request.legacy_functions:
        refuse_or_drop("parallel_tool_calls", dropped, drop_params=drop_params)
    body["tools"] = [wire_tool(tool) for tool in request.tools]


def _add_thinking(body: dict[str, Any], request: ChatRequest) -> None:
    if request.reasoning_effort is not None:
        body["think"] = _THINK[request.reasoning_effort]
    elif "enable_thinking" in request.extra:
        body["think"] = request.extra["enable_thinking"]


def _wire_format(wanted: ResponseFormat) -> Any:
    return "json" if wanted.kind == "json_object" else wanted.schema or {"type": "object"}


def _wire_message(message: Message, path: str, names: Mapping[str, str]) -> dict[str, Any]:
    texts: list[str] = []
    images: list[str] = []
    calls: list[dict[str, Any]] = []
    wire: dict[str, Any] = {"role": message.role}
    for block in message.blocks:
        if isinstance(block, TextBlock | RefusalBlock):
            texts.append(block.text)
        elif isinstance(block, ImageBlock):
            images.append(_image(block, path))
        elif isinstance(block, ToolCallBlock):
            calls.append({"id": block.id, "function": {"name": block.name, "arguments": _arguments(block, path)}})
        elif isinstance(block, ReasoningBlock):
            wire["thinking"] = wire.get("thinking", "") + block.text
        else:
            raise RequestInvalidError(
                "unsupported_parameter",
                f"{path}.content has audio or a file, which the model behind this name does not take; send text.",
                param=f"{path}.content",
            )
    wire["content"] = "\n".join(texts)
    if images:
        wire["images"] = images
    if calls:
        wire["tool_calls"] = calls
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
        name = names.get(message.tool_call_id, message.name)
        if name is not None:
            wire["tool_name"] = name
    return wire


def _image(block: ImageBlock, path: str) -> str:
    if block.data is None:
        raise RequestInvalidError(
            "unsupported_parameter",
            f"{path}.content has an image URL, which the model behind this name does not fetch; send a data: URI.",
            param=f"{path}.content",
        )
    return block.data


def _arguments(block: ToolCallBlock, path: str) -> Any:
    """Ollama wants an object where OpenAI has JSON text."""
    try:
        arguments = msgspec.json.decode(block.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise RequestInvalidError(
            "invalid_request",
            f"{path}.tool_calls has arguments that are not a JSON object.",
            param=f"{path}.tool_calls",
        )
    return arguments
