"""Converse answers and ConverseStream events as they stand on the wire (source: Bedrock API reference).

Unions refuse members that are not here: what no decoder reads must not be lost in silence. Other fields that are not
here (metrics, traces, padding) carry no part of the answer and reach nobody.
"""

from typing import Any, Literal

import msgspec


class _Union(msgspec.Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    """Exactly one member is set."""


class WireUsage(msgspec.Struct, gc=False, rename="camel"):
    """`inputTokens` has neither the tokens read from the cache nor those written to it."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class WireReasoningText(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str
    signature: str | None = None


class WireReasoning(_Union):
    """A block of reasoning; `redactedContent` is base64."""

    reasoning_text: WireReasoningText | None = None
    redacted_content: str | None = None


class WireToolUse(msgspec.Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    """A tool call; `type` says `server_tool_use` where Bedrock itself ran the tool."""

    tool_use_id: str
    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")
    type: str | None = None


class WireBlock(_Union):
    """A content block of a complete answer."""

    text: str | None = None
    tool_use: WireToolUse | None = None
    reasoning_content: WireReasoning | None = None


class WireMessage(msgspec.Struct, gc=False):
    content: list[WireBlock]
    role: Literal["assistant"] = "assistant"


class WireOutput(msgspec.Struct, gc=False):
    message: WireMessage


class WireAnswer(msgspec.Struct, gc=False, rename="camel"):
    """A complete answer."""

    output: WireOutput
    stop_reason: str
    usage: WireUsage | None = None
    additional_model_response_fields: Any = None


class WireReasoningDelta(_Union):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class WireInputDelta(msgspec.Struct, gc=False):
    input: str


class WireDelta(_Union):
    text: str | None = None
    tool_use: WireInputDelta | None = None
    reasoning_content: WireReasoningDelta | None = None


class WireBlockDelta(msgspec.Struct, gc=False, rename="camel"):
    content_block_index: int
    delta: WireDelta


class WireBlockBegin(_Union):
    tool_use: WireToolUse


class WireBlockStart(msgspec.Struct, gc=False, rename="camel"):
    """Only tool calls have a start."""

    content_block_index: int
    start: WireBlockBegin


class WireBlockStop(msgspec.Struct, gc=False, rename="camel"):
    content_block_index: int


class WireMessageStart(msgspec.Struct, gc=False):
    role: Literal["assistant"]


class WireMessageStop(msgspec.Struct, gc=False, rename="camel"):
    stop_reason: str
    additional_model_response_fields: Any = None


class WireMetadata(msgspec.Struct, gc=False):
    usage: WireUsage | None = None
