"""The clients of the compatibility matrix: how each format asks for a feature, and strict readers of what it gets.

A reader takes nothing but its format's own grammar: the types of the vendor's official package, and the rules of the
stream that no type can say.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from support.gateway import Answer
from support.matrix_upstream import PNG, SCHEMA, TOOL

PROMPT: Final = "What is the capital of France?"
PARAMETERS: Final = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass
class Heard:
    """What a client understood; `error` is the failure that ended a stream, `tokens` input and output."""

    text: str = ""
    thought: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str | None = None
    tokens: tuple[int, int] | None = None
    error: str | None = None


@dataclass(frozen=True)
class Client:
    """One format: its request bodies, and readers of a complete answer, a stream, and the body of an error.

    `finishes` are its words for an answer that is complete and for one that calls a tool, `success` what only the end
    of a complete stream has.
    """

    ask: Callable[[str], dict[str, Any]]
    whole: Callable[[bytes], Heard]
    stream: Callable[[bytes], Heard]
    error: Callable[[Answer], str]
    finishes: tuple[str, str]
    success: tuple[bytes, ...]
    content_type: str


def function() -> dict[str, Any]:
    """A function as OpenAI's formats describe one."""
    return {"name": TOOL, "description": "The weather in a city.", "parameters": PARAMETERS}


def ask_chat(feature: str) -> dict[str, Any]:
    """The fields of a chat completion that asks for a feature."""
    content: Any = PROMPT
    if feature == "vision":
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        content = [{"type": "text", "text": PROMPT}, image]
    fields: dict[str, Any] = {"messages": [{"role": "user", "content": content}]}
    if feature == "tools":
        fields["tools"] = [{"type": "function", "function": function()}]
    elif feature == "schema":
        wanted = {"name": "answer", "schema": SCHEMA, "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": wanted}
    elif feature == "reasoning":
        fields["reasoning_effort"] = "medium"
    return fields


def ask_responses(feature: str) -> dict[str, Any]:
    """The fields of a response that asks for a feature."""
    fields: dict[str, Any] = {"input": PROMPT, "store": False}
    if feature == "vision":
        image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
        fields["input"] = [{"role": "user", "content": [{"type": "input_text", "text": PROMPT}, image]}]
    elif feature == "tools":
        fields["tools"] = [{"type": "function", **function(), "strict": False}]
    elif feature == "schema":
        fields["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}}
    elif feature == "reasoning":
        fields["reasoning"] = {"effort": "medium"}
    return fields


def ask_completions(feature: str) -> dict[str, Any]:
    """The fields of a text completion; what it has no word for is asked in chat's words."""
    chat = ask_chat(feature)
    return chat if feature == "vision" else {"prompt": PROMPT, **{key: chat[key] for key in chat if key != "messages"}}


def ask_messages(feature: str) -> dict[str, Any]:
    """The fields of an Anthropic message that asks for a feature."""
    content: Any = PROMPT
    if feature == "vision":
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        content = [{"type": "image", "source": source}, {"type": "text", "text": PROMPT}]
    fields: dict[str, Any] = {"max_tokens": 4000, "messages": [{"role": "user", "content": content}]}
    if feature == "tools":
        tool = {"name": TOOL, "description": "The weather in a city.", "input_schema": PARAMETERS}
        fields["tools"] = [tool]
    elif feature == "schema":
        fields["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
    elif feature == "reasoning":
        fields["thinking"] = {"type": "enabled", "budget_tokens": 2000}
    return fields


def ask_ollama_chat(feature: str) -> dict[str, Any]:
    """The fields of Ollama's chat that asks for a feature."""
    message: dict[str, Any] = {"role": "user", "content": PROMPT}
    if feature == "vision":
        message["images"] = [PNG]
    fields: dict[str, Any] = {"messages": [message]}
    if feature == "tools":
        fields["tools"] = [{"type": "function", "function": function()}]
    return fields | _format_and_think(feature)


def ask_ollama_generate(feature: str) -> dict[str, Any]:
    """The fields of Ollama's generate that asks for a feature; tools in chat's words, since it has none."""
    fields: dict[str, Any] = {"prompt": PROMPT}
    if feature == "vision":
        fields["images"] = [PNG]
    elif feature == "tools":
        fields["tools"] = [{"type": "function", "function": function()}]
    return fields | _format_and_think(feature)


def _format_and_think(feature: str) -> dict[str, Any]:
    return {"format": SCHEMA} if feature == "schema" else {"think": True} if feature == "reasoning" else {}
