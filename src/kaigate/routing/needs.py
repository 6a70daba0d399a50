"""What a request needs of a deployment."""

from typing import Final

from kaigate.chat.content import AudioBlock, DocumentBlock, ImageBlock
from kaigate.chat.request import ChatRequest
from kaigate.pipeline.plan import Need

NOTHING: Final[frozenset[Need]] = frozenset()

_BLOCKS: Final[dict[type, tuple[Need, Need]]] = {
    ImageBlock: ("vision", "image"),
    AudioBlock: ("audio", "audio"),
    DocumentBlock: ("documents", "document"),
}


def needs_of(request: ChatRequest) -> frozenset[Need]:
    """Capabilities and parts, in one walk over the blocks."""
    found: set[Need] = set()
    for message in request.messages:
        for block in message.blocks:
            named = _BLOCKS.get(type(block))
            if named is not None:
                found.update(named)
    if request.tools:
        found.add("tools")
    shape = request.response_format
    if shape is not None and shape.kind == "json_schema":
        found.add("json_schema")
    if _reasons(request):
        found.add("reasoning")
    return frozenset(found) if found else NOTHING


def _reasons(request: ChatRequest) -> bool:
    """Whether reasoning was asked for: to ask for none needs nothing."""
    if request.thinking is not None:
        return request.thinking.mode != "disabled"
    return request.reasoning_effort is not None and request.reasoning_effort != "none"
