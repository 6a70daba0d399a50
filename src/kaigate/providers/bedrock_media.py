"""Images and documents for Bedrock: bytes only, in the formats it lists.

Source: Bedrock API reference, `ImageBlock` and `DocumentBlock`.
"""

import base64
import string
from collections.abc import Mapping
from typing import Any, Final

from kaigate.chat.content import DocumentBlock, ImageBlock
from kaigate.errors import RequestInvalidError

MAX_DOCUMENTS: Final = 5
MAX_DOCUMENT_BYTES: Final = 4_718_592  # 4.5 MiB
MAX_NAME: Final = 200

_IMAGES: Final[Mapping[str, str]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_DOCUMENTS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_EXTENSIONS: Final = frozenset(_DOCUMENTS.values())
_NAME_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "-()[]")


def wire_image(block: ImageBlock, path: str) -> dict[str, Any]:
    """An image block; an address is refused, because neither Bedrock nor the gateway fetches it."""
    if block.data is None:
        raise _unsupported(path, "an image URL, which the model behind this name does not fetch; send a data: URI")
    kind = _IMAGES.get((block.media_type or "").lower())
    if kind is None:
        raise _unsupported(path, "an image of a type that the model behind this name does not read; send PNG or JPEG")
    return {"image": {"format": kind, "source": {"bytes": block.data}}}


class Documents:
    """The documents of one request: counted, and named so that no two are alike."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: set[str] = set()

    def wire(self, block: DocumentBlock, path: str) -> dict[str, Any]:
        """A document block; raises `RequestInvalidError` for what Bedrock would not take."""
        if block.citations:
            raise _unsupported(path, "a document to be cited, which this gateway does not offer on this model")
        data, kind = self._data(block, path)
        if len(data) // 4 * 3 > MAX_DOCUMENT_BYTES:
            raise RequestInvalidError(
                "invalid_request", f"{path} has a document of more than 4.5 MB; send a smaller one.", param=path
            )
        if len(self._names) >= MAX_DOCUMENTS:
            raise RequestInvalidError(
                "invalid_request", f"{path} has a sixth document; the model behind this name takes five.", param=path
            )
        wire: dict[str, Any] = {"format": kind, "name": self._name(block.name), "source": {"bytes": data}}
        if block.context is not None:
            wire["context"] = block.context
        return {"document": wire}

    def _data(self, block: DocumentBlock, path: str) -> tuple[str, str]:
        if block.text is not None:
            return base64.b64encode(block.text.encode()).decode(), "txt"
        if block.data is None:
            raise _unsupported(path, "a document by address or id, which this model does not fetch; send its bytes")
        kind = _DOCUMENTS.get((block.media_type or "").lower().partition(";")[0].strip())
        if kind is None:
            ending = (block.name or "").rpartition(".")[2].lower()
            kind = ending if ending in _EXTENSIONS else None
        if kind is None:
            raise _unsupported(path, "a document of a type that the model behind this name does not read; send a PDF")
        return block.data, kind

    def _name(self, given: str | None) -> str:
        """Letters, digits, single spaces, hyphens, parentheses and brackets; the rest becomes spaces."""
        stem, dot, ending = (given or "").rpartition(".")
        text = stem if dot and ending.lower() in _EXTENSIONS else given or ""
        clean = " ".join("".join(char if char in _NAME_CHARACTERS else " " for char in text).split())
        clean = clean[: MAX_NAME - 4].strip() or "document"
        name, count = clean, 2
        while name in self._names:
            name, count = f"{clean} ({count})", count + 1
        self._names.add(name)
        return name


def _unsupported(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("unsupported_parameter", f"{path} has {what}.", param=path)
