"""Images and files are what they say they are, or are refused with their path."""

import pytest

from kaigate.chat.content import DocumentBlock, ImageBlock
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_media import document, image, is_https_url, require_base64


def test_an_image_is_a_url_or_data() -> None:
    assert image("https://example.com/a.png", "low", "p") == ImageBlock(url="https://example.com/a.png", detail="low")
    assert image("data:image/png;base64,QUJD", None, "p") == ImageBlock(data="QUJD", media_type="image/png")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/a.png", "https URL or a data: URI"),
        ("https://", "https URL or a data: URI"),
        ("https://exa mple.com", "https URL or a data: URI"),
        ("data:image/svg+xml;base64,QUJD", "media type"),
        ("data:image/png,QUJD", "must have the form"),
        ("data:image/png;base64,", "not base64"),
    ],
)
def test_an_image_of_another_kind_is_refused(url: str, why: str) -> None:
    with pytest.raises(RequestInvalidError, match=why) as refusal:
        image(url, None, "here.url")
    assert refusal.value.param == "here.url"


def test_a_document_is_base64_with_or_without_its_type() -> None:
    assert document("QUJD", None, "a", "p") == DocumentBlock(data="QUJD", name="a")
    pdf = document("data:application/pdf;base64,QUJD", None, None, "p")
    assert pdf == DocumentBlock(data="QUJD", media_type="application/pdf")


@pytest.mark.parametrize(
    ("data", "file_id", "param"),
    [
        (None, "file-1", "p.file_id"),
        (None, None, "p.file_data"),
        ("no!", None, "p.file_data"),
        ("data:image/png;base64,QUJD", None, "p.file_data"),
    ],
)
def test_a_document_that_is_not_served_is_refused(data: str | None, file_id: str | None, param: str) -> None:
    with pytest.raises(RequestInvalidError) as refusal:
        document(data, file_id, None, "p")
    assert refusal.value.param == param


@pytest.mark.parametrize("data", ["", "QUJ", 'QU"=', "QU =", "QUé=", "QU\n="])
def test_what_cannot_be_base64(data: str) -> None:
    with pytest.raises(RequestInvalidError, match="not base64"):
        require_base64(data, "p")


def test_https_urls() -> None:
    assert is_https_url("https://example.com")
    assert not is_https_url("https://example.com/\n")
