"""Images and documents: bytes in formats and under names that Bedrock accepts."""

import base64

import pytest

from kaigate.chat.content import DocumentBlock, ImageBlock
from kaigate.errors import RequestInvalidError
from kaigate.providers.bedrock_media import MAX_DOCUMENT_BYTES, Documents, wire_image

PATH = "messages[0].content"


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/jpeg", "jpeg"), ("image/jpg", "jpeg"), ("IMAGE/PNG", "png"), ("image/gif", "gif"), ("image/webp", "webp")],
)
def test_images_are_bytes(media_type: str, kind: str) -> None:
    block = ImageBlock(data="aGk=", media_type=media_type)
    assert wire_image(block, PATH) == {"image": {"format": kind, "source": {"bytes": "aGk="}}}


@pytest.mark.parametrize(
    "block", [ImageBlock(url="https://x/y.png"), ImageBlock(data="x", media_type="image/tiff"), ImageBlock(data="x")]
)
def test_other_images_are_refused(block: ImageBlock) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        wire_image(block, PATH)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", PATH)


def wired(*blocks: DocumentBlock) -> list[dict[str, object]]:
    documents = Documents()
    return [documents.wire(block, PATH)["document"] for block in blocks]


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        (DocumentBlock(data="x", media_type="application/pdf"), "pdf"),
        (DocumentBlock(data="x", media_type="text/plain; charset=utf-8"), "txt"),
        (DocumentBlock(data="x", media_type="text/markdown"), "md"),
        (DocumentBlock(data="x", media_type="application/octet-stream", name="a.b.XLSX"), "xlsx"),
        (DocumentBlock(data="x", name="notes.csv"), "csv"),
    ],
)
def test_the_format_of_a_document(block: DocumentBlock, kind: str) -> None:
    assert wired(block)[0]["format"] == kind


def test_a_text_is_a_document_of_its_bytes() -> None:
    (document,) = wired(DocumentBlock(text="grün", context="of a garden"))
    assert document == {
        "format": "txt",
        "name": "document",
        "source": {"bytes": base64.b64encode("grün".encode()).decode()},
        "context": "of a garden",
    }


def test_names_have_the_accepted_characters_and_differ() -> None:
    names = ["Report (1)_v2.pdf", "a  b.pdf", "a/b.pdf", "", "ü" * 3]
    found = wired(*[DocumentBlock(data="x", media_type="application/pdf", name=name) for name in names])
    assert [one["name"] for one in found] == ["Report (1) v2", "a b", "a b (2)", "document", "document (2)"]
    (long,) = wired(DocumentBlock(data="x", media_type="application/pdf", name="n" * 500))
    assert len(str(long["name"])) <= 200


PDF = DocumentBlock(data="eA==", media_type="application/pdf")


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([DocumentBlock(url="https://x/y.pdf")], "unsupported_parameter"),
        ([DocumentBlock(file_id="f")], "unsupported_parameter"),
        ([DocumentBlock(data="x", media_type="video/mp4")], "unsupported_parameter"),
        ([DocumentBlock(data="x")], "unsupported_parameter"),
        ([DocumentBlock(data="x", media_type="application/pdf", citations=True)], "unsupported_parameter"),
        ([PDF] * 6, "invalid_request"),
        ([DocumentBlock(data="A" * (MAX_DOCUMENT_BYTES * 4 // 3 + 4), media_type="text/csv")], "invalid_request"),
    ],
)
def test_what_bedrock_would_not_take_is_refused(blocks: list[DocumentBlock], code: str) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        wired(*blocks)
    assert (caught.value.code, caught.value.param) == (code, PATH)


def test_five_documents_are_fine() -> None:
    assert len(wired(*[PDF] * 5)) == 5
