"""The request of `POST /v1/completions`: body bytes to the canonical request.

Source: OpenAI API reference, "Create completion" (legacy). The prompt becomes one message of the user, because that is
what chat models take; a server's chat template is applied to it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, Sampling
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.openai_chat_params import REFUSED as REFUSED_IN_CHAT
from kaigate.surfaces.openai_chat_wire import Bias, Penalty, Short, StopText, StreamOptions
from kaigate.surfaces.strict_struct import StrictDecoder

DEFAULT_MAX_TOKENS: Final = 16
"""What OpenAI's API takes where the client does not say."""


class CompletionBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body; null is the same as absent. `prompt` stays plain, because it has four forms."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    prompt: Any = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=-1, le=1_000_000)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    best_of: Annotated[int, Meta(ge=0, le=128)] | None = None
    stop: StopText | Annotated[list[StopText], Meta(max_length=16)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: Annotated[dict[Annotated[str, Meta(pattern=r"^\d{1,9}$")], Bias], Meta(max_length=1024)] | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    echo: bool | None = None
    suffix: str | None = None
    user: Short | None = None


_CHAT: Final = "it belongs to chat completions; send the request to /v1/chat/completions."
REFUSED: Final[Mapping[str, str]] = {
    **{
        name: remedy.replace("into messages", "into prompt")
        for name, remedy in REFUSED_IN_CHAT.items()
        if name not in CompletionBody.__struct_fields__
    },
    "max_completion_tokens": "use max_tokens.",
    "messages": _CHAT,
    "reasoning": _CHAT,
    "reasoning_effort": _CHAT,
    "response_format": _CHAT,
    "think": _CHAT,
    "tool_choice": _CHAT,
    "tools": _CHAT,
    "top_logprobs": "logprobs is the number of alternatives here.",
}
_BODY: Final = StrictDecoder(CompletionBody, refused=REFUSED)


def decode(body: bytes, *, max_depth: int) -> ChatRequest:
    """Parse and check one body; raises `RequestInvalidError` naming the field in the client's grammar."""
    wire = _BODY.decode(body, max_depth=max_depth)
    _refuse_values(wire)
    stop = (wire.stop,) if isinstance(wire.stop, str) else None if wire.stop is None else tuple(wire.stop)
    options = wire.stream_options
    if options is not None and not wire.stream:
        raise _invalid("stream_options", "is only for stream: true")
    return ChatRequest(
        model=wire.model,
        messages=(Message("user", (TextBlock(_prompt(wire.prompt)),)),),
        stream=bool(wire.stream),
        include_usage=bool(options is not None and options.include_usage),
        max_output_tokens=DEFAULT_MAX_TOKENS if wire.max_tokens is None else wire.max_tokens,
        sampling=Sampling(
            temperature=wire.temperature,
            top_p=wire.top_p,
            top_k=wire.top_k,
            min_p=wire.min_p,
            seed=wire.seed,
            stop=stop,
            presence_penalty=wire.presence_penalty,
            frequency_penalty=wire.frequency_penalty,
            logit_bias=wire.logit_bias,
            logprobs=True if wire.logprobs is not None else None,
            top_logprobs=wire.logprobs,
            n=wire.n,
        ),
        user=wire.user,
    )


def _prompt(prompt: Any) -> str:
    """The text of a prompt: a string, or a list of one string."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    if isinstance(prompt, str):
        return prompt
    if prompt is None or prompt == []:
        raise _invalid("prompt", "is required")
    if isinstance(prompt, list) and all(isinstance(item, str) for item in prompt):
        raise _unsupported("prompt", "prompt has several texts, which is not served; send a request for each.")
    if isinstance(prompt, list) and all(isinstance(item, int | list) for item in prompt):
        raise _unsupported("prompt", "prompt has token ids, which no guardrail can read; send text.")
    raise _invalid("prompt", "must be a string or a list of one string")


def _refuse_values(wire: CompletionBody) -> None:
    if wire.suffix:
        raise _unsupported("suffix", "suffix is not served, because chat models do not insert; put it into the prompt.")
    if wire.echo:
        raise _unsupported("echo", "echo: true is not served: it repeats the prompt in the answer; omit it.")
    if wire.best_of is not None and wire.best_of > (wire.n or 1):
        raise _unsupported("best_of", "best_of beyond n is not served; omit it, and choose among n answers yourself.")
    if wire.max_tokens == 0:
        raise _unsupported("max_tokens", "max_tokens: 0 is not served; the answer has at least one token.")


def _unsupported(path: str, message: str) -> RequestInvalidError:
    return RequestInvalidError("unsupported_parameter", message, param=path)


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
