"""How models behind OpenAI's format are asked to think, also by clients whose formats have budgets and switches.

Sources: OpenAI API reference, "reasoning_effort"; DeepSeek API docs, "Thinking Mode"; vLLM docs, "Reasoning Outputs".
"""

from typing import Any, Final

from kaigate.chat.request import ChatRequest, Thinking
from kaigate.providers.provider_row import ProviderRow
from kaigate.providers.unsupported import refuse_or_drop

_EFFORTS: Final = ((4096, "low"), (16_384, "medium"))
"""Below so many tokens of thinking, such an effort; `high` from there on.

The figures are ours: the inverse of those that an effort becomes where a model takes a budget.
"""
_DEFAULT: Final = "medium"


def add_thinking(
    body: dict[str, Any], request: ChatRequest, row: ProviderRow, dropped: list[str], *, drop_params: bool
) -> None:
    """Say how to think with what the upstream has: the effort, or a switch.

    Raises `RequestInvalidError("unsupported_parameter")` where it has nothing to ask with, unless `drop_params`.
    """
    thinking = request.thinking
    if thinking is None:
        body["reasoning_effort"] = request.reasoning_effort
    elif thinking.mode == "disabled":
        _add_disabled(body, row, dropped)
        if request.reasoning_effort is not None:
            dropped.append("reasoning_effort")
    else:
        _add_enabled(body, thinking, request.reasoning_effort, row, dropped, drop_params=drop_params)


def _add_disabled(body: dict[str, Any], row: ProviderRow, dropped: list[str]) -> None:
    """Not to think is never refused: it is named where there is no switch.

    An effort of `none` is no switch: only some models know it, and those do not think unless they are asked to.
    """
    if "thinking" in row.extras:
        body["thinking"] = {"type": "disabled"}
    elif "chat_template_kwargs" in row.extras:
        body["chat_template_kwargs"] = {"enable_thinking": False}
    else:
        dropped.append("thinking")


def _add_enabled(
    body: dict[str, Any],
    thinking: Thinking,
    effort: str | None,
    row: ProviderRow,
    dropped: list[str],
    *,
    drop_params: bool,
) -> None:
    """The client's own effort counts more than its budget, which is no more than translated."""
    if thinking.display is not None:
        dropped.append("thinking.display")
    if "thinking" in row.extras:
        body["thinking"] = {"type": "enabled"}
        if thinking.budget_tokens is not None:
            dropped.append("thinking.budget_tokens")
        if effort is not None:
            body["reasoning_effort"] = effort
    elif "reasoning_effort" not in row.refused:
        body["reasoning_effort"] = effort or _effort(thinking.budget_tokens)
    else:
        refuse_or_drop("thinking", dropped, drop_params=drop_params)
        if effort is not None:
            dropped.append("reasoning_effort")


def _effort(budget: int | None) -> str:
    if budget is None:
        return _DEFAULT
    return next((effort for below, effort in _EFFORTS if budget < below), "high")
