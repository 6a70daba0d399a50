"""The wire types know every field that the official SDK sends in what is served, and no others."""

from typing import Any

import msgspec
import pytest
from openai.types.responses import (
    ResponseFunctionToolCallParam,
    ResponseInputFileParam,
    ResponseInputImageParam,
    ResponseInputTextParam,
    ResponseOutputMessageParam,
    ResponseReasoningItemParam,
)
from openai.types.responses.response_output_text_param import ResponseOutputTextParam

from kaigate.surfaces.openai_responses_wire import (
    FunctionCallItem,
    InputFile,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputText,
    ReasoningItem,
    ResponsesBody,
)

UNSERVED = {"prompt_cache_breakpoint", "caller", "namespace", "async"}


@pytest.mark.parametrize(
    ("official", "ours"),
    [
        (ResponseInputTextParam, InputText),
        (ResponseInputImageParam, InputImage),
        (ResponseInputFileParam, InputFile),
        (ResponseOutputTextParam, OutputText),
        (ResponseOutputMessageParam, MessageItem),
        (ResponseFunctionToolCallParam, FunctionCallItem),
        (ResponseReasoningItemParam, ReasoningItem),
    ],
)
def test_fields_are_those_of_the_official_sdk(official: Any, ours: type[msgspec.Struct]) -> None:
    known = {*ours.__struct_fields__, "type"}
    missing = set(official.__annotations__) - known - UNSERVED
    assert missing <= {"detail"}
    assert known <= set(official.__annotations__)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "user", "content": "x", "extra": 1},
        {"type": "message", "role": "user", "content": []},
        {"type": "function_call", "call_id": "", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c"},
        {"type": "reasoning", "summary": [{"type": "reasoning_text", "text": "x"}]},
        {"type": "message", "role": "tool", "content": "x"},
    ],
)
def test_items_are_strict(item: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(item, Item)


@pytest.mark.parametrize(
    "field",
    [
        {"temperature": 2.1},
        {"top_p": -1},
        {"top_logprobs": 21},
        {"max_output_tokens": 0},
        {"metadata": {"k": "v" * 513}},
        {"metadata": {str(n): "" for n in range(17)}},
        {"tools": [{}] * 129},
        {"reasoning": {"effort": "huge"}},
        {"text": {"format": {"type": "json_schema", "name": "x"}}},
        {"text": {"verbosity": "loud"}},
    ],
)
def test_bounds(field: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"model": "m", **field}, ResponsesBody)
