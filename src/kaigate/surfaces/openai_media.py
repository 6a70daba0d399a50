"""Images and files of OpenAI's formats, which say both as a URL or as a `data:` URI."""

from typing import Final

from kaigate.chat.content import DocumentBlock, ImageBlock
from kaigate.errors import RequestInvalidError

_IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DOCUMENT_TYPES: Final = ("application/pdf", "text/plain")


def image(url: str, detail: str | None, path: str) -> ImageBlock:
    """The image of an https URL or a `data:` URI; raises `RequestInvalidError` that names `path`, the URL's own."""
    if is_https_url(url):
        return ImageBlock(url=url, detail=detail)
    if not url.startswith("data:"):
        raise _invalid(path, "must be an https URL or a data: URI with base64")
    media_type, data = _data_uri(url, path)
    if media_type not in _IMAGE_TYPES:
        raise _invalid(path, f"has a media type that is not served; use one of {', '.join(_IMAGE_TYPES)}")
    return ImageBlock(data=data, media_type=media_type, detail=detail)


def document(data: str | None, file_id: str | None, name: str | None, path: str) -> DocumentBlock:
    """The file of base64 data or a `data:` URI; raises `RequestInvalidError` with a path below `path`."""
    if file_id is not None:
        # Uploaded files belong to the shared vendor account: an id would reach another caller's file.
        raise RequestInvalidError(
            "unsupported_parameter",
            f"{path}.file_id is not served, because uploads are not; send file_data.",
            param=f"{path}.file_id",
        )
    path = f"{path}.file_data"
    if not data:
        raise _invalid(path, "is required")
    if not data.startswith("data:"):
        require_base64(data, path)
        return DocumentBlock(data=data, name=name)
    media_type, data = _data_uri(data, path)
    if media_type not in _DOCUMENT_TYPES:
        raise _invalid(path, f"has a media type that is not served; use one of {', '.join(_DOCUMENT_TYPES)}")
    return DocumentBlock(data=data, media_type=media_type, name=name)


def is_https_url(url: str) -> bool:
    """Whether it can be an https URL and nothing else; the gateway itself never fetches it."""
    return url.startswith("https://") and len(url) > 8 and url.isascii() and url.isprintable() and " " not in url


def require_base64(data: str, path: str) -> None:
    """Refuse what can't be base64."""
    # The upstream decodes it anyway; here it only has to be unable to be anything else.
    if not data or len(data) % 4 or not data.isascii() or not data.isprintable() or '"' in data or " " in data:
        raise _invalid(path, "is not base64")


def _data_uri(uri: str, path: str) -> tuple[str, str]:
    """RFC 2397: `data:<media type>;base64,<data>`; only that form."""
    header, comma, data = uri[5:].partition(",")
    media_type, _, encoding = header.partition(";")
    if not comma or encoding != "base64":
        raise _invalid(path, "must have the form data:<media type>;base64,<data>")
    require_base64(data, path)
    return media_type, data


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
