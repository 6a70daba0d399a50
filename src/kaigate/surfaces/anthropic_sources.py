"""Where images and documents of a message come from: Anthropic's `source` objects to canonical blocks."""

from kaigate.chat.content import CacheMark, DocumentBlock, ImageBlock
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.anthropic_wire import (
    Base64Document,
    Base64Image,
    ContentDocument,
    DocumentPart,
    FileSource,
    ImagePart,
    TextDocument,
    TextPart,
    UrlSource,
)


def image(source: Base64Image | UrlSource | FileSource, path: str, cache: CacheMark | None) -> ImageBlock:
    """An image; raises `RequestInvalidError` for a source that is not served."""
    if isinstance(source, Base64Image):
        _require_base64(source.data, f"{path}.data")
        return ImageBlock(data=source.data, media_type=source.media_type, cache=cache)
    if isinstance(source, UrlSource):
        _require_https(source.url, f"{path}.url")
        return ImageBlock(url=source.url, cache=cache)
    raise _file(path)


def document(part: DocumentPart, path: str, cache: CacheMark | None) -> DocumentBlock:
    """A document; raises `RequestInvalidError` for a source that is not served."""
    source = part.source
    cited = part.citations is not None and part.citations.enabled is True
    data: str | None = None
    media_type: str | None = None
    text: str | None = None
    url: str | None = None
    if isinstance(source, Base64Document):
        _require_base64(source.data, f"{path}.data")
        data, media_type = source.data, source.media_type
    elif isinstance(source, TextDocument):
        text, media_type = source.data, source.media_type
    elif isinstance(source, UrlSource):
        _require_https(source.url, f"{path}.url")
        url = source.url
    elif isinstance(source, ContentDocument):
        text, media_type = _content(source, f"{path}.content", cited=cited), "text/plain"
    else:
        raise _file(path)
    return DocumentBlock(
        data=data,
        media_type=media_type,
        name=part.title,
        text=text,
        url=url,
        context=part.context,
        citations=cited,
        cache=cache,
    )


def _content(source: ContentDocument, path: str, *, cited: bool) -> str:
    """The text of a document in parts; its parts matter only to citations, which point at them."""
    content = source.content
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for at, part in enumerate(content):
        if isinstance(part, ImagePart):
            raise _unsupported(f"{path}[{at}]", "is an image inside a document; put it beside the document")
        if isinstance(part, TextPart):
            texts.append(part.text)
    if cited and len(texts) > 1:
        raise _unsupported(path, "has several parts to be cited one by one; send one text, or a document each")
    return "\n".join(texts)


def _file(path: str) -> RequestInvalidError:
    # Uploaded files belong to the shared vendor account: an id would reach another caller's file.
    return _unsupported(f"{path}.file_id", "is not served, because uploads are not; send the content as base64")


def _require_https(url: str, path: str) -> None:
    if not (url.startswith("https://") and len(url) > 8 and url.isascii() and url.isprintable() and " " not in url):
        raise RequestInvalidError("invalid_request", f"{path} must be an https URL.", param=path)


def _require_base64(data: str, path: str) -> None:
    # The upstream decodes it anyway; here it only has to be unable to be anything else.
    if not data or len(data) % 4 or not data.isascii() or not data.isprintable() or '"' in data or " " in data:
        raise RequestInvalidError("invalid_request", f"{path} is not base64.", param=path)


def _unsupported(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("unsupported_parameter", f"{path} {what}.", param=path)
