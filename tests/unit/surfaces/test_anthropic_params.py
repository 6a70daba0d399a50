"""Parameters and blocks that are refused say why."""

from typing import Any

import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_params import refuse_blocks, refuse_unknown

KNOWN = frozenset({"model", "max_tokens"})


def test_known_names_pass() -> None:
    refuse_unknown(["model", "max_tokens"], KNOWN)


@pytest.mark.parametrize(
    ("name", "remedy"), [("betas", "header"), ("inference_geo", "configured at the gateway"), ("base_url", "which key")]
)
def test_a_parameter_that_is_not_served_has_a_reason(name: str, remedy: str) -> None:
    with pytest.raises(RequestInvalidError, match=remedy) as refused:
        refuse_unknown(["model", name], KNOWN)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", name)


def test_an_unknown_one_has_its_nearest() -> None:
    with pytest.raises(RequestInvalidError, match="did you mean 'max_tokens'"):
        refuse_unknown(["maxtokens"], KNOWN)


@pytest.mark.parametrize(
    "kind", ["search_result", "container_upload", "server_tool_use", "web_search_tool_result", "mcp_tool_result"]
)
def test_a_block_that_is_not_served_is_found_where_it_stands(kind: str) -> None:
    inner = {"type": "tool_result", "content": [{"type": "text"}, {"type": kind}]}
    with pytest.raises(RequestInvalidError) as refused:
        refuse_blocks([{"role": "user", "content": "x"}, {"role": "user", "content": [inner]}])
    assert refused.value.param == "messages[1].content[0].content[1].type"


@pytest.mark.parametrize("junk", [None, 1, "x", [], [1], [{"content": 1}], [{"content": [{"type": 3}]}], {"a": 1}])
def test_what_is_no_conversation_is_left_to_others(junk: Any) -> None:
    refuse_blocks(junk)
