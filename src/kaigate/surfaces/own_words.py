"""Names of parameters in each client's own grammar, for refusals by what knows only the canonical request's names.

Providers and stages refuse in OpenAI's words, whatever the client's format; a client is to be told what it sent.
"""

from collections.abc import Mapping
from typing import Final

from kaigate.errors import GatewayError

_OPTIONS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "typical_p",
    "repeat_penalty",
    "repeat_last_n",
    "mirostat",
    "mirostat_tau",
    "mirostat_eta",
)
_OLLAMA: Final[Mapping[str, str]] = {
    **{name: f"options.{name}" for name in _OPTIONS},
    "max_tokens": "options.num_predict",
    "reasoning_effort": "think",
    "response_format": "format",
    "response_format.json_schema.schema": "format",
    "thinking": "think",
}
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "openai_responses": {
        "max_tokens": "max_output_tokens",
        "messages": "input",
        "reasoning_effort": "reasoning.effort",
        "response_format": "text.format",
        "response_format.json_schema.schema": "text.format.schema",
        "verbosity": "text.verbosity",
    },
    "openai_completions": {"messages": "prompt", "top_logprobs": "logprobs"},
    "anthropic_messages": {
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
        "reasoning_effort": "output_config.effort",
        "response_format": "output_config.format",
        "response_format.json_schema.schema": "output_config.format.schema",
        "stop": "stop_sequences",
    },
    "ollama_chat": _OLLAMA,
    "ollama_generate": {**_OLLAMA, "messages": "prompt"},
}


def in_own_words(error: GatewayError, surface: str) -> GatewayError:
    """The same error with the parameter as a client of this surface calls it, in `param` and where the message does."""
    param = error.param
    own = None if param is None else _NAMES.get(surface, {}).get(param)
    if param is None or own is None:
        return error
    message = error.message.replace(f"'{param}'", f"'{own}'", 1)
    if message.startswith(f"{param} "):
        message = own + message[len(param) :]
    return GatewayError(error.code, message, param=own, retry_after=error.retry_after)
