"""Redaction gives one result for one text, however it is cut; benign text is left byte-identical."""

import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.guardrails.automaton import CAP
from kaigate.guardrails.json_text import JsonStreamRedactor
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import AWS_KEY, AWS_SECRET, BENIGN, FAMILIES, HEX32, JWT, PRIVATE_KEY

REDACTOR = Redactor.build(RedactionSettings())


def streamed(pieces, redactor: Redactor = REDACTOR) -> str:
    stream = redactor.stream()
    return "".join([stream.feed(piece) for piece in pieces]) + stream.flush()


def streamed_json(pieces) -> str:
    stream = JsonStreamRedactor(REDACTOR)
    return "".join([stream.feed(piece) for piece in pieces]) + stream.flush()


def sized(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def arguments(text: str) -> str:
    """A tool call's arguments with a text in them, as a model writes them."""
    return json.dumps({"n": 1, "text": text, "list": [text, None, True]})


@pytest.mark.parametrize("family", FAMILIES)
def test_the_whole_text_is_redacted(family):
    text, expected = FAMILIES[family]
    redaction = REDACTOR.redact(text)
    assert redaction.text == expected
    assert redaction.findings
    assert REDACTOR.redact(expected).text == expected, "redaction is idempotent"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_split_gives_the_result_of_the_whole(family):
    text, expected = FAMILIES[family]
    for offset in range(len(text) + 1):
        assert streamed([text[:offset], "", text[offset:]]) == expected, offset


@pytest.mark.parametrize("family", FAMILIES)
def test_every_chunk_size_gives_the_result_of_the_whole(family):
    text, expected = FAMILIES[family]
    for size in range(1, 65):
        assert streamed(sized(text, size)) == expected, size


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_arguments_are_redacted_alike_at_every_split_and_size(family, ascii_only):
    text, expected = FAMILIES[family]
    raw = json.dumps({"text": text, "again": [text]}, ensure_ascii=ascii_only)
    whole = streamed_json([raw])
    assert json.loads(whole) == {"text": expected, "again": [expected]}
    for offset in range(len(raw) + 1):
        assert streamed_json([raw[:offset], raw[offset:]]) == whole, offset
    for size in range(1, 65):
        assert streamed_json(sized(raw, size)) == whole, size


def test_a_secret_written_in_escapes_is_found():
    escaped = "".join(f"\\u{ord(char):04x}" for char in AWS_KEY)
    for size in range(1, 20):
        assert streamed_json(sized('{"k":"' + escaped + '"}', size)) == '{"k":"[REDACTED_AWS_KEY]"}'


@pytest.mark.parametrize("text", BENIGN)
def test_benign_text_comes_out_identical(text):
    assert REDACTOR.redact(text).text is text
    sizes = (1, 2, 3, 7, 64) if len(text) < 5000 else (64, 999)
    for size in sizes:
        assert streamed(sized(text, size)) == text
    for ascii_only in (True, False):
        raw = json.dumps({"text": text}, ensure_ascii=ascii_only)
        for size in sizes:
            assert streamed_json(sized(raw, size)) == raw


@pytest.mark.parametrize(
    "raw",
    [
        '{"a": "\\ud83d\\ude00 \\/ \\b\\f\\n\\r\\t \\" \\\\ \\u00e9"}',
        '{"lone": "\\ud83d x", "low": "\\ude00", "pair": "\\ud83d\\u0041"}',
        '{"bad": "\\x41 \\u12", "cut": "\\u12',
        '{"cut": "\\',
        '{"cut": "\\ud83d',
        '{"cut": "\\ud83d\\',
        '{"cut": "\\ud83d\\u',
        "not json at all",
    ],
)
def test_escapes_leave_as_they_came(raw):
    for size in range(1, len(raw) + 1):
        assert streamed_json(sized(raw, size)) == raw


@pytest.mark.parametrize(
    "text",
    [
        HEX32 * 4000,
        f"{HEX32 * 300}ghij {AWS_KEY}",
        "A" * (CAP - 3) + " " + AWS_KEY,
        "+" * (CAP - 10) + AWS_KEY + "." + "+" * 50,
        "/" * (CAP + 40) + AWS_KEY + "/" * (2 * CAP),
        "-" * (CAP - 7) + PRIVATE_KEY,
        "." * (CAP - 1) + PRIVATE_KEY,
        "redis://u:" + "p" * (3 * CAP) + "@host/db tail",
        "." * 7000 + JWT + "." * CAP,
    ],
    ids=range(9),
)
def test_words_beyond_the_cap_do_not_depend_on_the_cut(text):
    whole = REDACTOR.redact(text).text
    assert AWS_KEY not in whole
    assert HEX32 not in whole
    assert "MIIEow" not in whole
    assert "pppppppppp" not in whole
    assert JWT not in whole
    for size in (1, 13, 997, 1024, CAP, CAP + 9, CAP + 10):
        if size > 1 or len(text) < 40_000:
            assert streamed(sized(text, size)) == whole, size


def test_an_overgrown_candidate_is_suppressed_to_its_end_and_no_further():
    text = f"a {HEX32 * 1000} then words"
    assert REDACTOR.redact(text).text == "a [REDACTED_HEX_TOKEN] then words"


def test_an_unterminated_private_key_is_suppressed_to_the_end():
    text = "x\n" + PRIVATE_KEY.split("-----END")[0] + "more\n" * 50
    for size in (1, 17, len(text)):
        assert streamed(sized(text, size)) == "x\n[REDACTED_PRIVATE_KEY]"


def test_prose_is_delayed_by_one_word_at_most():
    stream = REDACTOR.stream()
    assert stream.feed("Hello wor") == "Hello "
    assert stream.held
    assert stream.feed("ld. ") == "world. "
    assert not stream.held


def test_what_is_held_is_bounded():
    stream = REDACTOR.stream()
    released = sum(len(stream.feed("x" * 100)) for _ in range(1000))
    assert 100_000 - released <= CAP + 10


def test_findings_have_types_and_offsets_of_the_original():
    text = f"é {AWS_KEY} and {HEX32}"
    found = REDACTOR.redact(text).findings
    assert [(f.type, text[f.start : f.end]) for f in found] == [("aws_key", AWS_KEY), ("hex_token", HEX32)]


def test_streams_count_by_type():
    stream = REDACTOR.stream()
    stream.feed(f"{AWS_KEY} {AWS_KEY} {HEX32} ")
    assert stream.counts == {"aws_key": 2, "hex_token": 1}


def test_exceptions_keep_known_false_positives():
    digest = "sha256:" + HEX32 * 2
    redactor = Redactor.build(RedactionSettings(exceptions=(r"sha256:[0-9a-f]{64}",), allow_checksums=False))
    assert REDACTOR.redact(digest).text == digest
    strict = Redactor.build(RedactionSettings(allow_checksums=False))
    assert strict.redact(digest).text == "sha256:[REDACTED_HEX_TOKEN]"
    for size in range(1, 70):
        assert streamed(sized(f"at {digest} and {HEX32}", size), redactor) == f"at {digest} and [REDACTED_HEX_TOKEN]"


def test_literals_are_redacted_and_types_can_be_disabled():
    redactor = Redactor.build(RedactionSettings(literals=("hunter2",), disabled_types=("hex_token", "private_key")))
    for size in range(1, 20):
        text = f"pw=hunter2; {HEX32} {PRIVATE_KEY}"
        assert streamed(sized(text, size), redactor) == f"pw=[REDACTED]; {HEX32} {PRIVATE_KEY}"


@pytest.mark.parametrize("settings", [RedactionSettings(exceptions=("(a",)), RedactionSettings(exceptions=(r"(a)\1",))])
def test_an_exception_that_is_no_linear_pattern_is_refused(settings):
    with pytest.raises(ValueError, match="RE2"):
        Redactor.build(settings)


@pytest.mark.parametrize("literal", ["", "abc", "a" * 257])
def test_a_literal_that_could_not_be_found_is_refused(literal):
    with pytest.raises(ValueError, match="literal"):
        Redactor.build(RedactionSettings(literals=(literal,)))


def test_re2_finds_what_hyperscan_finds():
    fallback = Redactor.build(RedactionSettings(), use_hyperscan=False)
    for text, expected in FAMILIES.values():
        assert fallback.redact(text).text == expected
    for text in BENIGN:
        assert fallback.redact(text).text is text


PIECES = ("-----BEGIN ", "PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "Bearer ", "secret ", "://", "@", ":")
GLUE = ("eyJ", ".", " ", "\n", '"', "\\", "é", "👩", "x" * 40)
SECRETS = (*(text for text, _ in FAMILIES.values()), AWS_KEY, AWS_SECRET, HEX32, JWT)
FRAGMENTS = st.sampled_from([*SECRETS, *PIECES, *GLUE])
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=12)), max_size=12).map("".join)


