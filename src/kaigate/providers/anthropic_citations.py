"""Citations of Anthropic's answers as annotations."""

from typing import Any, Final

from kaigate.errors import UpstreamFailedError

WEB: Final = "web_search_result_location"
_DOCUMENT: Final = frozenset({"char_location", "page_location", "content_block_location", "search_result_location"})


def annotation(citation: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    """A citation of the text between `start` and `end` (code points of the answer) in OpenAI's shape.

    `citation` in it is the original, for clients that speak Anthropic's format. In a stream Anthropic tells citations
    before the text that they belong to: `end` is then no further than the text that was already sent.
    Raises `UpstreamFailedError` for a kind of citation that is not known.
    """
    kind = citation.get("type")
    if kind == WEB:
        place = {
            "url": _text(citation, "url"),
            "title": _text(citation, "title"),
            "start_index": start,
            "end_index": end,
        }
        return {"type": "url_citation", "url_citation": place, "citation": citation}
    if kind in _DOCUMENT:
        name = _text(citation, "document_title") or _text(citation, "title")
        return {"type": "file_citation", "file_citation": {"filename": name, "index": start}, "citation": citation}
    raise UpstreamFailedError("upstream_error", "The model server's answer has a citation of an unknown kind.")


def _text(citation: dict[str, Any], name: str) -> str:
    value = citation.get(name)
    return value if isinstance(value, str) else ""
