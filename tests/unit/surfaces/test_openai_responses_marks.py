"""Log probabilities and citations take the shape that responses have."""

from typing import Any

import pytest

from kaigate.surfaces.openai_responses_marks import annotation, text_logprobs

URL = {"start_index": 0, "end_index": 4, "url": "https://example.com", "title": "Example"}


def test_logprobs_have_every_required_field() -> None:
    assert text_logprobs([{"token": "é", "logprob": -0.5, "bytes": None}]) == [
        {"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": []}
    ]
    alternatives = text_logprobs(
        [{"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -2}]}]
    )
    assert alternatives[0]["top_logprobs"] == [{"token": "b", "logprob": -2, "bytes": [98]}]
    assert text_logprobs(None) == []


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"type": "url_citation", "url_citation": URL}, {"type": "url_citation", **URL}),
        ({"type": "url_citation", **URL}, {"type": "url_citation", **URL}),
        (
            {"type": "url_citation", **{name: value for name, value in URL.items() if name != "title"}},
            {"type": "url_citation", **URL, "title": ""},
        ),
        (
            {"type": "file_citation", "file_citation": {"file_id": "f", "filename": "a", "index": 1, "quote": "x"}},
            {"type": "file_citation", "file_id": "f", "filename": "a", "index": 1},
        ),
        ({"type": "url_citation", "url_citation": {"url": "https://example.com"}}, None),
        ({"type": "page_location", "page": 3}, None),
        ({}, None),
        ({"type": ["x"]}, None),
    ],
)
def test_citations(wire: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert annotation(wire) == expected
