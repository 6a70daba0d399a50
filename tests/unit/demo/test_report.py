"""The report can be pasted from, and marks what held."""

import io

from rich.console import Console

from demo import report
from demo.call import Call
from demo.steps import FAKE_AWS_KEY, Outcome

CALL = Call("http://127.0.0.1:4000/v1/chat/completions", {"text": "word " * 60}, "kg-1")


def printed(outcome: Outcome) -> str:
    console = Console(file=io.StringIO(), width=60)
    report.outcome(console, outcome)
    return console.file.getvalue()


def test_a_command_is_never_wrapped() -> None:
    assert CALL.curl() in printed(Outcome((CALL,), (), ()))


def test_claims_are_marked() -> None:
    text = printed(Outcome((), (("answer", "yes"),), (("this", True), ("that", False))))
    assert "✓ this" in text
    assert "✗ that" in text
    assert "answer  yes" in text


def test_answers_stand_side_by_side() -> None:
    text = printed(Outcome((), (("raw", FAKE_AWS_KEY), ("guarded", "[x]")), (), side_by_side=True))
    assert any(FAKE_AWS_KEY in line and "[x]" in line for line in text.splitlines())


def test_the_verdict_counts_broken_steps() -> None:
    console = Console(file=io.StringIO())
    report.verdict(console, 1, 5, 2.0)
    report.verdict(console, 0, 5, 2.0)
    assert "1 of 5 steps did not hold." in console.file.getvalue()
    assert "All 5 steps held, in 2.0 s." in console.file.getvalue()
