"""The body of `POST /v1/responses` as OpenAI defines it, with the limits this gateway sets.

Source: OpenAI API reference, "Create a model response". Objects refuse unknown fields; null is the same as absent for
every optional field. `input` and `tools` stay plain here: each of their objects is of one of many kinds.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kaigate.surfaces.openai_chat_wire import (
    FunctionNameText,
    InputAudio,
    Positive,
    PromptCacheOptions,
    Short,
    StreamOptions,
)

Status = Literal["in_progress", "completed", "incomplete"]
ItemId = Annotated[str, Meta(max_length=512)]
CallId = Annotated[str, Meta(min_length=1, max_length=512)]


class InputText(msgspec.Struct, tag_field="type", tag="input_text", forbid_unknown_fields=True, gc=False):
    text: str


class InputImage(msgspec.Struct, tag_field="type", tag="input_image", forbid_unknown_fields=True, gc=False):
    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None


class InputFile(msgspec.Struct, tag_field="type", tag="input_file", forbid_unknown_fields=True, gc=False):
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: Short | None = None


class InputAudioPart(msgspec.Struct, tag_field="type", tag="input_audio", forbid_unknown_fields=True):
    input_audio: InputAudio


class OutputText(msgspec.Struct, tag_field="type", tag="output_text", forbid_unknown_fields=True):
    """Text of an earlier answer; its `annotations` and `logprobs` are marks on it, no input, and go no further."""

    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class Refusal(msgspec.Struct, tag_field="type", tag="refusal", forbid_unknown_fields=True, gc=False):
    refusal: str


class SummaryText(msgspec.Struct, tag_field="type", tag="summary_text", forbid_unknown_fields=True, gc=False):
    text: str


class ReasoningText(msgspec.Struct, tag_field="type", tag="reasoning_text", forbid_unknown_fields=True, gc=False):
    text: str


Part = InputText | InputImage | InputFile | InputAudioPart | OutputText | Refusal
Parts = Annotated[list[Part], Meta(min_length=1, max_length=1024)]


class MessageItem(msgspec.Struct, tag_field="type", tag="message", forbid_unknown_fields=True):
    """`id`, `status` and `phase` are what replayed answers carry; they say nothing to a model."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | Parts
    id: ItemId | None = None
    status: Status | None = None
    phase: Literal["commentary", "final_answer"] | None = None


class FunctionCallItem(msgspec.Struct, tag_field="type", tag="function_call", forbid_unknown_fields=True):
    call_id: CallId
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    arguments: str
    id: ItemId | None = None
    status: Status | None = None


class FunctionOutputItem(msgspec.Struct, tag_field="type", tag="function_call_output", forbid_unknown_fields=True):
    call_id: CallId
    output: str | Annotated[list[InputText | InputImage | InputFile], Meta(min_length=1, max_length=1024)]
    id: ItemId | None = None
    status: Status | None = None


class ReasoningItem(msgspec.Struct, tag_field="type", tag="reasoning", forbid_unknown_fields=True):
    summary: Annotated[list[SummaryText], Meta(max_length=1024)] = []
    content: Annotated[list[ReasoningText], Meta(max_length=1024)] | None = None
    encrypted_content: str | None = None
    id: ItemId | None = None
    status: Status | None = None


Item = MessageItem | FunctionCallItem | FunctionOutputItem | ReasoningItem


class FunctionTool(msgspec.Struct, tag_field="type", tag="function", forbid_unknown_fields=True):
    name: FunctionNameText
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedTool(msgspec.Struct, tag_field="type", tag="function", forbid_unknown_fields=True):
    name: FunctionNameText


class AllowedTools(msgspec.Struct, tag_field="type", tag="allowed_tools", forbid_unknown_fields=True):
    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedTool], Meta(min_length=1, max_length=128)]


class PlainText(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    pass


class JsonObject(msgspec.Struct, tag_field="type", tag="json_object", forbid_unknown_fields=True):
    pass


class JsonSchema(msgspec.Struct, tag_field="type", tag="json_schema", forbid_unknown_fields=True):
    name: FunctionNameText
    schema: dict[str, Any]
    strict: bool | None = None
    description: str | None = None


class TextConfig(msgspec.Struct, forbid_unknown_fields=True):
    format: PlainText | JsonObject | JsonSchema | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


Summary = Literal["auto", "concise", "detailed"]


class ReasoningConfig(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """`generate_summary` is the older name of `summary`."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Summary | None = None
    generate_summary: Summary | None = None


class ResponsesBody(msgspec.Struct):
    """Every top-level parameter that is known; `OpenAIResponses` refuses others before it gets here."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str | Annotated[list[dict[str, Any]], Meta(max_length=4096)] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_output_tokens: Positive | None = None
    max_tool_calls: Positive | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: Annotated[list[dict[str, Any]], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | AllowedTools | None = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningConfig | None = None
    text: TextConfig | None = None
    include: Annotated[list[str], Meta(max_length=16)] | None = None
    metadata: Annotated[dict[Annotated[str, Meta(max_length=64)], Short], Meta(max_length=16)] | None = None
    store: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    background: bool | None = None
    user: Short | None = None
    safety_identifier: Short | None = None
    prompt_cache_key: Short | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    prompt_cache_options: PromptCacheOptions | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
