"""Citations in OpenAI's shape, with the original beside it."""

import pytest

from kaigate.errors import UpstreamFailedError
from kaigate.providers.anthropic_citations import annotation


def test_a_page_of_the_web() -> None:
    citation = {"type": "web_search_result_location", "url": "https://a.example/", "title": None, "cited_text": "t"}
    assert annotation(citation, 3, 9) == {
        "type": "url_citation",
        "url_citation": {"url": "https://a.example/", "title": "", "start_index": 3, "end_index": 9},
        "citation": citation,
    }


@pytest.mark.parametrize("kind", ["char_location", "page_location", "content_block_location", "search_result_location"])
def test_a_place_in_a_document(kind: str) -> None:
    field = "title" if kind == "search_result_location" else "document_title"
    citation = {"type": kind, field: "a.pdf", "cited_text": "t"}
    assert annotation(citation, 3, 9) == {
        "type": "file_citation",
        "file_citation": {"filename": "a.pdf", "index": 3},
        "citation": citation,
    }


@pytest.mark.parametrize("citation", [{}, {"type": "song"}, {"type": 7}])
def test_another_kind_is_refused(citation: dict[str, object]) -> None:
    with pytest.raises(UpstreamFailedError):
        annotation(citation, 0, 0)
