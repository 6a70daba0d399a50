"""Marks on the text of a response: log probabilities and citations, from OpenAI's chat shape to that of responses."""

from typing import Any, Final

_URL_CITATION: Final = ("start_index", "end_index", "url", "title")
_FLAT: Final[dict[str, tuple[str, ...]]] = {
    "url_citation": _URL_CITATION,
    "file_citation": ("file_id", "filename", "index"),
    "container_file_citation": ("container_id", "file_id", "filename", "start_index", "end_index"),
    "file_path": ("file_id", "index"),
}


def text_logprobs(entries: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Entries with every field that a response's type requires."""
    return [
        {**_logprob(entry), "top_logprobs": [_logprob(other) for other in entry.get("top_logprobs") or ()]}
        for entry in entries or ()
    ]


def annotation(wire: dict[str, Any]) -> dict[str, Any] | None:
    """A citation as responses have it, None for one that they can't have."""
    kind = wire.get("type")
    names = _FLAT.get(kind) if isinstance(kind, str) else None
    if names is None:
        return None
    nested = wire.get(str(kind))
    source = nested if isinstance(nested, dict) else wire
    if kind == "url_citation" and "title" not in source:
        source = {**source, "title": ""}
    if any(name not in source for name in names):
        return None
    return {"type": kind, **{name: source[name] for name in names}}


def _logprob(entry: dict[str, Any]) -> dict[str, Any]:
    token = str(entry.get("token", ""))
    known = entry.get("bytes")
    # Some servers leave the bytes out; for a whole character they are those of the token.
    spelled = known if isinstance(known, list) else list(token.encode())
    return {"token": token, "logprob": entry.get("logprob", 0.0), "bytes": spelled}
