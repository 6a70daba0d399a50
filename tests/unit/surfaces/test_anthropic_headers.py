"""Headers become hints only when they can be nothing else."""

import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_headers import hints


def test_both_are_optional() -> None:
    assert hints({}) == {}
    assert hints({b"anthropic-version": b"", b"anthropic-beta": b" , "}) == {}


def test_names_are_listed_once_without_blanks() -> None:
    assert hints({b"anthropic-version": b"2023-06-01", b"anthropic-beta": b" a-1, b.2,a-1 ,,"}) == {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a-1,b.2",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"anthropic-version", b"2023-06-01\r\nx-api-key: k"),
        (b"anthropic-version", b"2023 06"),
        (b"anthropic-version", "2023é".encode()),
        (b"anthropic-version", b"2" * 33),
        (b"anthropic-beta", b"a;b"),
        (b"anthropic-beta", b"a b"),
        (b"anthropic-beta", b"a\tb"),
        (b"anthropic-beta", b"a" * 1025),
    ],
)
def test_anything_else_is_refused_and_not_repeated(name: bytes, value: bytes) -> None:
    with pytest.raises(RequestInvalidError) as refused:
        hints({name: value})
    assert refused.value.param == name.decode()
    assert value.decode()[:4] not in refused.value.message.replace("2023-06-01", "").replace("parted", "")
