"""Request bodies have one reading, or they are refused with the place and the reason."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.errors import RequestInvalidError
from kaigate.surfaces import json_body

DEPTH = 64
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=("Cs",)))
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)


def refusal(body: bytes) -> str:
    with pytest.raises(RequestInvalidError) as caught:
        json_body.tree(body, max_depth=DEPTH)
    assert caught.value.code == "invalid_request"
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":1}x', "trailing characters (line 1"),
        (b'{"a":1,\n "b" 2}', "line 2, column 6"),
        (b'{"a":', "ends too early"),
        (b'{"a":NaN}', "NaN and Infinity are not JSON numbers (line 1, column 6)"),
        (b'{"a":-Infinity}', "NaN and Infinity"),
        (b'{"a":Infinity}', "NaN and Infinity"),
        (b"{'a':1}", "line 1, column 2"),
        (b'{"a":01}', "invalid number"),
        (b'{"a":"\x00"}', "invalid character"),
        (b'\xff\xfe{\x00"\x00', "line 1, column 1"),
        (b'{"a":"\xff"}', "not valid UTF-8 at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "not valid UTF-8 at byte 6"),
        (b'{"a":"\xc0\xaf"}', "not valid UTF-8"),
        (b'{"a":"\\ud800"}', "half of a surrogate pair"),
        (b'{"a":"\\udc00\\ud800"}', "surrogate"),
        (b'{"\\ud83d":1}', "half of a surrogate pair"),
        (b"[" * 200_000, "nested deeper than 64"),
        (b'{"a":' * 200_000, "nested deeper than 64"),
    ],
)
def test_what_is_not_json_is_refused_with_the_place(body: bytes, said: str) -> None:
    assert said in refusal(body)


def test_a_surrogate_pair_is_one_character() -> None:
    assert json_body.tree(b'{"a":"\\ud83d\\ude00"}', max_depth=DEPTH) == {"a": "\U0001f600"}


def test_a_refusal_repeats_nothing_of_the_body() -> None:
    assert "hunter2" not in refusal(b'{"password": "hunter2", hunter2}')


def test_a_shape_error_is_left_to_the_surface() -> None:
    decoder = msgspec.json.Decoder(dict[str, int])
    with pytest.raises(msgspec.ValidationError):
        json_body.parse(decoder, b'{"a":"x"}', max_depth=DEPTH)


@given(tree=st.dictionaries(st.text(max_size=4), TREES, max_size=4), indent=st.sampled_from([None, 1]))
def test_a_body_without_duplicates_is_never_refused(tree: dict[str, Any], indent: int | None) -> None:
    for separators in ((",", ":"), (" , ", " : ")):
        for ascii_only in (True, False):
            body = json.dumps(tree, indent=indent, separators=separators, ensure_ascii=ascii_only).encode()
            assert json_body.has_only(body, json_body.count_keys(tree, 10_000))
            json_body.require_unique_keys(body, json_body.count_keys(tree, 10_000))


@given(
    key=st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    values=st.tuples(TREES, TREES),
    around=st.lists(st.tuples(st.text(max_size=3), TREES), max_size=3, unique_by=lambda pair: pair[0]),
    wrap=st.sampled_from(["%s", '{"outer":%s}', '{"outer":[1,%s]}']),
    colon=st.sampled_from([":", " :", "\t:\n", ": "]),
)
def test_a_duplicate_key_is_always_found(
    key: str, values: tuple[Any, Any], around: list[tuple[str, Any]], wrap: str, colon: str
) -> None:
    """Also with escapes in keys and values, colons and quotes in strings, and white space before the colon."""
    pairs = [(key, values[0]), *(pair for pair in around if pair[0] != key), (key, values[1])]
    inner = ",".join(f"{json.dumps(name)}{colon}{json.dumps(value)}" for name, value in pairs)
    body = (wrap % ("{" + inner + "}")).encode()
    tree = json_body.tree(body, max_depth=10_000)
    with pytest.raises(RequestInvalidError, match="twice in one object"):
        json_body.require_unique_keys(body, json_body.count_keys(tree, 10_000))


@pytest.mark.parametrize(
    ("body", "strings", "seen"),
    [
        (rb'{"a":"b"}', 2, True),
        (rb'{"a":"b\n:\u0022\u005c"}', 2, True),
        (rb'{"a" : "b: c", "d":1}', 3, True),
        (rb'{"a":"b","a":"b"}', 2, False),
        (rb'{"a":1,"a":"b"}', 2, False),
        (rb'{"a":["b"]}', 1, False),
        (rb'{"a":"\"b"}', 2, False),
        (rb'{"a":"b\\"}', 2, True),
        (rb'{"a":"\\\"b"}', 2, False),
        (rb'{"a":"\"","a":1}', 3, False),
    ],
)
def test_as_many_quotes_as_there_must_be_prove_that_there_is_nothing_else(
    body: bytes, strings: int, seen: bool
) -> None:
    json_body.tree(body, max_depth=DEPTH)
    assert json_body.has_only_strings(body, strings) is seen


@pytest.mark.parametrize(
    "body",
    [
        rb'{"model":"a","mod\u0065l":"b"}',
        rb'{"model":"x","model":"y","b\\":1}',
        rb'{"a\":b":1,"a\":b":2}',
        rb'{"a" : "\":", "a":1}',
    ],
)
def test_a_duplicate_in_disguise_is_found(body: bytes) -> None:
    tree = json_body.tree(body, max_depth=DEPTH)
    with pytest.raises(RequestInvalidError, match="twice"):
        json_body.require_unique_keys(body, json_body.count_keys(tree, DEPTH))


@pytest.mark.parametrize("depth", [1, 5, 64])
def test_depth_is_bounded_exactly(depth: int) -> None:
    body = b'{"a":' * depth + b"1" + b"}" * depth
    tree = json_body.tree(body, max_depth=depth)
    assert json_body.count_keys(tree, depth) == depth
    with pytest.raises(RequestInvalidError, match="nested deeper"):
        json_body.count_keys(tree, depth - 1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("api_base", "'api_base'"),
        ("a-b.c", "'a-b.c'"),
        ("a b", "(not"),
        ("", "(not"),
        ("x" * 65, "(not"),
        ("ä", "(not"),
    ],
)
def test_only_plain_names_are_repeated(name: str, shown: str) -> None:
    assert json_body.safe_name(name).startswith(shown)