@given(text=TEXTS, cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_any_cut_of_any_text_gives_the_result_of_the_whole(text, cuts):
    offsets = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    pieces = [text[a:b] for a, b in itertools.pairwise(offsets)]
    assert streamed(pieces) == REDACTOR.redact(text).text


@given(text=TEXTS, cuts=st.lists(st.integers(0, 4000), max_size=8), ascii_only=st.booleans())
def test_any_cut_of_any_arguments_gives_valid_json_with_the_text_redacted(text, cuts, ascii_only):
    raw = json.dumps([text], ensure_ascii=ascii_only)
    offsets = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    out = streamed_json([raw[a:b] for a, b in itertools.pairwise(offsets)])
    assert out == streamed_json([raw])


@pytest.mark.parametrize("piece", ["0f", "http://a:", "AKIA ", "eyJhbGci.", "Bearer ", "-----BEGIN ", "a:b@", "é"])
def test_what_is_built_to_be_slow_takes_linear_time(piece):
    def seconds(size: int) -> float:
        text = piece * (size // len(piece)) + " " + AWS_KEY
        started = time.process_time()
        REDACTOR.redact(text)
        return time.process_time() - started

    assert min(seconds(200_000) for _ in range(2)) < 40 * max(min(seconds(20_000) for _ in range(2)), 0.001)
