"""The canonical chat request."""

from typing import Any, Literal

import msgspec

from kaigate.chat.content import CacheMark, Message


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call; `parameters` is its JSON Schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    cache: CacheMark | None = None


class HostedTool(msgspec.Struct, frozen=True):
    """A tool that the provider itself would run (web search, code, a remote MCP server): off unless a model allows it.

    `kind` is one of ours for the same thing of all vendors, `format` the wire format of `wire`, what the client sent.
    """

    kind: Literal["web_search", "code_interpreter", "mcp", "file_search", "computer_use", "image_generation", "other"]
    format: str
    wire: dict[str, Any]


class Thinking(msgspec.Struct, frozen=True, gc=False):
    """How the model should reason, in Anthropic's terms; `budget_tokens` only with `enabled`.

    Clients of other formats say `ChatRequest.reasoning_effort` instead. Anthropic's may say both: then this is whether
    and how the model thinks, and the effort how much it spends on the whole answer; `disabled` beats any effort.
    """

    mode: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted"] | None = None


class ToolChoice(msgspec.Struct, frozen=True, gc=False):
    """Which tool must, may or must not be called; `name` only with mode `named`."""

    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    """The shape the answer must have; `schema`, `name` and `strict` only with `json_schema`."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sampling parameters; None means that the client did not send it, so it is not sent upstream."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """One chat request, whatever wire format it came in.

    `model` is the client's name until the plan resolves it. `legacy_functions` remembers that the client used
    the deprecated `functions` fields and expects `function_call` back. `extra` holds further parameters that
    the surface knows by name and that only some upstreams understand, verbatim. `hints` are facts of the client's own
    format that only a provider of the same format reads (`anthropic-version`, `anthropic-beta`): never refused.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    max_output_tokens: int | None = None
    sampling: Sampling = Sampling()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    user: str | None = None
    legacy_functions: bool = False
    extra: dict[str, Any] = {}
    thinking: Thinking | None = None
    hosted_tools: tuple[HostedTool, ...] = ()
    hints: dict[str, str] = {}
