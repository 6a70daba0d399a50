"""Request types of Ollama's own API, with the limits this gateway sets.

Source: Ollama API documentation, "Generate a completion", "Generate a chat completion", "Generate embeddings".
Objects refuse unknown fields, where Ollama ignores them; null is the same as absent.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=256)]
Short = Annotated[str, Meta(max_length=512)]
StopText = Annotated[str, Meta(max_length=1024)]
FunctionNameText = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.-]{1,128}$")]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
KeepAlive = Annotated[str, Meta(max_length=32)] | float | None
"""Accepted and ignored: how long a model stays loaded is its operator's decision."""
Think = bool | Literal["low", "medium", "high", "max"] | None
Images = Annotated[list[str], Meta(max_length=64)] | None


class Options(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """`num_ctx` is accepted and ignored: the window comes from the model's ceilings, since each size loads anew."""

    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Fraction | None = None
    top_k: Annotated[int, Meta(ge=-1, le=1_000_000)] | None = None
    min_p: Fraction | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: StopText | Annotated[list[StopText], Meta(max_length=16)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    typical_p: Fraction | None = None
    repeat_penalty: Annotated[float, Meta(ge=0, le=10)] | None = None
    repeat_last_n: Annotated[int, Meta(ge=-1, le=1_000_000)] | None = None
    mirostat: Annotated[int, Meta(ge=0, le=2)] | None = None
    mirostat_tau: Annotated[float, Meta(ge=0, le=100)] | None = None
    mirostat_eta: Annotated[float, Meta(ge=0, le=100)] | None = None
    num_predict: Annotated[int, Meta(ge=-2, le=2**31 - 1)] | None = None
    num_ctx: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None


class WireCallFunction(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    arguments: dict[str, Any] | None = None
    index: int | None = None


class WireToolCall(msgspec.Struct, forbid_unknown_fields=True):
    """`type` is what OpenAI's habits leave behind; it has no meaning here."""

    function: WireCallFunction
    id: Short | None = None
    type: Literal["function"] | None = None


class WireMessage(msgspec.Struct, forbid_unknown_fields=True):
    """One message of any role; which fields a role may have is checked afterwards."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    images: Images = None
    tool_calls: Annotated[list[WireToolCall], Meta(max_length=128)] | None = None
    tool_name: Short | None = None
    tool_call_id: Short | None = None


class WireFunction(msgspec.Struct, forbid_unknown_fields=True):
    name: FunctionNameText
    description: str | None = None
    parameters: dict[str, Any] | None = None


class WireTool(msgspec.Struct, forbid_unknown_fields=True):
    function: WireFunction
    type: Literal["function"] | None = None


class ChatBody(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /api/chat`. `truncate` and `shift` are served as false only: no prompt is ever cut unseen."""

    model: Name
    messages: Annotated[list[WireMessage], Meta(max_length=4096)] | None = None
    stream: bool | None = None
    format: Literal["", "json"] | dict[str, Any] | None = None
    options: Options | None = None
    tools: Annotated[list[WireTool], Meta(max_length=128)] | None = None
    think: Think = None
    keep_alive: KeepAlive = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    truncate: Literal[False] | None = None
    shift: Literal[False] | None = None


class GenerateBody(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /api/generate`. What is typed empty is served empty only."""

    model: Name
    prompt: str | None = None
    system: str | None = None
    images: Images = None
    stream: bool | None = None
    format: Literal["", "json"] | dict[str, Any] | None = None
    options: Options | None = None
    think: Think = None
    keep_alive: KeepAlive = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    truncate: Literal[False] | None = None
    shift: Literal[False] | None = None
    raw: Literal[False] | None = None
    template: Literal[""] | None = None
    suffix: Literal[""] | None = None
    context: Annotated[list[int], Meta(max_length=0)] | None = None


class EmbedBody(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /api/embed`; `options` are checked and have no effect on a vector."""

    model: Name
    input: str | Annotated[list[str], Meta(max_length=2048)]
    truncate: bool | None = None
    dimensions: Annotated[int, Meta(ge=1, le=65_536)] | None = None
    options: Options | None = None
    keep_alive: KeepAlive = None


class LegacyEmbeddingsBody(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /api/embeddings`, which `/api/embed` superseded: one text."""

    model: Name
    prompt: str
    options: Options | None = None
    keep_alive: KeepAlive = None


class ShowBody(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /api/show`; `name` is the older word for `model`."""

    model: Annotated[str, Meta(max_length=256)] | None = None
    name: Annotated[str, Meta(max_length=256)] | None = None
    verbose: bool | None = None


_LOADING: Final = "how the model server loads models is its operator's decision; remove it."
_OLD: Final = "it is not part of the API any more; remove it."
_LOAD_OPTIONS: Final = (
    "draft_num_predict",
    "embedding_only",
    "f16_kv",
    "logits_all",
    "low_vram",
    "main_gpu",
    "num_batch",
    "num_gpu",
    "num_keep",
    "num_thread",
    "numa",
    "use_mlock",
    "use_mmap",
    "vocab_only",
)
REFUSED: Final[Mapping[str, str]] = {
    **{f"options.{name}": _LOADING for name in _LOAD_OPTIONS},
    "options.penalize_newline": _OLD,
    "options.tfs_z": _OLD,
    "width": "image generation is not served; remove it.",
    "height": "image generation is not served; remove it.",
    "steps": "image generation is not served; remove it.",
    "max_tokens": "send options.num_predict.",
    "temperature": "send options.temperature.",
    "tool_choice": "Ollama's API has none; offer only the tools that may be called.",
    "response_format": "send format.",
    "reasoning_effort": "send think.",
}
"""Parameters that are known and not served, with the remedy."""

ALLOWED: Final[Mapping[str, str]] = {
    "messages[].role": "system, user, assistant or tool",
    "messages[].tool_calls[].type": "function",
    "tools[].type": "function",
    "format": "json or a JSON schema (an object)",
    "think": "true, false, low, medium, high or max",
    "truncate": "false: a prompt is never cut unseen; shorten it",
    "shift": "false: a prompt is never cut unseen; shorten it",
    "raw": "false: the prompt goes through the model's own template",
    "template": "none: the model's own template is applied",
    "suffix": "none: fill-in-the-middle is not served",
}
"""What enumerated fields admit; the names of what is served empty only say why."""
