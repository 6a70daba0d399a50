"""How a model is asked to think, and what does not go with it."""

from typing import Any

import pytest

from kaigate.chat.content import Block, Message, ReasoningBlock, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest, Sampling, Thinking, Tool, ToolChoice
from kaigate.errors import RequestInvalidError
from kaigate.providers.anthropic_models import Abilities
from kaigate.providers.anthropic_thinking import Plan, fitting_sampling, plan_thinking

BUDGET = Abilities("budget", schema=True)
ADAPTIVE = Abilities("adaptive", schema=True)
NEWEST = Abilities("adaptive", schema=True, xhigh=True)
HI = Message("user", (TextBlock("Hi"),))
CALL = ToolCallBlock("t", "f", "{}")
RESULT = Message("tool", (TextBlock("x"),), tool_call_id="t")


def plan(
    *,
    able: Abilities = BUDGET,
    max_tokens: int = 8192,
    drop: bool = False,
    prefill: bool = False,
    messages: Any = (HI,),
    **fields: Any,
) -> tuple[Plan, list[str]]:
    dropped: list[str] = []
    request = ChatRequest("m", messages, **fields)
    found = plan_thinking(request, able, max_tokens, dropped, prefill=prefill, drop_params=drop)
    return found, dropped


def enabled(budget: int) -> Plan:
    return Plan({"type": "enabled", "budget_tokens": budget}, manual=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Thinking("disabled"), Plan({"type": "disabled"})),
        (Thinking("adaptive"), Plan({"type": "adaptive"})),
        (Thinking("adaptive", display="omitted"), Plan({"type": "adaptive", "display": "omitted"})),
        (Thinking("enabled", 1024), enabled(1024)),
        (
            Thinking("enabled", 8191, "summarized"),
            Plan({"type": "enabled", "budget_tokens": 8191, "display": "summarized"}, manual=True),
        ),
    ],
)
def test_thinking_in_anthropic_s_words(given: Thinking, expected: Plan) -> None:
    assert plan(thinking=given) == (expected, [])


def test_the_same_words_from_a_client_of_another_format() -> None:
    assert plan(extra={"thinking": {"type": "enabled", "budget_tokens": 2048}}) == (enabled(2048), [])
    for wrong in ("yes", {"type": "much"}, {"budget_tokens": 5}, {"type": "enabled", "budget_tokens": "5"}):
        with pytest.raises(RequestInvalidError) as caught:
            plan(extra={"thinking": wrong})
        assert caught.value.param == "thinking"


@pytest.mark.parametrize("budget", [None, 0, 1023, 8192, 9000])
def test_a_budget_out_of_range_is_refused(budget: int | None) -> None:
    with pytest.raises(RequestInvalidError, match="8192") as caught:
        plan(thinking=Thinking("enabled", budget), drop=True)
    assert caught.value.param == "thinking.budget_tokens"


@pytest.mark.parametrize(
    ("able", "effort", "expected"),
    [
        (BUDGET, "none", Plan()),
        (BUDGET, "minimal", enabled(1024)),
        (BUDGET, "low", enabled(1024)),
        (BUDGET, "medium", enabled(4096)),
        (BUDGET, "high", enabled(6144)),
        (BUDGET, "max", enabled(6144)),
        (ADAPTIVE, "none", Plan({"type": "disabled"})),
        (ADAPTIVE, "minimal", Plan({"type": "adaptive"}, "low")),
        (ADAPTIVE, "medium", Plan({"type": "adaptive"}, "medium")),
        (ADAPTIVE, "xhigh", Plan({"type": "adaptive"}, "high")),
        (ADAPTIVE, "max", Plan({"type": "adaptive"}, "max")),
        (NEWEST, "xhigh", Plan({"type": "adaptive"}, "xhigh")),
    ],
)
def test_an_effort_is_a_budget_or_an_effort(able: Abilities, effort: str, expected: Plan) -> None:
    assert plan(able=able, reasoning_effort=effort) == (expected, [])


def test_a_budget_leaves_room_for_the_answer() -> None:
    assert plan(reasoning_effort="max", max_tokens=100_000) == (enabled(32_768), [])
    assert plan(reasoning_effort="max", max_tokens=2000) == (enabled(1500), [])


def test_a_client_of_this_format_that_gives_an_effort_gets_no_thinking_that_it_did_not_ask_for() -> None:
    hints = {"anthropic-version": "2023-06-01"}
    assert plan(reasoning_effort="low", hints=hints) == (Plan(effort="low"), [])
    both = plan(reasoning_effort="low", thinking=Thinking("adaptive"), hints=hints)
    assert both == (Plan({"type": "adaptive"}, "low"), [])


