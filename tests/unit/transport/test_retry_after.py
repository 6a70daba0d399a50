"""An upstream's wish to be left alone, in each of its forms, bounded."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.transport.retry_after import retry_after, seconds_until

NOON = datetime.fromisoformat("2026-01-02T12:00:00+00:00").timestamp()
AT_NOON = "Fri, 02 Jan 2026 12:00:00 GMT"
LATER = "Fri, 02 Jan 2026 12:00:30 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "999999999999"}, 600.0),
        ({"retry-after-ms": "999999999999"}, 600.0),
        ({"retry-after": LATER}, 30.0),
        ({"retry-after": "Fri, 02 Jan 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Fri, 02 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 02 Jan 2099 12:00:00 GMT"}, 600.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": " " * 50 + LATER + "x" * 50}, None),
        ({}, None),
    ],
)
def test_every_form_is_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOON, most=600) == seconds


def test_a_date_may_be_counted_from_the_answer_s_own() -> None:
    assert retry_after({"retry-after": LATER, "date": AT_NOON}, now=None, most=600) == 30.0
    assert retry_after({"retry-after": LATER}, now=None, most=600) is None
    assert retry_after({"retry-after": LATER, "date": "nonsense"}, now=None, most=600) is None
    assert retry_after({"retry-after": LATER, "date": LATER}, now=NOON, most=600) == 30.0


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50), st.booleans())
def test_any_text_is_survived(exact: str, text: str, date: str, dated: bool) -> None:
    headers = {"retry-after-ms": exact, "retry-after": text, "date": date}
    found = retry_after(headers, now=NOON if dated else None, most=600)
    assert found is None or 0 <= found <= 600
    until = seconds_until(text, NOON, datetime.fromisoformat, 600)
    assert until is None or 0 <= until <= 600
