"""Moderation says what was judged, and nothing about what was not."""

from typing import Any

import msgspec
import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_moderations import MAX_CHARACTERS, MODEL, decode_moderation, encode_moderation


def decoded(**fields: Any) -> list[list[str]]:
    return decode_moderation(msgspec.json.encode({"model": MODEL, **fields}), max_depth=8)


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a", [["a"]]),
        ("", [[""]]),
        (["a", "b"], [["a"], ["b"]]),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], [["a", "b"]]),
    ],
)
def test_texts_are_judged_one_by_one_and_parts_together(given: Any, inputs: list[list[str]]) -> None:
    assert decoded(input=given) == inputs


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input": []}, "invalid_request", "input"),
        ({"input": ["a"] * 257}, "invalid_request", "input"),
        ({"input": ["a", {"type": "text", "text": "b"}]}, "invalid_request", "input[0]"),
        ({"input": [{"type": "text"}]}, "invalid_request", "input[0].text"),
        (
            {"input": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
            "unsupported_parameter",
            "input[0].type",
        ),
        ({"input": [{"type": "text", "text": "a", "image_url": {}}]}, "invalid_request", "input[0].text"),
        ({"input": "a" * (MAX_CHARACTERS + 1)}, "request_too_large", "input"),
        ({"input": ["a" * MAX_CHARACTERS, "b"]}, "request_too_large", "input"),
        ({"input": 1}, "invalid_request", "input"),
        ({"input": "a", "model": None}, "unsupported_parameter", "model"),
        ({"input": "a", "model": "omni-moderation-latest"}, "unsupported_parameter", "model"),
        ({"input": "a", "surprise": 1}, "unsupported_parameter", "surprise"),
        ({}, "invalid_request", "input"),
    ],
)
def test_what_is_not_judged_is_refused(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        decoded(**fields)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_verdict_for_each_input() -> None:
    body = msgspec.json.decode(encode_moderation([["a", "key"], ["b"]], lambda text: text == "key", "r-1"))
    assert (body["id"], body["model"]) == ("modr-r-1", MODEL)
    assert [result["flagged"] for result in body["results"]] == [True, False]
    assert [result["categories"]["secrets"] for result in body["results"]] == [True, False]
    assert [result["category_scores"]["secrets"] for result in body["results"]] == [1.0, 0.0]


def test_categories_that_nobody_judged_say_so() -> None:
    [result] = msgspec.json.decode(encode_moderation([["a"]], lambda _: True, "r"))["results"]
    applied = result["category_applied_input_types"]
    assert applied.pop("secrets") == ["text"]
    assert set(map(tuple, applied.values())) == {()}
    assert [name for name, value in result["categories"].items() if value] == ["secrets"]
    assert set(result["categories"]) == set(result["category_scores"]) == {"secrets", *applied}
