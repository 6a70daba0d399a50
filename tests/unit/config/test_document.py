import textwrap
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kaigate.config.document import MAX_DOCUMENT_BYTES, Mark, parse_document, plain_scalar, read_document
from kaigate.config.problems import ConfigError


def parse(text: str):
    return parse_document(textwrap.dedent(text).encode(), "f")


def messages(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
    try:
        return [str(problem) for problem in parse_document(data, "f").problems]
    except ConfigError as error:
        return [str(problem) for problem in error.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),  # Norway
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("0123", "0123"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("3.10", 3.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 30, "9" * 30),
        ("3.10.1", "3.10.1"),
        ("=", "="),
    ],
)
def test_unquoted_scalars_follow_yaml_1_2(text, value):
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)
    assert parse(f"a: {text}").data == {"a": value}


@pytest.mark.parametrize("scalar", ["'3.10'", '"3.10"', "!!str 3.10", "|-\n  3.10", '"3.\\u00310"'])
def test_quoted_scalars_are_text(scalar):
    assert parse(f"a: {scalar}").data == {"a": "3.10"}


def test_every_key_and_value_has_its_position():
    document = parse("""\
        server:
          port: 1
          list:
            - a
            - {b: 2}
        """)
    assert document.data == {"server": {"port": 1, "list": ["a", {"b": 2}]}}
    assert document.at(("server", "port")) == Mark("f", 2, 9)
    assert document.at(("server", "port"), key=True) == Mark("f", 2, 3)
    assert document.at(("server", "list", 0)) == Mark("f", 4, 7)
    assert document.at(("server", "list", 1, "b")) == Mark("f", 5, 11)


def test_the_position_of_something_missing_is_that_of_its_section():
    document = parse("server:\n  port: 1\n")
    assert document.at(("server", "host", "x")) == Mark("f", 1, 1)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(text):
    assert parse(text).data == {}


def test_aliases_repeat_what_their_anchor_names():
    assert parse("a: &x {b: 1}\nc: *x\n").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", 'f:3:1: a: duplicate key "a", first on line 1'),
        ("a: {b: 1, 'b': 2}\n", 'f:1:11: a.b: duplicate key "b", first on line 1'),
        ("3.10: x\n", "f:1:1: a key is text: put it in quotes (3.10, 405, true and null are not text)"),
        ("a: {null: x}\n", "f:1:5: a: a key is text: put it in quotes (3.10, 405, true and null are not text)"),
        ("? [a, b]\n: x\n", "f:1:3: a key is text: put it in quotes (3.10, 405, true and null are not text)"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "f:3:3: c: merge keys (<<) are not supported: write the values out"),
        ("a: !!python/object:os.system x\n", "f:1:4: YAML tags (!...) are not supported"),
        ("a: !mine {b: 1}\n", "f:1:4: YAML tags (!...) are not supported"),
        ('a: "x\\0y"\n', "f:1:4: holds a control character"),
        ("a: 1\n---\nb: 2\n", "f:2:1: holds more than one document (---)"),
        ("a: *missing\n", "f:1:4: uses an alias (*name) whose anchor (&name) is not complete before it"),
        ("a: &x [*x]\n", "f:1:8: uses an alias (*name) whose anchor (&name) is not complete before it"),
        (b"a: 1\nb: \xff\n", "f:2:1: is not UTF-8 text"),
        (b"a: 1\nb: \x01\n", "f:2:1: holds a control character"),
        (b"#" * (MAX_DOCUMENT_BYTES + 1), f"f: is larger than {MAX_DOCUMENT_BYTES} bytes"),
    ],
)
def test_mistakes_are_named_with_their_position(text, expected):
    assert messages(text) == [expected]


def test_a_syntax_error_is_named_with_its_position():
    [message] = messages("a:\n  b: c: d\n")
    assert message.startswith("f:2:")
    assert "is not YAML" in message


def test_every_mistake_is_found_at_once():
    assert len(messages("a: 1\na: 2\n5: x\nb: !t y\n")) == 3


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * 10)}]\n" for i in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [BOMB, "[" * 500_000, "- " * 400_000, "{a: " * 200_000, "? " * 300_000, "a: " + "[" * 33],
    ids=["aliases", "lists", "blocks", "mappings", "keys", "just too deep"],
)
@pytest.mark.timeout(20)
def test_bombs_are_refused_quickly(text):
    started = time.monotonic()
    [message] = messages(text)
    assert "deeper than" in message or "expands to more than" in message or "is not YAML" in message
    assert time.monotonic() - started < 10


def test_lone_surrogates_are_refused():
    assert len(messages('a: "\\ud800"\n')) == 1


def test_a_missing_file_is_a_problem_not_a_traceback(tmp_path):
    with pytest.raises(ConfigError, match=r"gateway\.yaml: cannot be read: No such file"):
        read_document(tmp_path / "gateway.yaml", "gateway.yaml")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc<3.~", min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), PLAIN))
def test_whatever_a_yaml_writer_writes_is_read_back(data):
    document = parse_document(yaml.safe_dump(data, allow_unicode=True).encode(), "f")
    if not document.problems:
        assert document.data == data


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_the_input_is_there_are_data_or_problems(data):
    assert messages(data) or parse_document(data, "f").data is not Ellipsis
