"""Every key of the input has its note, at its line, and no value of it is shown."""

import pytest

from kaigate.config.document import parse_document
from kaigate.config.litellm_notes import Note, Notes, Section, as_number

TEXT = b"a:\n  b: 1\n  c: {d: hidden-value}\ne: [1]\n"


def notes_of(text: bytes = TEXT) -> Notes:
    return Notes(parse_document(text, "f"))


def test_what_nobody_looked_at_is_not_carried():
    notes = notes_of()
    notes.carried(("a", "b"), "there")
    told = notes.finish()
    assert [(note.line, note.path, note.outcome) for note in told] == [
        (2, "a.b", "carried"),
        (3, "a.c", "not carried"),
        (4, "e", "not carried"),
    ]
    assert "hidden-value" not in "".join(map(str, told))


def test_a_note_above_accounts_for_what_is_below():
    notes = notes_of()
    notes.dropped(("a",), "no")
    notes.changed(("e",), "other")
    assert [note.path for note in notes.finish()] == ["a", "e"]


def test_mistakes_of_the_document_are_told():
    assert any("duplicate" in note.message for note in notes_of(b"a: 1\na: 2\n").finish())


def test_a_note_reads_like_a_compilers():
    assert str(Note(3, "a.b", "changed", "why")) == "line 3: a.b: changed: why"
    assert str(Note(0, "", "changed", "why")) == "changed: why"


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), ("2.5", 2.5), (True, None), ("x", None), (None, None), ("nan", None), (1e300, None), (10**400, None)],
)
def test_numbers_are_finite_and_of_a_reasonable_size(value, number):
    assert as_number(value) == number


def test_a_section_answers_in_one_type_and_notes_what_has_another():
    notes = notes_of(b"x: {t: 5, f: 'Yes', g: maybe, n: [1], l: [2]}")
    section = Section({"t": 5, "f": "Yes", "g": "maybe", "n": [1], "l": [2]}, ("x",), notes)
    assert (section.text("t"), section.flag("f"), section.flag("g"), section.number("n"), section.text("l")) == (
        "5",
        True,
        None,
        None,
        None,
    )
    assert [note.path for note in notes.finish()] == ["x.f", "x.g", "x.l", "x.n", "x.t"]
    assert (section.text("absent"), section.flag("absent"), section.number("absent")) == (None, None, None)


def test_a_section_of_another_kind_is_told():
    notes = notes_of(b"x: 5")
    assert Section(5, ("x",), notes).text("a") is None
    assert [(note.path, note.message) for note in notes.finish()] == [("x", "is no mapping")]
