"""A text that something interrupts is redacted run by run, and joined."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kaigate.guardrails.interrupted import InterruptedRedactor
from kaigate.guardrails.json_text import JsonStreamRedactor
from kaigate.guardrails.redaction import RedactionSettings, Redactor
from support.secrets import ALNUM, AWS_KEY, HEX32, PRIVATE_KEY

REDACTOR = Redactor.build(RedactionSettings())
PLACEHOLDER = "[REDACTED_AWS_KEY]"


def in_runs(*runs: list[str], json: bool = False) -> tuple[list[str], InterruptedRedactor]:
    joined = JsonStreamRedactor(REDACTOR) if json else REDACTOR.stream()
    stream = InterruptedRedactor(joined, None if json else REDACTOR.stream)
    out = ["".join([stream.feed(piece) for piece in run]) + stream.pause() for run in runs]
    assert stream.flush() == ""
    assert not stream.held
    return out, stream


@pytest.mark.parametrize("json", [False, True])
def test_every_run_comes_out_whole(json):
    runs, stream = in_runs(["I thi", "nk"], ["ing ", "so"], [""], ["me"], json=json)
    assert runs == ["I think", "ing so", "", "me"]
    assert stream.counts == {}


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("at", range(1, len(AWS_KEY)))
def test_of_a_secret_that_spans_runs_the_rest_is_redacted(at, json):
    runs, stream = in_runs(["key ", AWS_KEY[:at]], [*AWS_KEY[at:], " ok"], json=json)
    assert runs == ["key " + AWS_KEY[:at], PLACEHOLDER + " ok"]
    assert stream.counts == {"aws_key": 1}


def test_what_left_before_the_secret_does_not_leave_again():
    assert in_runs(["bearer " + ALNUM[:9]], [ALNUM[9:], " ok"])[0] == ["bearer " + ALNUM[:9], "[REDACTED] ok"]


def test_a_secret_may_span_several_runs():
    assert in_runs([AWS_KEY[:5]], [AWS_KEY[5:9]], [AWS_KEY[9:]])[0] == [AWS_KEY[:5], AWS_KEY[5:9], PLACEHOLDER]


@pytest.mark.parametrize("after", ["x", "xyz more", HEX32])
@pytest.mark.parametrize("json", [False, True])
def test_a_secret_that_ends_with_its_run_stays_redacted_whatever_follows(after, json):
    runs, stream = in_runs(["key " + AWS_KEY], [after + " "], json=json)
    assert runs[0] == "key " + PLACEHOLDER
    assert AWS_KEY not in runs[1]
    assert stream.counts["aws_key"] == 1


def test_a_secret_that_begins_with_a_run_is_found_behind_a_word():
    runs, stream = in_runs(["foo"], [AWS_KEY, " end"])
    assert runs == ["foo", PLACEHOLDER + " end"]
    assert stream.counts == {"aws_key": 1}


def test_a_private_key_goes_on_behind_an_interruption():
    begin, end = PRIVATE_KEY[:60], PRIVATE_KEY[60:]
    assert in_runs([begin], [end, " done"])[0] == ["[REDACTED_PRIVATE_KEY]", " done"]


def test_json_stays_json():
    runs, _ = in_runs(['{"a": "', AWS_KEY[:7]], [AWS_KEY[7:] + '", "b\\u00', 'e9": 1}'], json=True)
    assert "".join(runs) == '{"a": "' + AWS_KEY[:7] + PLACEHOLDER + '", "b\\u00e9": 1}'


def test_an_escape_sequence_may_be_interrupted():
    assert in_runs(['{"a": "\\u00'], ['e9b"}'], json=True)[0] == ['{"a": "\\u00', 'e9b"}']


PARTS = st.lists(
    st.sampled_from(["a", "word", " ", ". ", "é", f" {AWS_KEY} ", AWS_KEY[:9], AWS_KEY[9:], f" {HEX32} ", "----"])
)


@given(st.lists(PARTS, min_size=1, max_size=4))
@example([[AWS_KEY[:9]], [AWS_KEY[9:], " ", AWS_KEY]])
@example([["word"], [AWS_KEY]])
def test_no_secret_leaves_in_a_run_or_joined(parts):
    given_runs = ["".join(run) for run in parts]
    runs, _ = in_runs(*parts)
    whole = REDACTOR.redact("".join(given_runs)).text
    for secret in (AWS_KEY, HEX32):
        assert secret in whole or secret not in "".join(runs)
        for run, alone in zip(runs, given_runs, strict=True):
            assert secret in REDACTOR.redact(alone).text or secret not in run


@given(st.lists(st.lists(st.sampled_from(["a", "word", " ", ". ", "é", "----", "://", "sk-"])), min_size=1, max_size=5))
def test_harmless_runs_stay_as_they_are(parts):
    assert in_runs(*parts)[0] == ["".join(run) for run in parts]
