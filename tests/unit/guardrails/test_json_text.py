"""JSON text is redacted in its decoded strings, and stays JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.guardrails.json_text import JsonStreamRedactor
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import AWS_KEY, AWS_SECRET, FAMILIES, PRIVATE_KEY

REDACTOR = Redactor.build(RedactionSettings(literals=("😀 key",)))


def redacted(text: str, size: int = 0, redactor: Redactor = REDACTOR) -> str:
    stream = JsonStreamRedactor(redactor)
    pieces = [text[i : i + size] for i in range(0, len(text), size)] if size else [text]
    return "".join([stream.feed(piece) for piece in pieces]) + stream.flush()


def escaped(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))


@pytest.mark.parametrize("family", FAMILIES)
def test_secrets_written_wholly_in_escapes_are_found_at_every_size(family):
    text, expected = FAMILIES[family]
    raw = f'{{"{escaped(text)}": ["{escaped(text)}"]}}'
    whole = redacted(raw)
    assert json.loads(whole) == {expected: [expected]}
    for size in range(1, 65):
        assert redacted(raw, size) == whole, size


LINES = PRIVATE_KEY.split("\n")
BROKEN = PRIVATE_KEY.split("-----END")[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"lines": LINES, "mode": 384}, {"lines": ["[REDACTED_PRIVATE_KEY]"] + [""] * (len(LINES) - 1), "mode": 384}),
        ({"key": BROKEN, "x": [1, None, True]}, {"key": "[REDACTED_PRIVATE_KEY]", "": [1, None, True]}),
        ({"aws_secret_access_key": AWS_SECRET}, {"aws_secret_access_key": "[REDACTED_POSSIBLE_SECRET]"}),
        ({AWS_KEY: {"url": "redis://:p@h"}}, {"[REDACTED_AWS_KEY]": {"url": "redis://[REDACTED]@h"}}),
        ({"a": "my 😀 key"}, {"a": "my [REDACTED]"}),
        ({"script": json.dumps({"k": PRIVATE_KEY})}, {"script": '{"k": "[REDACTED_PRIVATE_KEY]"}'}),
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_redacted_json_is_json(value, expected, ascii_only):
    raw = json.dumps(value, ensure_ascii=ascii_only)
    assert json.loads(redacted(raw)) == expected
    for size in range(1, 65):
        assert redacted(raw, size) == redacted(raw), size


@pytest.mark.parametrize(
    "raw", [f"{AWS_KEY}", f'{{"a": {AWS_KEY}', f'"\\q {AWS_KEY}', f"}}\\u00-{AWS_KEY}", f'"a" "{AWS_KEY}\\']
)
def test_malformed_json_is_searched_too(raw):
    for size in range(1, len(raw) + 1):
        assert redacted(raw, size) == raw.replace(AWS_KEY, "[REDACTED_AWS_KEY]")


JSON = st.recursive(
    st.text() | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.booleans(), st.integers(1, 40))
def test_harmless_json_comes_out_byte_for_byte(value, ascii_only, size):
    raw = json.dumps(value, ensure_ascii=ascii_only)
    assert redacted(raw, size) == raw


def test_state_and_counts_are_visible():
    stream = JsonStreamRedactor(REDACTOR)
    assert stream.feed('{"a": "\\u00') == '{"a": "'
    assert stream.held
    assert stream.feed(f'e9 {AWS_KEY}"}}') == '\\u00e9 [REDACTED_AWS_KEY]"}'
    assert not stream.held
    assert stream.counts == {"aws_key": 1}


def test_a_disabled_redactor_passes_everything():
    assert redacted(f'"{AWS_KEY}"', redactor=Redactor.build(RedactionSettings(enabled=False))) == f'"{AWS_KEY}"'


def test_a_fork_ends_the_text_while_the_first_goes_on():
    stream = JsonStreamRedactor(REDACTOR)
    out = stream.feed('{"caf\\u00e9": "' + PRIVATE_KEY[:-3])
    fork = stream.fork()
    assert fork.feed('---", true, "\\u00') + fork.flush() == '", true, "\\u00'
    assert json.loads(out + stream.feed('---", "x": 1}') + stream.flush()) == {"café": "[REDACTED_PRIVATE_KEY]", "x": 1}
    assert stream.counts == fork.counts == {"private_key": 1}


def test_a_fork_shares_no_escapes():
    stream = JsonStreamRedactor(REDACTOR)
    assert stream.feed('{"a": "c\\u0061f') == '{"a": "'
    assert stream.fork().feed('\\u0065s" ') == 'c\\u0061f\\u0065s" '
    assert stream.feed('" ') == 'c\\u0061f" '
