"""The automaton decides the same for every cut, holds little back, and takes linear time."""

import itertools
import random
import time

import pytest

from kaigate.guardrails.automaton import Automaton
from kaigate.guardrails.detector import Detector
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from kaigate.guardrails.rules import CAP
from support.secrets import ALNUM, AWS_KEY, FAMILIES, HEX32, JWT, K8S, PRIVATE_KEY

REDACTOR = Redactor.build(RedactionSettings())
LITERALS = Redactor.build(
    RedactionSettings(literals=("foo bar", "😀foo", "oooo"), exceptions=("AKIA[A-J]+.*", "git commit [0-9a-z]+"))
)
LESS = Redactor.build(RedactionSettings(disabled_types=("jwt", "connection_string"), exceptions=("[a-z0-9:@]+",)))


def streamed(redactor: Redactor, text: str, cuts: list[int]) -> tuple[str, dict[str, int]]:
    stream = redactor.stream()
    edges = [0, *cuts, len(text)]
    out = [stream.feed(text[a:b]) for a, b in itertools.pairwise(edges)]
    return "".join(out) + stream.flush(), stream.counts


def letters(rng: random.Random, alphabet: str) -> str:
    long = rng.random() < 0.2
    size = rng.choice([32, 40, 64, 600, 1100, 2000, 4090, 4200, 6000]) if long else rng.randrange(1, 70)
    return "".join(rng.choices(alphabet, k=size))


GLUE = [
    " ",
    "\n",
    "bearer ",
    "Bearer\n\t",
    "aws secret ",
    "git commit ",
    "sha256:",
    "postgres://",
    "user:pass@",
    "@host/db",
    ":",
    "://",
    "https://",
    "redis://u",
    "mongodb+srv://a:b@h,",
    "-----BEGIN ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----",
    "----",
    "PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "sk-",
    "eyJ",
    ".",
    "=",
    '"',
    "é你",
    "😀",
    "\\n",
    "%2F",
    "(",
    "foo bar baz",
    "foo bar",
    "foo",
    "_",
    "-",
    "/",
    "+",
]


def fragment(rng: random.Random) -> str:
    """A piece of what rules look for, or of what surrounds it."""
    kind = rng.randrange(9)
    if kind < 4:
        return rng.choice(GLUE)
    if kind == 4:
        return rng.choice([AWS_KEY, JWT, K8S, HEX32, JWT[: rng.randrange(len(JWT))]])
    alphabets = ["0123456789abcdef", "0123456789", ALNUM, ALNUM + "+/-_"]
    return rng.choice(["", "", "sk-ant-", "Bearer "]) + letters(rng, rng.choice(alphabets))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("redactor", [REDACTOR, LITERALS, LESS], ids=["default", "literals", "less"])
def test_any_cut_of_glued_fragments_gives_the_result_of_the_whole(redactor, seed):
    rng = random.Random(seed)
    for _ in range(120):
        text = "".join(fragment(rng) for _ in range(rng.randrange(1, 14)))
        whole = redactor.redact(text)
        counts: dict[str, int] = {}
        for finding in whole.findings:
            counts[finding.type] = counts.get(finding.type, 0) + 1
        step = rng.randrange(1, 65)
        some = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(1, 20)))
        for cuts in ([rng.randrange(len(text) + 1)], list(range(step, len(text), step)), some):
            assert streamed(redactor, text, cuts) == (whole.text, counts), (text, cuts)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_released_at_any_moment_is_a_prefix_of_the_result(family):
    text, expected = FAMILIES[family]
    stream = REDACTOR.stream()
    released = ""
    for char in text:
        released += stream.feed(char)
        assert expected.startswith(released)
    assert released + stream.flush() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a {HEX32 * 1000} words", "a [REDACTED_HEX_TOKEN] words"),
        (f"a {HEX32 * 1000}xyz words", "a [REDACTED_HEX_TOKEN] words"),
        (f"Bearer {ALNUM * 1000}; {AWS_KEY}", "Bearer [REDACTED]; [REDACTED_AWS_KEY]"),
        (f"{HEX32 * 200}-{PRIVATE_KEY}\nx", "[REDACTED_HEX_TOKEN][REDACTED_PRIVATE_KEY]\nx"),
        (f"{HEX32 * 200}.postgres://u:p(1)@h/d", "[REDACTED_HEX_TOKEN](1)@h/d"),
        (f"{HEX32 * 200}/Bearer {ALNUM}", "[REDACTED_HEX_TOKEN] [REDACTED]"),
        (f"postgres://u:{ALNUM * 300} x", "postgres://[REDACTED] x"),
        ("=" * 9000 + AWS_KEY + "=" * 9000, "=" * 9000 + "[REDACTED_AWS_KEY]" + "=" * 9000),
        ("1" * 100_000 + f" {AWS_KEY}", "1" * 100_000 + " [REDACTED_AWS_KEY]"),
    ],
    ids=range(9),
)
def test_a_candidate_beyond_the_cap_is_suppressed_to_the_end_of_its_run(text, expected):
    if "postgres://u:p(" in text:  # its scheme was swallowed, its password was not
        expected = "[REDACTED_HEX_TOKEN]@h/d"
    assert REDACTOR.redact(text).text == expected
    for size in (7, 640, 1023, 1024, 1025, CAP - 1, CAP, CAP + 1, 10_000):
        assert streamed(REDACTOR, text, list(range(size, len(text), size)))[0] == expected, size


def test_of_overlapping_findings_the_first_names_them_and_all_are_redacted():
    assert REDACTOR.redact(f"Bearer {JWT}/{HEX32}").text == "Bearer [REDACTED_JWT]"
    assert REDACTOR.redact(f"postgres://{AWS_KEY}:pw@h").text == "postgres://[REDACTED_AWS_KEY]@h"


@pytest.mark.parametrize(
    "unit", ["x" * 100, "9" * 50, "-----BEGIN ", "bearer ", "redis://a:b(", "Bearer abc123" * 9, "eyJ-"]
)
def test_what_is_held_is_bounded(unit):
    automaton = Automaton(Detector(RedactionSettings()))
    for _ in range(20_000 // len(unit)):
        automaton.advance(unit)
        assert len(automaton.held) <= 2 * CAP


@pytest.mark.parametrize(
    "unit",
    [
        "0123456789abcdef",
        "sk-",
        "-eyJhbGciOiJI",
        "eyJhbGciOiJIUzI1NiJ9.",
        "redis://",
        "redis://a:b@",
        "bearer ",
        "-----BEGIN ",
        "1234567890",
        "AKIA",
        '"',
        f"{HEX32} ",
        "aB3/",
        "https://a:",
        "----",
        "\\",
        "%41",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_time_is_linear(unit):
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        REDACTOR.redact(text)
        return time.process_time() - start

    seconds(20_000)
    small, large = seconds(40_000), seconds(320_000)
    assert large < 0.2 + 24 * small, (small, large)
