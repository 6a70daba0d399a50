"""Where images and documents may come from."""

from typing import Any

import msgspec
import pytest

from kaigate.chat.content import DocumentBlock, ImageBlock
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_sources import document, image
from kaigate.surfaces.anthropic_wire import DocumentPart, ImagePart


def an_image(source: dict[str, Any]) -> ImageBlock:
    part = msgspec.convert({"type": "image", "source": source}, ImagePart)
    return image(part.source, "here", None)


def a_document(source: dict[str, Any], **fields: Any) -> DocumentBlock:
    part = msgspec.convert({"type": "document", "source": source, **fields}, DocumentPart)
    return document(part, "here", None)


def test_images() -> None:
    data = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert an_image(data) == ImageBlock(data="AAAA", media_type="image/png")
    assert an_image({"type": "url", "url": "https://e.org"}) == ImageBlock(url="https://e.org")


def test_documents() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    assert a_document(pdf) == DocumentBlock(data="AAAA", media_type="application/pdf")
    assert a_document({"type": "url", "url": "https://e.org/x"}, title="t") == DocumentBlock(
        url="https://e.org/x", name="t"
    )
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert a_document({"type": "content", "content": parts}).text == "a\nb"
    assert a_document({"type": "content", "content": "a"}, citations={"enabled": True}).citations


@pytest.mark.parametrize("url", ["http://e.org", "file:///etc/passwd", "https://", "https://e.org/ x", "https://é"])
def test_only_https(url: str) -> None:
    for make in (an_image, a_document):
        with pytest.raises(RequestInvalidError, match="must be an https URL") as refused:
            make({"type": "url", "url": url})  # type: ignore[operator]
        assert refused.value.param == "here.url"


@pytest.mark.parametrize("data", ["", "AAA", "AA A", 'AA"A', "AA\nA", "ÄAAA"])
def test_only_base64(data: str) -> None:
    with pytest.raises(RequestInvalidError, match="is not base64"):
        an_image({"type": "base64", "media_type": "image/png", "data": data})
    with pytest.raises(RequestInvalidError, match="is not base64"):
        a_document({"type": "base64", "media_type": "application/pdf", "data": data})


def test_an_uploaded_file_may_be_another_callers() -> None:
    for make in (an_image, a_document):
        with pytest.raises(RequestInvalidError, match="uploads are not") as refused:
            make({"type": "file", "file_id": "file_1"})  # type: ignore[operator]
        assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "here.file_id")


def test_a_document_in_parts_is_refused_where_its_parts_matter() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    with pytest.raises(RequestInvalidError, match="cited one by one"):
        a_document({"type": "content", "content": parts}, citations={"enabled": True})
    picture = {"type": "image", "source": {"type": "url", "url": "https://e.org"}}
    with pytest.raises(RequestInvalidError, match="image inside a document"):
        a_document({"type": "content", "content": [picture]})
