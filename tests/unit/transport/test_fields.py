"""Framing is decided in one way only, or not at all."""

import pytest

from kaigate.transport.errors import ProtocolError
from kaigate.transport.fields import body_framing, join_fields


def test_names_are_lower_case_and_repeats_are_joined_in_order() -> None:
    assert join_fields([(b"Content-Type", b"a"), (b"X-ODD", b"1"), (b"x-odd", b"2"), (b"x-Odd", b"\xe9")]) == {
        "content-type": "a",
        "x-odd": "1, 2, \u00e9",
    }


@pytest.mark.parametrize(
    ("status", "version", "headers", "head_only", "framing"),
    [
        (200, "1.1", {"content-length": "2"}, False, "length"),
        (200, "1.1", {"transfer-encoding": "Chunked"}, False, "chunked"),
        (200, "1.1", {}, False, "until_close"),
        (200, "1.0", {}, False, "until_close"),
        (204, "1.1", {}, False, "none"),
        (304, "1.1", {"content-length": "9"}, False, "none"),
        (200, "1.1", {"content-length": "9"}, True, "none"),
        (200, "1.1", {"content-encoding": "identity", "content-length": "1"}, False, "length"),
    ],
)
def test_the_body_ends_as_rfc_9112_says(
    status: int, version: str, headers: dict[str, str], head_only: bool, framing: str
) -> None:
    assert body_framing(status, version, headers, head_only=head_only) == framing


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.1", {"content-length": "2", "transfer-encoding": "chunked"}),
        ("1.1", {"content-length": "2, 2"}),
        ("1.1", {"content-length": "2, 3"}),
        ("1.1", {"content-length": "+2"}),
        ("1.1", {"content-length": "-2"}),
        ("1.1", {"content-length": ""}),
        ("1.1", {"content-length": "\u00b2"}),
        ("1.1", {"transfer-encoding": "gzip, chunked"}),
        ("1.1", {"transfer-encoding": "chunked, chunked"}),
        ("1.1", {"transfer-encoding": "identity"}),
        ("1.1", {"transfer-encoding": "xchunked"}),
        ("1.0", {"transfer-encoding": "chunked"}),
        ("1.1", {"content-encoding": "gzip"}),
    ],
)
def test_ambiguous_framing_is_refused(version: str, headers: dict[str, str]) -> None:
    with pytest.raises(ProtocolError):
        body_framing(200, version, headers, head_only=False)
