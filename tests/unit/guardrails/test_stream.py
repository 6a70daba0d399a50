"""A stream releases prose at once, and counts what it redacted."""

import pytest

from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import ALNUM, AWS_KEY, HEX32, PRIVATE_KEY

REDACTOR = Redactor.build(RedactionSettings())


@pytest.mark.parametrize(
    ("pieces", "released"),
    [
        (["Hello wor", "ld. "], ["Hello ", "world. "]),
        (["你好", "世界"], ["你好", "世界"]),
        (["the bearer ", "of news "], ["the ", "bearer of news "]),
        (["a ---- ", "b "], ["a ", "---- b "]),
        (["see https://x/", "y(", "z "], ["see ", "https://x/y(", "z "]),
        (["见https://example.com", "。然后"], ["见", "https://example.com。然后"]),
        (["redis://h:1/0(", "x ", "y"], ["", "redis://h:1/0(x ", ""]),
    ],
)
def test_no_more_is_held_than_what_could_become_a_secret(pieces, released):
    stream = REDACTOR.stream()
    assert [stream.feed(piece) for piece in pieces] == released


def test_counts_and_held_tell_the_state():
    stream = REDACTOR.stream()
    assert not stream.held
    stream.feed(f"{AWS_KEY} {AWS_KEY} {HEX32}")
    assert stream.held
    assert stream.counts == {"aws_key": 2}
    assert stream.flush() == "[REDACTED_HEX_TOKEN]"
    assert not stream.held
    assert stream.counts == {"aws_key": 2, "hex_token": 1}
    assert stream.feed(PRIVATE_KEY[:60]) == "[REDACTED_PRIVATE_KEY]"
    assert stream.held
    assert stream.flush() == ""


def test_a_long_candidate_is_replaced_before_it_ends():
    stream = REDACTOR.stream()
    out = "".join(stream.feed(ALNUM) for _ in range(3))
    assert out == ""
    out = stream.feed(" Bearer ") + "".join(stream.feed(ALNUM) for _ in range(200))
    assert out.endswith(" Bearer [REDACTED]")


def test_a_disabled_redactor_passes_everything_at_once():
    redactor = Redactor.build(RedactionSettings(enabled=False))
    stream = redactor.stream()
    assert stream.feed(AWS_KEY) == AWS_KEY
    assert stream.flush() == ""
    assert not stream.held
    assert redactor.redact(AWS_KEY).text is AWS_KEY


def test_a_fork_ends_the_text_while_the_first_goes_on():
    stream = REDACTOR.stream()
    stream.feed(f"{AWS_KEY} {AWS_KEY[:9]}")
    fork = stream.fork()
    assert fork.flush() == AWS_KEY[:9]
    assert stream.feed(AWS_KEY[9:] + " ") == "[REDACTED_AWS_KEY] "
    assert (stream.counts, fork.counts) == ({"aws_key": 2}, {"aws_key": 1})
