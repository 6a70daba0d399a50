"""Exact token counts with OpenAI's o200k encoding, where the optional `bpe-openai` package is installed.

Other vendors' tokenizers differ by some percent; near a ceiling this is still closer than the estimate.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from kaigate.chat.content import Block, ReasoningBlock, RefusalBlock, TextBlock, ToolCallBlock
from kaigate.chat.request import ChatRequest
from kaigate.tokens.estimate import (
    PER_MESSAGE,
    PER_REQUEST,
    PER_TOOL,
    PER_TOOL_CALL,
    estimate_block,
)

_encode: Final = msgspec.json.Encoder().encode


class ExactCounter:
    """Counts with a loaded encoding; loading takes a second and some 100 MiB, so it is done once, at start."""

    def __init__(self, encode: Callable[[str], Sequence[int]]) -> None:
        self._encode: Final = encode

    @classmethod
    def load(cls) -> "ExactCounter | None":
        """The counter, or None where the package is not installed."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the package's own, about how it reads its tables
            try:
                import bpe_openai  # noqa: PLC0415 -- optional, and heavy to import
            except ImportError:
                return None
        return cls(bpe_openai.get_encoding("o200k_base").encode_ordinary)

    def count_text(self, text: str) -> int:
        """Tokens of one text."""
        return len(self._encode(text))

    def count(self, request: ChatRequest) -> int:
        """Input tokens of a request; what is not text is estimated."""
        total = PER_REQUEST
        for message in request.messages:
            total += PER_MESSAGE + sum(self._count_block(block) for block in message.blocks)
            if message.name is not None:
                total += self.count_text(message.name)
        total += sum(PER_TOOL + self.count_text(_encode(tool).decode()) for tool in request.tools)
        if request.response_format is not None and request.response_format.schema is not None:
            total += self.count_text(_encode(request.response_format.schema).decode())
        return total

    def _count_block(self, block: Block) -> int:
        if isinstance(block, TextBlock | ReasoningBlock | RefusalBlock):
            return self.count_text(block.text)
        if isinstance(block, ToolCallBlock):
            return PER_TOOL_CALL + self.count_text(block.name) + self.count_text(block.arguments)
        return estimate_block(block)
