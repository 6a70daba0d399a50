"""The body of `POST /v1/chat/completions` as OpenAI defines it, with the limits this gateway sets.

Source: OpenAI API reference, "Create chat completion". Bounds that OpenAI publishes are repeated here; others are ours.
Objects refuse unknown fields; null is the same as absent for every optional field, as in OpenAI's own API.
"""

from typing import Annotated, Any, Literal, Required, TypedDict

import msgspec
from msgspec import Meta

Short = Annotated[str, Meta(max_length=512)]
FunctionNameText = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class TextPart(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    text: str


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal", forbid_unknown_fields=True, gc=False):
    refusal: str


class ImageUrl(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(msgspec.Struct, tag_field="type", tag="image_url", forbid_unknown_fields=True):
    image_url: ImageUrl


class InputAudio(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    data: str
    format: Literal["wav", "mp3"]


class AudioPart(msgspec.Struct, tag_field="type", tag="input_audio", forbid_unknown_fields=True):
    input_audio: InputAudio


class FileData(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    file_data: str | None = None
    file_id: str | None = None
    filename: Short | None = None


class FilePart(msgspec.Struct, tag_field="type", tag="file", forbid_unknown_fields=True):
    file: FileData


Texts = Annotated[list[TextPart], Meta(min_length=1, max_length=1024)]
UserParts = Annotated[list[TextPart | ImagePart | AudioPart | FilePart], Meta(min_length=1, max_length=1024)]
AssistantParts = Annotated[list[TextPart | RefusalPart], Meta(min_length=1, max_length=1024)]


class FunctionCall(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    arguments: str


class ToolCall(msgspec.Struct, forbid_unknown_fields=True):
    """`index` is what stream accumulators leave behind in a replayed turn; it has no meaning here."""

    id: Annotated[str, Meta(min_length=1, max_length=512)]
    type: Literal["function"]
    function: FunctionCall
    index: int | None = None


class SystemMessage(msgspec.Struct, tag_field="role", tag="system", forbid_unknown_fields=True, omit_defaults=True):
    content: str | Texts
    name: Short | None = None


class DeveloperMessage(
    msgspec.Struct, tag_field="role", tag="developer", forbid_unknown_fields=True, omit_defaults=True
):
    content: str | Texts
    name: Short | None = None


class UserMessage(msgspec.Struct, tag_field="role", tag="user", forbid_unknown_fields=True, omit_defaults=True):
    content: str | UserParts
    name: Short | None = None


class AssistantMessage(
    msgspec.Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True, omit_defaults=True
):
    """`annotations` are marks on an earlier answer that clients replay; they are no input and go no further."""

    content: str | AssistantParts | None = None
    name: Short | None = None
    refusal: str | None = None
    tool_calls: Annotated[list[ToolCall], Meta(max_length=128)] | None = None
    function_call: FunctionCall | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    audio: None = None
    annotations: list[dict[str, Any]] | None = None


class ToolMessage(msgspec.Struct, tag_field="role", tag="tool", forbid_unknown_fields=True, omit_defaults=True):
    content: str | Texts
    tool_call_id: Annotated[str, Meta(min_length=1, max_length=512)]
    name: Short | None = None


class FunctionMessage(msgspec.Struct, tag_field="role", tag="function", forbid_unknown_fields=True, omit_defaults=True):
    content: str | None
    name: Annotated[str, Meta(min_length=1, max_length=256)]


WireMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage


class FunctionDefinition(msgspec.Struct, forbid_unknown_fields=True):
    name: FunctionNameText
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolDefinition(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    function: FunctionDefinition


class FunctionName(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: FunctionNameText


class NamedTool(msgspec.Struct, tag_field="type", tag="function", forbid_unknown_fields=True):
    function: FunctionName


class AllowedTools(msgspec.Struct, forbid_unknown_fields=True):
    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedTool], Meta(min_length=1, max_length=128)]


class AllowedToolChoice(msgspec.Struct, tag_field="type", tag="allowed_tools", forbid_unknown_fields=True):
    allowed_tools: AllowedTools


class TextFormat(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    pass


class JsonObjectFormat(msgspec.Struct, tag_field="type", tag="json_object", forbid_unknown_fields=True):
    pass


class JsonSchema(msgspec.Struct, forbid_unknown_fields=True):
    name: FunctionNameText
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class JsonSchemaFormat(msgspec.Struct, tag_field="type", tag="json_schema", forbid_unknown_fields=True):
    json_schema: JsonSchema


class StreamOptions(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Thinking(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["enabled", "disabled", "auto"]


class PromptCacheOptions(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    mode: Literal["implicit", "explicit"] | None = None
    ttl: Annotated[str, Meta(max_length=8)] | None = None


Penalty = Annotated[float, Meta(ge=-2, le=2)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
StopText = Annotated[str, Meta(max_length=1024)]
Bias = Annotated[float, Meta(ge=-100, le=100)] | Annotated[int, Meta(ge=-100, le=100)]
TemplateValue = bool | int | float | Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] | None


class ChatBody(TypedDict, total=False):
    """Every top-level parameter that is known: OpenAI's, then further samplers of compatible servers."""

    model: Required[Annotated[str, Meta(min_length=1, max_length=256)]]
    messages: Required[Annotated[list[WireMessage], Meta(min_length=1, max_length=4096)]]
    stream: bool | None
    stream_options: StreamOptions | None
    max_tokens: Positive | None
    max_completion_tokens: Positive | None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None
    n: Annotated[int, Meta(ge=1, le=128)] | None
    stop: StopText | Annotated[list[StopText], Meta(max_length=16)] | None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
    presence_penalty: Penalty | None
    frequency_penalty: Penalty | None
    logit_bias: Annotated[dict[Annotated[str, Meta(pattern=r"^\d{1,9}$")], Bias], Meta(max_length=1024)] | None
    logprobs: bool | None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None
    tools: Annotated[list[ToolDefinition], Meta(max_length=128)] | None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | AllowedToolChoice | None
    parallel_tool_calls: bool | None
    functions: Annotated[list[FunctionDefinition], Meta(max_length=128)] | None
    function_call: Literal["none", "auto"] | FunctionName | None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None
    verbosity: Literal["low", "medium", "high"] | None
    user: Short | None
    safety_identifier: Short | None
    prompt_cache_key: Short | None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None
    prompt_cache_options: PromptCacheOptions | None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None
    metadata: Annotated[dict[Annotated[str, Meta(max_length=64)], Short], Meta(max_length=16)] | None
    store: bool | None
    modalities: list[Literal["text", "audio"]] | None
    top_k: Annotated[int, Meta(ge=-1, le=1_000_000)] | None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None
    typical_p: Annotated[float, Meta(ge=0, le=1)] | None
    repetition_penalty: Annotated[float, Meta(ge=0, le=10)] | None
    repeat_penalty: Annotated[float, Meta(ge=0, le=10)] | None
    repeat_last_n: Annotated[int, Meta(ge=-1, le=1_000_000)] | None
    mirostat: Annotated[int, Meta(ge=0, le=2)] | None
    mirostat_tau: Annotated[float, Meta(ge=0, le=100)] | None
    mirostat_eta: Annotated[float, Meta(ge=0, le=100)] | None
    min_tokens: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None
    ignore_eos: bool | None
    skip_special_tokens: bool | None
    include_stop_str_in_output: bool | None
    stop_token_ids: Annotated[list[Annotated[int, Meta(ge=0, le=2**31 - 1)]], Meta(max_length=256)] | None
    include_reasoning: bool | None
    enable_thinking: bool | None
    thinking: Thinking | None
    chat_template_kwargs: (
        Annotated[dict[Annotated[str, Meta(max_length=64)], TemplateValue], Meta(max_length=16)] | None
    )
