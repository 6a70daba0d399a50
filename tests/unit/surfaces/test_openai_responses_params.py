"""The tables of parameters are consistent, and each refusal has a remedy."""

from typing import Any, get_args

import pytest
from openai.types.responses import response_includable
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from openai.types.responses.tool import Tool

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_responses_params import (
    HOSTED_TOOLS,
    KNOWN,
    REFUSED,
    refuse_unknown,
    refuse_values,
    unserved_choice,
    unserved_item,
    unserved_tool,
)
from kaigate.surfaces.openai_responses_wire import ResponsesBody


def test_every_parameter_of_the_official_sdk_is_known_or_refused_with_a_reason() -> None:
    official = set(ResponseCreateParamsStreaming.__annotations__) | {
        name for base in ResponseCreateParamsStreaming.__orig_bases__ for name in getattr(base, "__annotations__", {})
    }
    assert len(official) > 30
    assert official - KNOWN - set(REFUSED) == set()
    assert KNOWN.isdisjoint(REFUSED)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refusal_names_the_parameter_and_a_remedy(name: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        refuse_unknown({"model": "m", name: 1})
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", name)
    remedy = caught.value.message.partition(": ")[2]
    assert len(remedy) >= 10
    assert not any(word in remedy for word in ("response_format", "messages", "reasoning_effort"))


def test_null_is_absent_for_official_parameters_that_are_not_served() -> None:
    refuse_unknown({"previous_response_id": None, "conversation": None, "prompt": None, "moderation": None})
    with pytest.raises(RequestInvalidError, match="did you mean 'instructions'"):
        refuse_unknown({"instruction": None})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["web_search_call.action.sources"]}, "include"),
    ],
)
def test_values_that_are_not_served(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        refuse_values(ResponsesBody("m", **fields))
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)


def test_their_other_values_pass() -> None:
    served = ["reasoning.encrypted_content", "message.output_text.logprobs"]
    assert set(served) <= set(get_args(response_includable.ResponseIncludable))
    refuse_values(ResponsesBody("m", store=False, background=False, truncation="disabled", include=served))


def test_every_tool_of_the_official_sdk_is_a_function_or_hosted_or_refused() -> None:
    union = get_args(get_args(Tool)[0]) or get_args(Tool)
    kinds = {kind for tool in union for kind in get_args(tool.model_fields["type"].annotation)}
    assert len(kinds) > 10
    for kind in kinds - set(HOSTED_TOOLS) - {"function"}:
        assert f"'{kind}', which is not served" in unserved_tool(kind, "tools[0]").message


@pytest.mark.parametrize("kind", ["item_reference", "compaction", "computer_call", None, 3, "nonsense <secret>"])
def test_items_that_are_not_served_are_named_by_their_place(kind: object) -> None:
    error = unserved_item(kind, "input[2]")
    assert (error.code, error.param) == ("unsupported_parameter", "input[2]")
    assert "secret" not in error.message
    assert "secret" not in unserved_tool(kind, "tools[0]").message
    assert "auto" in unserved_choice("tool_choice").message


def test_the_remedy_for_a_stored_item_is_the_item() -> None:
    assert "send the item itself" in unserved_item("item_reference", "input[0]").message
