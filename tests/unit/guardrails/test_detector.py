"""Exceptions, literals and disabled types of a configuration."""

import itertools

import pytest

from kaigate.guardrails.detector import Detector
from kaigate.guardrails.findings import TYPES
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import AWS_KEY, FAMILIES, HEX32, JWT, K8S


def every_way(redactor: Redactor, text: str) -> set[str]:
    results = {redactor.redact(text).text}
    for size in range(1, len(text) + 1):
        stream = redactor.stream()
        results.add("".join(stream.feed(text[i : i + size]) for i in range(0, len(text), size)) + stream.flush())
    return results


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (AWS_KEY, f"{AWS_KEY} x", f"{AWS_KEY} x"),
        ("AKIA[A-Z]", f"{AWS_KEY} x", "[REDACTED_AWS_KEY] x"),
        ("id [0-9a-f]{32}", f"id {HEX32} no {HEX32}", f"id {HEX32} no [REDACTED_HEX_TOKEN]"),
        ("postgres://app:app@localhost", "postgres://app:app@localhost/x", "postgres://app:app@localhost/x"),
        ("postgres://app:app@localhost", "postgres://app:app@elsewhere/x", "postgres://[REDACTED]@elsewhere/x"),
    ],
)
def test_a_finding_within_a_match_of_an_exception_stays(pattern, text, expected):
    assert every_way(Redactor.build(RedactionSettings(exceptions=(pattern,))), text) == {expected}


@pytest.mark.parametrize(
    "literal", ["hunter2!", "two words", "ünïcode", 'quo"te', "line\nbreak", "😀😀😀😀", "tttttest", "a ba ba b"]
)
def test_literals_of_any_characters_are_redacted(literal):
    redactor = Redactor.build(RedactionSettings(literals=(literal, "other")))
    text = f"x{literal[:-1]}{literal[0]} {literal}y {literal}"
    assert every_way(redactor, text) == {text.replace(literal, "[REDACTED]")}


def test_overlapping_literals_are_redacted_together():
    redactor = Redactor.build(RedactionSettings(literals=("abcdef", "defghi", "a ba b")))
    assert every_way(redactor, "abcdefghi") == {"[REDACTED]"}
    assert every_way(redactor, "x a ba ba b") == {"x [REDACTED]"}


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "literal"])
def test_a_disabled_type_is_not_found(kind):
    redactor = Redactor.build(RedactionSettings(disabled_types=(kind,)))
    found = {f.type for text, _ in FAMILIES.values() for f in redactor.redact(text).findings}
    assert kind not in found
    assert found


def test_either_kind_of_web_token_can_be_disabled():
    redactor = Redactor.build(RedactionSettings(disabled_types=("jwt",)))
    assert every_way(redactor, f"{JWT} {K8S}") == {f"{JWT} [REDACTED_K8S_TOKEN]"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (RedactionSettings(exceptions=("(a",)), "RE2"),
        (RedactionSettings(exceptions=(r"(a)\1",)), "RE2"),
        (RedactionSettings(literals=("abc",)), "4 to 256"),
        (RedactionSettings(literals=("a" * 257,)), "4 to 256"),
        (RedactionSettings(disabled_types=("hex",)), "hex_token"),
    ],
)
def test_a_bad_setting_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Detector(settings)


def test_no_pattern_hits_ordinary_text():
    hits = Detector(RedactionSettings()).hits
    words = ("the", "quick", "brown", "fox", "task-force", "v1.2.3", "a/b/c", "x=y")
    assert all(not hits(" ".join(order).encode()) for order in itertools.permutations(words, 4))
