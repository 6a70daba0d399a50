"""A section is strict and immutable; names and durations are bounded."""

import pytest
from pydantic import ValidationError

from kaigate.config.section import Name, Seconds, Section


class Example(Section):
    name: Name = "a"
    wait: Seconds = 1.0


@pytest.mark.parametrize(
    "given",
    [
        {"nam": "a"},
        {"name": 5},
        {"name": "two words"},
        {"name": ""},
        {"name": "x" * 65},
        {"wait": "1"},
        {"wait": 0.0},
        {"wait": 86_401.0},
        {"wait": float("nan")},
    ],
)
def test_what_does_not_fit_is_refused(given):
    with pytest.raises(ValidationError):
        Example(**given)


def test_a_section_is_immutable():
    with pytest.raises(ValidationError):
        Example().name = "b"
