"""Request bodies for Converse and ConverseStream, from the canonical request."""

from typing import Any, Final

import msgspec

from kaigate.chat.request import ChatRequest
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_cache import CachePoints
from kaigate.providers.bedrock_messages import Conversation
from kaigate.providers.bedrock_models import Family, caches_prompt, can_think, family
from kaigate.providers.bedrock_names import ToolNames
from kaigate.providers.bedrock_params import Parameters, service_tier
from kaigate.providers.bedrock_tools import check_tools, tool_config
from kaigate.providers.openai_encode import refuse_or_drop

_encode: Final = msgspec.json.Encoder().encode


def encode_request(
    request: ChatRequest, *, model: str, max_output_tokens: int | None, drop_params: bool
) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of parameters left out of it.

    Raises `RequestInvalidError("unsupported_parameter")` for what the model can't honour, unless `drop_params`.
    """
    dropped: list[str] = []
    kind = family(model)
    names = ToolNames(request)
    parameters = Parameters(
        request,
        model=model,
        kind=kind,
        max_output_tokens=max_output_tokens,
        dropped=dropped,
        drop_params=drop_params,
    )
    check_tools(request, kind, dropped, drop_params=drop_params)
    _check_extras(request, dropped, drop_params=drop_params)
    cache = CachePoints(dropped, supported=caches_prompt(model))
    replays = kind == "claude" and can_think(model)
    conversation = Conversation(request, names, cache, replays_reasoning=replays)
    body: dict[str, Any] = {"messages": conversation.messages}
    if conversation.system:
        body["system"] = conversation.system
    if parameters.inference:
        body["inferenceConfig"] = parameters.inference
    answer_tool = _answer_tool(request, kind, names, parameters, dropped, drop_params=drop_params)
    config = tool_config(
        request,
        names,
        cache if kind == "claude" else CachePoints(dropped, supported=False),
        answer_tool=answer_tool,
        has_tool_blocks=conversation.has_tool_blocks,
    )
    if config is not None:
        _settle_choice(config, parameters)
        body["toolConfig"] = config
    if parameters.additional:
        body["additionalModelRequestFields"] = parameters.additional
    if parameters.response_paths:
        body["additionalModelResponseFieldPaths"] = parameters.response_paths
    tier = service_tier(request, dropped)
    if tier is not None:
        body["serviceTier"] = {"type": tier}
    return _encode(body), tuple(dict.fromkeys(dropped))


def _answer_tool(
    request: ChatRequest,
    kind: Family,
    names: ToolNames,
    parameters: Parameters,
    dropped: list[str],
    *,
    drop_params: bool,
) -> str | None:
    """The tool that makes a Claude model answer in JSON. Other models, and one that thinks, can't be made to."""
    if names.answer_tool is None:
        if request.response_format is not None and request.response_format.kind != "text" and kind != "claude":
            refuse_or_drop("response_format", dropped, drop_params=drop_params)
        return None
    if kind != "claude" or parameters.thinks:
        refuse_or_drop("response_format", dropped, drop_params=drop_params)
        return None
    return names.answer_tool


def _settle_choice(config: dict[str, Any], parameters: Parameters) -> None:
    """Bring the tool choice together with what excludes it."""
    choice: dict[str, Any] = config.get("toolChoice", {})
    if parameters.thinks and ("any" in choice or "tool" in choice):
        raise RequestInvalidError(
            "unsupported_parameter",
            "The model behind this name can't be forced to call a tool while it reasons; "
            "set tool_choice to auto or leave reasoning out.",
            param="tool_choice",
        )
    one_call: dict[str, Any] | None = parameters.additional.get("tool_choice")
    if one_call is not None:
        config.pop("toolChoice", None)
        one_call["type"] = next(iter(choice), "auto")
        one_call.update(choice.get("tool", {}))


def _check_extras(request: ChatRequest, dropped: list[str], *, drop_params: bool) -> None:
    for name in request.extra:
        if name != "service_tier":
            refuse_or_drop(name, dropped, drop_params=drop_params)
    if request.user is not None:
        dropped.append("user")
