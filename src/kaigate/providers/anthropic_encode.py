"""Request bodies for Anthropic's Messages API, from the canonical request."""

import hashlib
from typing import Any, Final

import msgspec

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, Sampling
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_messages import conversation
from kaigate.providers.anthropic_models import abilities
from kaigate.providers.anthropic_output import plan_output
from kaigate.providers.anthropic_thinking import fitting_sampling, plan_thinking
from kaigate.providers.anthropic_tools import add_tools
from kaigate.providers.openai_encode import refuse_or_drop, supported_sampling

MAX_CACHE_MARKS: Final = 4
REFUSED: Final = frozenset(
    {"seed", "min_p", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "n"}
)
_NEUTRAL: Final = {
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "top_logprobs": 0,
    "n": 1,
}
"""Values that ask for nothing: many clients send them always."""

_SERVICE_TIERS: Final = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_NO_SAMPLING: Final = Sampling()
_encode: Final = msgspec.json.Encoder().encode


def encode_request(
    request: ChatRequest, *, model: str, max_output_tokens: int | None, drop_params: bool
) -> tuple[bytes, list[str]]:
    """The body, and the names of parameters left out of it.

    Raises `RequestInvalidError("unsupported_parameter")` for what the API can't honour, unless `drop_params`; for a
    request whose parts exclude each other `invalid_request`.
    """
    if max_output_tokens is None:
        raise RequestInvalidError(
            "invalid_request",
            "max_tokens is required by the model behind this name: send it, or let the operator set the model's "
            "max_tokens in the gateway's configuration.",
            param="max_tokens",
        )
    talk = conversation(request.messages)
    dropped = talk.dropped
    body: dict[str, Any] = {"model": model, "max_tokens": max_output_tokens, "messages": talk.turns}
    if talk.system is not None:
        body["system"] = talk.system
    if request.stream:
        body["stream"] = True
    if request.user is not None:
        body["metadata"] = {"user_id": _opaque(request.user)}
    if _is_plain(request):
        return _encode(body), dropped
    able = abilities(model)
    prefill = talk.turns[-1].role == "assistant"
    thinking = plan_thinking(request, able, max_output_tokens, dropped, prefill=prefill, drop_params=drop_params)
    output = plan_output(request, able, dropped, thinking=thinking.manual, prefill=prefill, drop_params=drop_params)
    add_tools(body, request, able, output.tool, dropped)
    if thinking.wire is not None:
        body["thinking"] = thinking.wire
    config: dict[str, Any] = {}
    if thinking.effort is not None:
        config["effort"] = thinking.effort
    if output.schema is not None:
        config["format"] = {"type": "json_schema", "schema": output.schema}
    if config:
        body["output_config"] = config
    sampling = _supported(request.sampling, dropped, drop_params=drop_params)
    _add_sampling(
        body, fitting_sampling(sampling, thinking, dropped, drop_params=drop_params), dropped, drop=drop_params
    )
    _add_extras(body, request.extra, dropped, drop_params=drop_params)
    encoded = _encode(body)
    if encoded.count(b'"cache_control"') > MAX_CACHE_MARKS:
        _check_marks(request)
    return encoded, dropped


def _is_plain(request: ChatRequest) -> bool:
    """Whether nothing but text and a ceiling is asked for, as in most requests."""
    return (
        request.sampling == _NO_SAMPLING
        and not (request.tools or request.hosted_tools or request.extra)
        and request.response_format is None
        and request.reasoning_effort is None
        and request.thinking is None
        and all(_is_text(message) for message in request.messages)
    )


def _is_text(message: Message) -> bool:
    block = message.blocks[0] if len(message.blocks) == 1 and message.role != "tool" else None
    return type(block) is TextBlock and block.cache is None


def _opaque(user: str) -> str:
    """An id that stays the same for one user and tells nothing of what the client wrote."""
    return "user_" + hashlib.sha256(b"kaigate user\0" + user.encode("utf-8", "replace")).hexdigest()[:40]


def _supported(sampling: Sampling, dropped: list[str], *, drop_params: bool) -> Sampling:
    asked = [name for name in REFUSED if getattr(sampling, name) not in (None, _NEUTRAL.get(name))]
    return supported_sampling(sampling, frozenset(asked), dropped, drop_params=drop_params)


def _add_sampling(body: dict[str, Any], sampling: Sampling, dropped: list[str], *, drop: bool) -> None:
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value
    if not sampling.stop:
        return
    # Anthropic takes no stop sequence of white space only.
    visible = [text for text in sampling.stop if text.strip()]
    if len(visible) < len(sampling.stop):
        refuse_or_drop("stop", dropped, drop_params=drop)
    if visible:
        body["stop_sequences"] = visible


def _add_extras(body: dict[str, Any], extra: dict[str, Any], dropped: list[str], *, drop_params: bool) -> None:
    for name, value in extra.items():
        if name == "thinking":
            continue
        tier = _SERVICE_TIERS.get(value) if name == "service_tier" and isinstance(value, str) else None
        if tier is not None:
            body["service_tier"] = tier
        else:
            refuse_or_drop(name, dropped, drop_params=drop_params)


def _check_marks(request: ChatRequest) -> None:
    marks = sum(tool.cache is not None for tool in request.tools)
    marks += sum("cache_control" in tool.wire for tool in request.hosted_tools)
    for message in request.messages:
        marks += message.cache is not None
        marks += sum(getattr(block, "cache", None) is not None for block in message.blocks)
    if marks > MAX_CACHE_MARKS:
        raise RequestInvalidError(
            "invalid_request", f"At most {MAX_CACHE_MARKS} blocks may have cache_control.", param="messages"
        )
