"""Answers of Anthropic's Messages API, in the exact shape whose every key the decoder represents.

Unknown keys are refused here, so a frame that decodes may be relayed as it came; frames with more in them take the
way through `anthropic_repair`. Fields that no event represents are numbers, closed sets of words or null.
Sources: Anthropic API reference ("Messages", "Streaming messages") and the types of its official SDK.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)] | None
ServiceTier = Literal["standard", "priority", "batch"]


class WireCacheCreation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    ephemeral_5m_input_tokens: Count = None
    ephemeral_1h_input_tokens: Count = None


class WireOutputDetails(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    thinking_tokens: Count = None


class WireServerToolUse(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    web_search_requests: Count = None
    web_fetch_requests: Count = None


class WireUsage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Counts; `input_tokens` excludes what was read from or written to the cache. None is unknown, not 0."""

    input_tokens: Count = None
    output_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation: WireCacheCreation | None = None
    output_tokens_details: WireOutputDetails | None = None
    server_tool_use: WireServerToolUse | None = None
    service_tier: ServiceTier | None = None
    inference_geo: Literal["global", "us", "eu", "not_available"] | None = None
    speed: Literal["standard", "fast"] | None = None


class WireText(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="text", gc=False):
    text: str
    citations: list[dict[str, Any]] | None = None


class WireThinking(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="thinking", gc=False):
    thinking: str
    signature: str | None = None


class WireRedactedThinking(
    msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="redacted_thinking", gc=False
):
    data: str


class WireDirectCaller(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["direct"]


class WireToolUse(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="tool_use", gc=False):
    """A call; `input` stays the JSON text that the model wrote."""

    id: str
    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")
    caller: WireDirectCaller | None = None
    toolset_name: None = None


class ServerBlock(msgspec.Struct, tag_field="type", gc=False):
    """A step of a tool that the provider itself ran; what is in it reaches nobody."""


class ServerToolUse(ServerBlock, tag="server_tool_use", gc=False):
    pass


class WebSearchResult(ServerBlock, tag="web_search_tool_result", gc=False):
    pass


class WebFetchResult(ServerBlock, tag="web_fetch_tool_result", gc=False):
    pass


class CodeResult(ServerBlock, tag="code_execution_tool_result", gc=False):
    pass


class BashResult(ServerBlock, tag="bash_code_execution_tool_result", gc=False):
    pass


class TextEditorResult(ServerBlock, tag="text_editor_code_execution_tool_result", gc=False):
    pass


class ToolSearchResult(ServerBlock, tag="tool_search_tool_result", gc=False):
    pass


class AdvisorResult(ServerBlock, tag="advisor_tool_result", gc=False):
    pass


class ContainerUpload(ServerBlock, tag="container_upload", gc=False):
    pass


class McpToolUse(ServerBlock, tag="mcp_tool_use", gc=False):
    pass


class McpToolResult(ServerBlock, tag="mcp_tool_result", gc=False):
    pass


WireBlock = (
    WireText
    | WireThinking
    | WireRedactedThinking
    | WireToolUse
    | ServerToolUse
    | WebSearchResult
    | WebFetchResult
    | CodeResult
    | BashResult
    | TextEditorResult
    | ToolSearchResult
    | AdvisorResult
    | ContainerUpload
    | McpToolUse
    | McpToolResult
)


class WireRefusal(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Why the provider refused."""

    type: Literal["refusal"]
    category: Literal["cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"] | None = None
    explanation: str | None = None


class WireMessage(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="message", gc=False):
    """A whole answer, or its head in `message_start`."""

    id: str
    role: Literal["assistant"]
    model: str
    content: list[WireBlock]
    usage: WireUsage
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: WireRefusal | None = None
    container: None = None
    context_management: None = None
    diagnostics: None = None


class TextFragment(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="text_delta", gc=False):
    text: str


class InputFragment(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="input_json_delta", gc=False):
    partial_json: str


class ThinkingFragment(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="thinking_delta", gc=False):
    thinking: str


class SignatureFragment(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="signature_delta", gc=False):
    signature: str


class CitationFragment(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="citations_delta", gc=False):
    citation: dict[str, Any]


WireFragment = TextFragment | InputFragment | ThinkingFragment | SignatureFragment | CitationFragment


class WireStop(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: WireRefusal | None = None
    container: None = None


class MessageStart(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="message_start", gc=False):
    message: WireMessage


class BlockStart(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="content_block_start", gc=False):
    index: int
    content_block: WireBlock


class BlockDelta(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="content_block_delta", gc=False):
    index: int
    delta: WireFragment


class BlockStop(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="content_block_stop", gc=False):
    index: int


class MessageDelta(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="message_delta", gc=False):
    delta: WireStop
    usage: WireUsage | None = None
    context_management: None = None


class MessageStop(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="message_stop", gc=False):
    pass


class Ping(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="ping", gc=False):
    pass


WireEvent = MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | Ping
"""One event of a stream; `error` is none of them."""
