"""Requests of `POST /api/chat` and `POST /api/generate`: body bytes to the canonical request.

A request without messages or prompt makes Ollama load or unload a model. That is the operator's business here, so it
is refused. `stream` is true unless the client says otherwise.
"""

from typing import Any, Final

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Sampling, Thinking, Tool
from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_messages import canonical_messages, user_message
from kaigate.surfaces.ollama_wire import ALLOWED, REFUSED, ChatBody, GenerateBody, Options, WireTool
from kaigate.surfaces.strict_struct import StrictDecoder

_CHAT: Final = StrictDecoder(ChatBody, refused=REFUSED, allowed=ALLOWED)
_GENERATE: Final = StrictDecoder(GenerateBody, refused=REFUSED, allowed=ALLOWED)
_NO_OPTIONS: Final = Options()
_NO_SAMPLING: Final = Sampling()
_SAMPLING: Final = ("temperature", "top_p", "top_k", "min_p", "seed", "presence_penalty", "frequency_penalty")
_EXTRA: Final = ("typical_p", "repeat_penalty", "repeat_last_n", "mirostat", "mirostat_tau", "mirostat_eta")
_SCHEMA_NAME: Final = "answer"
"""Ollama's schemas have no name; OpenAI's must have one."""


def decode_chat(body: bytes, *, max_depth: int) -> ChatRequest:
    """Parse and check one chat body; raises `RequestInvalidError` naming the field in the client's grammar."""
    wire = _CHAT.decode(body, max_depth=max_depth)
    if not wire.messages:
        raise _load_request("messages")
    return _request(wire, canonical_messages(wire.messages), _tools(wire.tools or ()))


def decode_generate(body: bytes, *, max_depth: int) -> ChatRequest:
    """Parse and check one generate body: its system text and prompt become two messages."""
    wire = _GENERATE.decode(body, max_depth=max_depth)
    if not wire.prompt and not wire.images:
        raise _load_request("prompt")
    system = (Message("system", (TextBlock(wire.system),)),) if wire.system else ()
    return _request(wire, (*system, user_message(wire.prompt or "", wire.images or ())), ())


def _request(wire: ChatBody | GenerateBody, messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> ChatRequest:
    options = wire.options or _NO_OPTIONS
    think = wire.think
    return ChatRequest(
        model=wire.model,
        messages=messages,
        stream=wire.stream is not False,
        include_usage=True,
        max_output_tokens=_max_output_tokens(options),
        sampling=_sampling(wire, options),
        tools=tools,
        response_format=_response_format(wire.format),
        # Medium is what models with levels do when they are only told to think.
        reasoning_effort=None if think is None or think is False else "medium" if think is True else think,
        thinking=Thinking("disabled") if think is False else None,
        extra=_extra(options) if wire.options is not None else {},
    )


def _max_output_tokens(options: Options) -> int | None:
    """`num_predict`, where -1 is without end and -2 until the window is full: both leave it to the model's ceiling."""
    if options.num_predict == 0:
        raise _invalid("options.num_predict", "must be at least 1, or -1 for no limit of the client's own")
    return options.num_predict if options.num_predict is not None and options.num_predict > 0 else None


def _sampling(wire: ChatBody | GenerateBody, options: Options) -> Sampling:
    if wire.options is None and wire.logprobs is None and wire.top_logprobs is None:
        return _NO_SAMPLING
    values: dict[str, Any] = {name: getattr(options, name) for name in _SAMPLING}
    if options.stop:
        values["stop"] = (options.stop,) if isinstance(options.stop, str) else tuple(options.stop)
    if wire.top_logprobs and not wire.logprobs:
        raise _invalid("top_logprobs", "needs logprobs: true")
    return Sampling(**values, logprobs=wire.logprobs or None, top_logprobs=wire.top_logprobs)


def _extra(options: Options) -> dict[str, Any]:
    return {name: value for name in _EXTRA if (value := getattr(options, name)) is not None}


def _tools(tools: "list[WireTool] | tuple[()]") -> tuple[Tool, ...]:
    result = tuple(Tool(tool.function.name, tool.function.description, tool.function.parameters) for tool in tools)
    if len({tool.name for tool in result}) != len(result):
        raise _invalid("tools", "has two functions with one name")
    return result


def _response_format(wanted: Any) -> ResponseFormat | None:
    if not wanted:
        return None
    if wanted == "json":
        return ResponseFormat("json_object")
    return ResponseFormat("json_schema", _SCHEMA_NAME, wanted)


def _load_request(param: str) -> RequestInvalidError:
    return _invalid(
        param, "is empty, which would load or unload a model: that is the operator's decision, so send a text"
    )


def _invalid(path: str, what: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"{path} {what}.", param=path)
