"""Budgets and switches of other formats become what the upstream has, or are refused or named."""

from typing import Any

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, Thinking
from kaigate.errors import RequestInvalidError
from kaigate.providers.openai_thinking import add_thinking
from kaigate.providers.registry import ROWS

USER = Message("user", (TextBlock("Hi"),))


def added(
    thinking: Thinking | None, row: str = "openai", *, effort: str | None = None, drop: bool = False
) -> tuple[dict[str, Any], list[str]]:
    body: dict[str, Any] = {}
    dropped: list[str] = []
    request = ChatRequest("m", (USER,), thinking=thinking, reasoning_effort=effort)
    add_thinking(body, request, ROWS[row], dropped, drop_params=drop)
    return body, dropped


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        (Thinking("enabled", 1024), "low"),
        (Thinking("enabled", 4095), "low"),
        (Thinking("enabled", 4096), "medium"),
        (Thinking("enabled", 16_383), "medium"),
        (Thinking("enabled", 16_384), "high"),
        (Thinking("enabled", 100_000), "high"),
        (Thinking("enabled"), "medium"),
        (Thinking("adaptive"), "medium"),
    ],
)
@pytest.mark.parametrize("row", ["openai", "azure", "openai_compatible", "vllm", "llamacpp", "groq"])
def test_a_budget_becomes_an_effort(row: str, thinking: Thinking, effort: str) -> None:
    assert added(thinking, row) == ({"reasoning_effort": effort}, [])


def test_the_clients_own_effort_counts_more() -> None:
    assert added(Thinking("enabled", 1024), effort="xhigh") == ({"reasoning_effort": "xhigh"}, [])
    assert added(Thinking("adaptive"), "deepseek", effort="max") == (
        {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
        [],
    )
    assert added(None, effort="low") == ({"reasoning_effort": "low"}, [])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("deepseek", ({"thinking": {"type": "disabled"}}, [])),
        ("vllm", ({"chat_template_kwargs": {"enable_thinking": False}}, [])),
        ("llamacpp", ({"chat_template_kwargs": {"enable_thinking": False}}, [])),
        ("openai", ({}, ["thinking"])),
        ("mistral", ({}, ["thinking"])),
    ],
)
def test_not_to_think_is_said_with_a_switch_or_named(row: str, expected: tuple[dict[str, Any], list[str]]) -> None:
    assert added(Thinking("disabled"), row) == expected
    body, dropped = added(Thinking("disabled"), row, effort="high")
    assert (body, dropped) == (expected[0], [*expected[1], "reasoning_effort"])


def test_where_thinking_is_only_on_or_off_the_budget_is_named() -> None:
    assert added(Thinking("enabled", 2048, "omitted"), "deepseek") == (
        {"thinking": {"type": "enabled"}},
        ["thinking.display", "thinking.budget_tokens"],
    )
    assert added(Thinking("adaptive", display="summarized"))[1] == ["thinking.display"]


@pytest.mark.parametrize("mode", ["enabled", "adaptive"])
def test_thinking_that_can_not_be_asked_for_is_refused_or_dropped(mode: Any) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        added(Thinking(mode, 2048), "mistral")
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "thinking")
    assert added(Thinking(mode), "mistral", drop=True) == ({}, ["thinking"])
    assert added(Thinking(mode), "mistral", effort="low", drop=True) == ({}, ["thinking", "reasoning_effort"])
