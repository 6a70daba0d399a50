"""Which top-level parameters of a chat completion are refused, and what to do instead."""

from collections.abc import Mapping
from typing import Any, Final

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.field_errors import unknown_parameter
from kaigate.surfaces.openai_chat_wire import ChatBody

KNOWN: Final = frozenset(ChatBody.__annotations__)

CARRIED: Final = frozenset(
    {
        "chat_template_kwargs",
        "enable_thinking",
        "ignore_eos",
        "include_reasoning",
        "include_stop_str_in_output",
        "metadata",
        "min_tokens",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "repeat_last_n",
        "repeat_penalty",
        "repetition_penalty",
        "safety_identifier",
        "service_tier",
        "skip_special_tokens",
        "stop_token_ids",
        "thinking",
        "typical_p",
        "verbosity",
    }
)
"""Parameters that reach a provider in `ChatRequest.extra`, which sends, drops or refuses them by its own rules."""

_ADDRESS: Final = "the gateway's configuration decides where requests go and with which key; remove it."
_UNREAD_TEXT: Final = "it would carry text to the model that no guardrail reads; put the text into messages."
_SCHEMA: Final = "use response_format with a JSON schema."
_MEMORY: Final = "how the model server loads models is its operator's decision; remove it."
_AUDIO: Final = "audio output is not served; ask for text."

REFUSED: Final[Mapping[str, str]] = {
    "api_base": _ADDRESS,
    "api_key": _ADDRESS,
    "api_type": _ADDRESS,
    "api_version": _ADDRESS,
    "azure_endpoint": _ADDRESS,
    "base_url": _ADDRESS,
    "custom_llm_provider": _ADDRESS,
    "endpoint": _ADDRESS,
    "extra_body": "its content belongs on the top level of the body.",
    "extra_headers": _ADDRESS,
    "headers": _ADDRESS,
    "organization": _ADDRESS,
    "provider": "routing is decided by the gateway; remove it.",
    "proxy": _ADDRESS,
    "url": _ADDRESS,
    "audio": _AUDIO,
    "chat_template": _UNREAD_TEXT,
    "documents": _UNREAD_TEXT,
    "prediction": _UNREAD_TEXT,
    "plugins": "plugins of a model vendor run outside the gateway's policies; remove it.",
    "web_search_options": "web search by the vendor runs outside the gateway's policies; offer your own tool.",
    "moderation": "the gateway's guardrails moderate every request; remove it.",
    "echo": "it repeats the prompt in the answer; remove it.",
    "prompt_logprobs": "it repeats the prompt in the answer; remove it.",
    "grammar": _SCHEMA,
    "guided_choice": _SCHEMA,
    "guided_grammar": _SCHEMA,
    "guided_json": _SCHEMA,
    "guided_regex": _SCHEMA,
    "json_schema": _SCHEMA,
    "structured_outputs": _SCHEMA,
    "format": "use response_format.",
    "id_slot": "slots of a model server are shared between clients; remove it.",
    "keep_alive": _MEMORY,
    "options": "send sampling parameters on the top level of the body.",
    "lora": "use the name of a listed model.",
    "models": "send one model; fallbacks are configured at the gateway.",
    "think": "use reasoning_effort.",
    "reasoning": "use reasoning_effort.",
}


def refuse_unknown(names: Mapping[str, Any]) -> None:
    """Raise for the first top-level name that is not served, with the reason or the nearest known name."""
    for name in names:
        if name in KNOWN:
            continue
        remedy = REFUSED.get(name)
        if remedy is None:
            raise unknown_parameter(name, KNOWN)
        raise RequestInvalidError(
            "unsupported_parameter", f"The parameter '{name}' is not served: {remedy}", param=name
        )


def refuse_values(body: ChatBody) -> None:
    """Raise for known parameters with a value that is not served."""
    if body.get("store"):
        raise RequestInvalidError(
            "unsupported_parameter",
            "store: true is not served, because completions stored at a vendor leave the gateway's audit; omit it.",
            param="store",
        )
    if "audio" in (body.get("modalities") or ()):
        raise RequestInvalidError("unsupported_parameter", f"modalities: {_AUDIO}", param="modalities")
