"""Which parameters, items and tools of a Responses request are refused, and what to do instead."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.field_errors import unknown_parameter
from kaigate.surfaces.openai_chat_params import REFUSED as REFUSED_IN_CHAT
from kaigate.surfaces.openai_responses_wire import ResponsesBody

KNOWN: Final = frozenset(ResponsesBody.__struct_fields__)

HostedKind = Literal["web_search", "code_interpreter", "mcp", "file_search", "computer_use", "image_generation"]

HOSTED_TOOLS: Final[Mapping[str, HostedKind]] = {
    "web_search": "web_search",
    "web_search_2025_08_26": "web_search",
    "web_search_preview": "web_search",
    "web_search_preview_2025_03_11": "web_search",
    "code_interpreter": "code_interpreter",
    "mcp": "mcp",
    "file_search": "file_search",
    "computer": "computer_use",
    "computer_use": "computer_use",
    "computer_use_preview": "computer_use",
    "image_generation": "image_generation",
}
"""Tools that a provider would run, by their `type`."""

ENCRYPTED_REASONING: Final = "reasoning.encrypted_content"
LOGPROBS: Final = "message.output_text.logprobs"

_STATELESS: Final = "this gateway keeps no answers; send the whole conversation in input."
_FUNCTION: Final = "offer a function tool instead."


def _here(remedy: str) -> str:
    """A remedy for chat completions, in the words of this endpoint."""
    remedy = remedy.replace("response_format", "text.format").replace("reasoning_effort", "reasoning.effort")
    return remedy.replace("into messages", "into input")


REFUSED: Final[Mapping[str, str]] = {
    **{name: _here(remedy) for name, remedy in REFUSED_IN_CHAT.items() if name not in KNOWN},
    "access_programs": "access programs of a vendor are its account's owner's decision; remove it.",
    "background_options": "answers are not made in the background; remove it.",
    "context_management": "the gateway never compacts a conversation; shorten input yourself.",
    "conversation": _STATELESS,
    "image": "how images are compressed is not served; remove it.",
    "max_completion_tokens": "use max_output_tokens.",
    "max_tokens": "use max_output_tokens.",
    "messages": "use input.",
    "n": "there is one answer per request; send several requests.",
    "previous_response_id": _STATELESS,
    "prompt": "prompts stored at a vendor are not served; put the text into instructions and input.",
    "reasoning_effort": "use reasoning.effort.",
    "response_format": "use text.format.",
    "verbosity": "use text.verbosity.",
}
_NULL_IS_ABSENT: Final = frozenset(
    {"access_programs", "background_options", "context_management", "conversation", "image", "moderation"}
    | {"previous_response_id", "prompt"}
)

_UNSERVED_ITEMS: Final[Mapping[str, str]] = {
    "item_reference": (
        "refers to an answer that would have to be stored here; send the item itself (set store to false in the client)"
    ),
    "compaction": "is a vendor's own form of earlier turns; send the turns themselves",
}

_UNSERVED_TOOLS: Final[Mapping[str, str]] = dict.fromkeys(
    ("local_shell", "shell", "apply_patch", "custom", "namespace", "tool_search", "programmatic_tool_calling"),
    _FUNCTION,
)


def refuse_unknown(body: Mapping[str, Any]) -> None:
    """Raise for the first top-level name that is not served, with the reason or the nearest known name."""
    for name, value in body.items():
        if name in KNOWN or (value is None and name in _NULL_IS_ABSENT):
            continue
        remedy = REFUSED.get(name)
        if remedy is None:
            raise unknown_parameter(name, KNOWN)
        raise _unsupported(name, f"The parameter '{name}' is not served: {remedy}")


def refuse_values(body: ResponsesBody) -> None:
    """Raise for known parameters with a value that is not served."""
    if body.store:
        raise _unsupported("store", f"store: true is not served: {_STATELESS} Omit it, or set it to false.")
    if body.background:
        raise _unsupported("background", "background: true is not served: read the answer as a stream instead.")
    if body.truncation == "auto":
        raise _unsupported("truncation", "truncation: auto is not served: shorten input, or use a larger model.")
    for name in body.include or ():
        if name not in (ENCRYPTED_REASONING, LOGPROBS):
            raise _unsupported("include", f"include may have {ENCRYPTED_REASONING} and {LOGPROBS} only.")


def unserved_item(kind: object, path: str) -> RequestInvalidError:
    """The refusal of an input item of a kind that is not served."""
    what = _UNSERVED_ITEMS.get(kind) if isinstance(kind, str) else None
    if what is None:
        what = "is of a type that is not served; use message, function_call, function_call_output or reasoning"
    return _unsupported(path, f"{path} {what}.")


def unserved_tool(kind: object, path: str) -> RequestInvalidError:
    """The refusal of a tool of a kind that is not served."""
    if isinstance(kind, str) and kind in _UNSERVED_TOOLS:
        return _unsupported(path, f"{path} has the type '{kind}', which is not served: {_UNSERVED_TOOLS[kind]}")
    return _unsupported(path, f"{path}.type is not known; use function, or a hosted tool that the model allows.")


def unserved_choice(path: str) -> RequestInvalidError:
    """The refusal of a choice that forces a tool which is no function."""
    return _unsupported(path, f"{path} may be none, auto, required, or an object that names functions.")


def _unsupported(path: str, message: str) -> RequestInvalidError:
    return RequestInvalidError("unsupported_parameter", message, param=path)
