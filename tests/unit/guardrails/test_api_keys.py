"""Every documented key format is redacted, wherever it stands."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kaigate.guardrails.api_keys import KEY_FORMATS
from kaigate.guardrails.random_text import is_masked, is_mixed
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from kaigate.guardrails.rules import REACH

REDACTOR = Redactor.build(RedactionSettings())


@pytest.mark.parametrize("row", KEY_FORMATS, ids=lambda row: row.vendor)
@given(data=st.data())
@settings(max_examples=12)
def test_every_key_of_a_format_is_redacted_whole_and_streamed(row, data):
    key = data.draw(st.from_regex(row.head, fullmatch=True, alphabet=st.characters(codec="ascii")))
    assume(is_mixed(key.partition("-")[2] or key) and not is_masked(key[-10:]) and "." not in key[-1:])
    text = f'x = "{key}"\n'
    redaction = REDACTOR.redact(text)
    assert "[REDACTED" in redaction.text
    assert key[-10:] not in redaction.text
    for size in (1, 5, 16):
        stream = REDACTOR.stream()
        assert "".join(stream.feed(text[i : i + size]) for i in range(0, len(text), size)) == redaction.text


@pytest.mark.parametrize("row", KEY_FORMATS, ids=lambda row: row.vendor)
def test_heads_are_decided_within_reach(row):
    assert len(row.head) < REACH


@pytest.mark.parametrize(
    "text",
    [
        "sk-cube-grid-animation-delay-long-enough-1",
        "ghp_" + "x" * 36,
        "task-0123456789abcdefghijABCD",
        "kg-" + "words-" * 8,
        "xoxb-your-token-goes-here",
        "pypi-" + "package-name-" * 5,
    ],
)
def test_words_and_masks_are_no_keys(text):
    assert REDACTOR.redact(text).text is text