@pytest.mark.parametrize(
    ("able", "effort", "expected"),
    [
        (NEWEST, "xhigh", (Plan({"type": "adaptive"}, "xhigh"), [])),
        (ADAPTIVE, "minimal", (Plan({"type": "adaptive"}, "low"), [])),
        (ADAPTIVE, "none", (Plan({"type": "adaptive"}), ["reasoning_effort"])),
        (BUDGET, "low", (Plan({"type": "adaptive"}), ["reasoning_effort"])),
    ],
)
def test_an_effort_beside_thinking_goes_only_where_it_is_known(
    able: Abilities, effort: str, expected: tuple[Plan, list[str]]
) -> None:
    assert plan(able=able, reasoning_effort=effort, extra={"thinking": {"type": "adaptive"}}) == expected


@pytest.mark.parametrize(
    ("able", "max_tokens"), [(Abilities("none", schema=False), 8192), (BUDGET, 1024), (BUDGET, 1300)]
)
def test_an_effort_that_can_not_be_made_is_refused_or_dropped(able: Abilities, max_tokens: int) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        plan(able=able, max_tokens=max_tokens, reasoning_effort="low")
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "reasoning_effort")
    assert plan(able=able, max_tokens=max_tokens, reasoning_effort="low", drop=True) == (Plan(), ["reasoning_effort"])


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_choice": ToolChoice("required"), "tools": (Tool("f"),)},
        {"tool_choice": ToolChoice("named", "f"), "tools": (Tool("f"),)},
        {"prefill": True},
    ],
)
@pytest.mark.parametrize(
    ("asked", "name"),
    [({"thinking": Thinking("enabled", 2048)}, "thinking"), ({"reasoning_effort": "low"}, "reasoning_effort")],
)
def test_a_budget_goes_with_neither_forced_tools_nor_prefill(
    fields: dict[str, Any], asked: dict[str, Any], name: str
) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        plan(**fields, **asked)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", name)
    assert plan(**fields, **asked, drop=True) == (Plan(), [name])
    assert plan(**fields, able=ADAPTIVE, reasoning_effort="low")[0].wire == {"type": "adaptive"}, (
        "its own decision does"
    )


@pytest.mark.parametrize("mode", ["auto", "none"])
def test_other_choices_go_with_a_budget(mode: Any) -> None:
    assert plan(tool_choice=ToolChoice(mode), tools=(Tool("f"),), reasoning_effort="low") == (enabled(1024), [])


@pytest.mark.parametrize(
    ("blocks", "continued"),
    [
        ((CALL,), False),
        ((TextBlock("a"), CALL), False),
        ((ReasoningBlock("unsigned"), CALL), False),
        ((ReasoningBlock("hm", signature="s"), CALL), True),
        ((ReasoningBlock("", redacted="s"), CALL), True),
        ((TextBlock("a"),), True),
        ((), True),
    ],
)
def test_a_loop_of_tools_that_began_without_thinking_goes_on_without(
    blocks: tuple[Block, ...], continued: bool
) -> None:
    messages = (HI, Message("assistant", blocks), RESULT, RESULT)
    expected = (enabled(1024), []) if continued else (Plan(), ["reasoning_effort"])
    assert plan(messages=messages, reasoning_effort="low") == expected
    assert plan(messages=(*messages, HI), reasoning_effort="low") == (enabled(1024), []), "a new turn may think again"
    late = Message("system", (TextBlock("Be brief."),))
    assert plan(messages=(*messages, late), reasoning_effort="low") == expected
    assert plan(messages=(HI, RESULT), reasoning_effort="low") == (enabled(1024), [])


@pytest.mark.parametrize(
    ("sampling", "thinking", "wrong"),
    [
        (Sampling(temperature=1.0, top_p=0.1, top_k=5), False, []),
        (Sampling(temperature=1.1), False, ["temperature"]),
        (Sampling(temperature=1.0, top_p=0.95), True, []),
        (Sampling(temperature=0.5, top_p=0.9, top_k=5, seed=1), True, ["temperature", "top_p", "top_k"]),
    ],
)
def test_sampling_that_goes_with_thinking(sampling: Sampling, thinking: bool, wrong: list[str]) -> None:
    manual = Plan({"type": "enabled"}, manual=thinking)
    dropped: list[str] = []
    kept = fitting_sampling(sampling, manual, dropped, drop_params=True)
    assert dropped == wrong
    assert {name for name in ("temperature", "top_p", "top_k") if getattr(kept, name) is None} >= set(wrong)
    assert kept.seed == sampling.seed
    if wrong:
        with pytest.raises(RequestInvalidError, match=wrong[0]):
            fitting_sampling(sampling, manual, [], drop_params=False)
