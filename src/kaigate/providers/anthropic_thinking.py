"""How a model is asked to think (source: Anthropic docs, "Thinking", "Extended thinking", "Effort")."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from kaigate.chat.content import Message, ReasoningBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, Sampling, Thinking
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_models import Abilities
from kaigate.providers.openai_encode import refuse_or_drop

MIN_BUDGET: Final = 1024
_BUDGETS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 4096,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
_EFFORTS: Final[Mapping[str, str]] = {"minimal": "low"}
_MIN_TOP_P: Final = 0.95


class Plan(msgspec.Struct, frozen=True):
    """What is sent: the `thinking` parameter and the effort.

    `manual` thinking, with a budget, goes with neither forced tools nor sampling parameters nor prefill.
    """

    wire: dict[str, Any] | None = None
    effort: str | None = None
    manual: bool = False


def plan_thinking(
    request: ChatRequest, able: Abilities, max_tokens: int, dropped: list[str], *, prefill: bool, drop_params: bool
) -> Plan:
    """How to think; raises `RequestInvalidError` for what the model or the rest of the request does not allow.

    `prefill`: the conversation ends with an assistant's turn that the answer goes on from.
    """
    given = request.thinking or _given(request.extra.get("thinking"))
    name = "reasoning_effort" if given is None else "thinking"
    plan = (
        _from_effort(request, able, max_tokens, dropped, drop_params=drop_params)
        if given is None
        else _from_thinking(given, _beside(request, able, dropped), max_tokens)
    )
    if not plan.manual:
        return plan
    choice = request.tool_choice
    if _in_tool_loop(request.messages):
        # The turn that calls tools must begin with signed reasoning; most clients can't replay it.
        dropped.append(name)
    elif (choice is not None and choice.mode in ("required", "named")) or prefill:
        refuse_or_drop(name, dropped, drop_params=drop_params)
    else:
        return plan
    return Plan(effort=plan.effort)


def fitting_sampling(sampling: Sampling, plan: Plan, dropped: list[str], *, drop_params: bool) -> Sampling:
    """The sampling that goes with thinking, in the ranges of this API; raises unless the rest may be dropped."""
    wrong = []
    if sampling.temperature is not None and (sampling.temperature > 1 or (plan.manual and sampling.temperature != 1)):
        wrong.append("temperature")
    if plan.manual and sampling.top_p is not None and sampling.top_p < _MIN_TOP_P:
        wrong.append("top_p")
    if plan.manual and sampling.top_k is not None:
        wrong.append("top_k")
    for name in wrong:
        refuse_or_drop(name, dropped, drop_params=drop_params)
    return msgspec.structs.replace(sampling, **dict.fromkeys(wrong)) if wrong else sampling


def _from_thinking(given: Thinking, effort: str | None, max_tokens: int) -> Plan:
    if given.mode == "disabled":
        return Plan({"type": "disabled"}, effort)
    wire: dict[str, Any] = {"type": given.mode}
    if given.mode == "enabled":
        budget = given.budget_tokens
        if budget is None or not MIN_BUDGET <= budget < max_tokens:
            raise RequestInvalidError(
                "invalid_request",
                f"thinking.budget_tokens must be at least {MIN_BUDGET} and below max_tokens, here {max_tokens}.",
                param="thinking.budget_tokens",
            )
        wire["budget_tokens"] = budget
    if given.display is not None:
        wire["display"] = given.display
    return Plan(wire, effort, manual=given.mode == "enabled")


def _from_effort(
    request: ChatRequest, able: Abilities, max_tokens: int, dropped: list[str], *, drop_params: bool
) -> Plan:
    effort = request.reasoning_effort
    if effort is None:
        return Plan()
    if "anthropic-version" in request.hints:
        return Plan(effort=effort)  # a client of this very format: it would have asked for thinking by its name
    if effort == "none":
        return Plan({"type": "disabled"}) if able.thinking == "adaptive" else Plan()
    if able.thinking == "adaptive":
        return Plan({"type": "adaptive"}, _known(effort, able))
    # A quarter is left for the answer itself.
    budget = min(_BUDGETS.get(effort, MIN_BUDGET), max_tokens * 3 // 4)
    if able.thinking == "none" or budget < MIN_BUDGET:
        refuse_or_drop("reasoning_effort", dropped, drop_params=drop_params)
        return Plan()
    return Plan({"type": "enabled", "budget_tokens": budget}, manual=True)


def _beside(request: ChatRequest, able: Abilities, dropped: list[str]) -> str | None:
    """The effort of a request that says how to think besides: no model without efforts is sent one."""
    effort = request.reasoning_effort
    if effort is None or "anthropic-version" in request.hints:
        return effort
    if able.thinking == "adaptive" and effort != "none":
        return _known(effort, able)
    dropped.append("reasoning_effort")
    return None


def _known(effort: str, able: Abilities) -> str:
    known = _EFFORTS.get(effort, effort)
    return "high" if known == "xhigh" and not able.xhigh else known


def _given(value: Any) -> Thinking | None:
    """The parameter in Anthropic's own words, as clients of other formats send it too."""
    if value is None:
        return None
    try:
        named = {"mode" if key == "type" else key: item for key, item in value.items()}
        return msgspec.convert(named, Thinking)
    except (AttributeError, msgspec.ValidationError):
        raise RequestInvalidError(
            "invalid_request",
            'thinking must have the form {"type": "enabled", "budget_tokens": 2048}.',
            param="thinking",
        ) from None


def _in_tool_loop(messages: Sequence[Message]) -> bool:
    """Whether results answer a turn that called tools and does not begin with reasoning that can be replayed."""
    answered = False
    for message in reversed(messages):
        if message.role == "assistant":
            first = message.blocks[0] if message.blocks else None
            replayed = isinstance(first, ReasoningBlock) and (first.signature or first.redacted)
            return answered and not replayed and any(isinstance(block, ToolCallBlock) for block in message.blocks)
        if message.role == "user":
            return False
        answered = answered or message.role == "tool"
    return False
