"""The bodies of `POST /v1/messages` and its `count_tokens` as Anthropic defines them, with this gateway's limits.

Source: Anthropic API reference, "Create a Message" and "Count tokens in a Message". Bounds that Anthropic publishes are
repeated here; others are ours. Objects refuse unknown fields; null is the same as absent for every optional field.
"""

from typing import Annotated, Any, Literal, Required, TypedDict

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=512)]
ToolName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]


class CacheControl(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class TextPart(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    """`citations` are marks on an earlier answer that clients replay; they are no input and go no further."""

    text: str
    cache_control: CacheControl | None = None
    citations: list[dict[str, Any]] | None = None


class Base64Image(msgspec.Struct, tag_field="type", tag="base64", forbid_unknown_fields=True, gc=False):
    data: str
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]


class UrlSource(msgspec.Struct, tag_field="type", tag="url", forbid_unknown_fields=True, gc=False):
    url: str


class FileSource(msgspec.Struct, tag_field="type", tag="file", forbid_unknown_fields=True, gc=False):
    file_id: str


class ImagePart(msgspec.Struct, tag_field="type", tag="image", forbid_unknown_fields=True):
    source: Base64Image | UrlSource | FileSource
    cache_control: CacheControl | None = None


class Base64Document(msgspec.Struct, tag_field="type", tag="base64", forbid_unknown_fields=True, gc=False):
    data: str
    media_type: Literal["application/pdf"]


class TextDocument(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    data: str
    media_type: Literal["text/plain"]


class ContentDocument(msgspec.Struct, tag_field="type", tag="content", forbid_unknown_fields=True):
    content: str | Annotated[list[TextPart | ImagePart], Meta(min_length=1, max_length=1024)]


class CitationsConfig(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    enabled: bool | None = None


class DocumentPart(msgspec.Struct, tag_field="type", tag="document", forbid_unknown_fields=True):
    source: Base64Document | TextDocument | UrlSource | ContentDocument | FileSource
    title: Annotated[str, Meta(max_length=512)] | None = None
    context: str | None = None
    citations: CitationsConfig | None = None
    cache_control: CacheControl | None = None


class ThinkingPart(msgspec.Struct, tag_field="type", tag="thinking", forbid_unknown_fields=True, gc=False):
    thinking: str
    signature: str


class RedactedThinkingPart(
    msgspec.Struct, tag_field="type", tag="redacted_thinking", forbid_unknown_fields=True, gc=False
):
    data: Annotated[str, Meta(min_length=1)]


class DirectCaller(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["direct"]


class ToolUsePart(msgspec.Struct, tag_field="type", tag="tool_use", forbid_unknown_fields=True):
    """`caller` and `toolset_name` are what clients replay of an answer; only calls of the model itself are served."""

    id: Id
    name: ToolName
    input: msgspec.Raw
    cache_control: CacheControl | None = None
    caller: DirectCaller | None = None
    toolset_name: None = None


class ToolResultPart(msgspec.Struct, tag_field="type", tag="tool_result", forbid_unknown_fields=True):
    tool_use_id: Id
    content: str | Annotated[list[TextPart | ImagePart | DocumentPart], Meta(max_length=1024)] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None
    toolset_name: None = None


Texts = Annotated[list[TextPart], Meta(max_length=1024)]
UserParts = Annotated[list[TextPart | ImagePart | DocumentPart | ToolResultPart], Meta(min_length=1, max_length=1024)]
AssistantParts = Annotated[list[TextPart | ThinkingPart | RedactedThinkingPart | ToolUsePart], Meta(max_length=1024)]


class UserMessage(msgspec.Struct, tag_field="role", tag="user", forbid_unknown_fields=True):
    content: str | UserParts


class AssistantMessage(msgspec.Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True):
    content: str | AssistantParts


class SystemMessage(msgspec.Struct, tag_field="role", tag="system", forbid_unknown_fields=True):
    content: str | Annotated[list[TextPart], Meta(min_length=1, max_length=1024)]


WireMessage = UserMessage | AssistantMessage | SystemMessage


class CustomTool(msgspec.Struct, forbid_unknown_fields=True):
    """A tool that the client runs; `eager_input_streaming` only says how finely its arguments should be cut.

    `defer_loading`, `allowed_callers` and `input_examples` are read to be refused where they ask for something.
    """

    name: ToolName
    input_schema: dict[str, Any]
    type: Literal["custom"] | None = None
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    eager_input_streaming: bool | None = None
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None
    input_examples: list[dict[str, Any]] | None = None


class AutoChoice(msgspec.Struct, tag_field="type", tag="auto", forbid_unknown_fields=True, gc=False):
    disable_parallel_tool_use: bool | None = None


class AnyChoice(msgspec.Struct, tag_field="type", tag="any", forbid_unknown_fields=True, gc=False):
    disable_parallel_tool_use: bool | None = None


class ToolChoice(msgspec.Struct, tag_field="type", tag="tool", forbid_unknown_fields=True, gc=False):
    name: ToolName
    disable_parallel_tool_use: bool | None = None


class NoneChoice(msgspec.Struct, tag_field="type", tag="none", forbid_unknown_fields=True, gc=False):
    pass


Display = Literal["summarized", "omitted"]


class ThinkingEnabled(msgspec.Struct, tag_field="type", tag="enabled", forbid_unknown_fields=True, gc=False):
    budget_tokens: Annotated[int, Meta(ge=1024, le=2**31 - 1)]
    display: Display | None = None


class ThinkingAdaptive(msgspec.Struct, tag_field="type", tag="adaptive", forbid_unknown_fields=True, gc=False):
    display: Display | None = None


class ThinkingDisabled(msgspec.Struct, tag_field="type", tag="disabled", forbid_unknown_fields=True, gc=False):
    pass


class JsonSchemaFormat(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct, forbid_unknown_fields=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonSchemaFormat | None = None


class Metadata(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    user_id: Annotated[str, Meta(max_length=512)] | None = None


class CountBody(TypedDict, total=False):
    """What determines the input of a message: every parameter of `count_tokens`."""

    model: Required[Annotated[str, Meta(min_length=1, max_length=256)]]
    messages: Required[Annotated[list[WireMessage], Meta(min_length=1, max_length=10_000)]]
    system: str | Texts | None
    tools: Annotated[list[dict[str, Any]], Meta(max_length=1024)] | None
    tool_choice: AutoChoice | AnyChoice | ToolChoice | NoneChoice | None
    thinking: ThinkingEnabled | ThinkingAdaptive | ThinkingDisabled | None
    output_config: OutputConfig | None
    output_format: JsonSchemaFormat | None
    cache_control: CacheControl | None
    mcp_servers: Annotated[list[dict[str, Any]], Meta(max_length=20)] | None


class MessagesBody(CountBody, total=False):
    """Every parameter of `messages` that is served."""

    max_tokens: Required[Annotated[int, Meta(ge=1, le=2**31 - 1)]]
    stream: bool | None
    stop_sequences: Annotated[list[Annotated[str, Meta(min_length=1, max_length=1024)]], Meta(max_length=64)] | None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None
    top_k: Annotated[int, Meta(ge=0, le=1_000_000)] | None
    metadata: Metadata | None
    service_tier: Literal["auto", "standard_only"] | None
    container: Annotated[str, Meta(max_length=512)] | dict[str, Any] | None
