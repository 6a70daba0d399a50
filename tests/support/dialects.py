"""The chat surfaces as their clients write and read them: one row for each route."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from support.gateway import Answer

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def _events(answer: Answer) -> list[Any]:
    """The data of server-sent events, whatever their names; `[DONE]` is left out."""
    lines = [line.removeprefix(b"data: ") for line in answer.body.split(b"\n") if line.startswith(b"data: ")]
    return [msgspec.json.decode(line) for line in lines if line != b"[DONE]"]


def _lines(answer: Answer) -> list[Any]:
    return [msgspec.json.decode(line) for line in answer.body.splitlines() if line]


@dataclass(frozen=True)
class Dialect:
    """How a client of one route asks and what it gets.

    `whole` and `parts` find the text of a complete and of a streamed answer, `call` the name and the arguments of a
    tool call. `success` ends only a stream that is complete, `failure` is in one that is not.
    """

    name: str
    path: str
    fields: Callable[[str], dict[str, Any]]
    whole: Callable[[Any], str]
    parts: Callable[[Answer], Iterator[str]]
    success: bytes
    failure: bytes
    message: Callable[[Any], str]
    content_type: str = "text/event-stream"
    tools: dict[str, Any] | None = None
    call: Callable[[Any], tuple[str, Any]] | None = None

    def body(self, text: str = "hello", *, stream: bool = False, **more: Any) -> bytes:
        """A request's body."""
        return msgspec.json.encode({"model": "m", "stream": stream, **self.fields(text), **more})

    def text(self, answer: Answer) -> str:
        """The text of an answer, streamed or whole."""
        if answer.headers["content-type"].startswith(self.content_type):
            return "".join(self.parts(answer))
        return self.whole(answer.json())


def _messages(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _function(name: str = "weather") -> dict[str, Any]:
    return {"name": name, "description": "The weather.", "parameters": SCHEMA}


def _chat_parts(answer: Answer) -> Iterator[str]:
    for event in _events(answer):
        for choice in event.get("choices", ()):
            yield choice["delta"].get("content") or ""


def _completion_parts(answer: Answer) -> Iterator[str]:
    return (choice["text"] for event in _events(answer) for choice in event.get("choices", ()))


def _response_parts(answer: Answer) -> Iterator[str]:
    return (event["delta"] for event in _events(answer) if event["type"] == "response.output_text.delta")


def _message_parts(answer: Answer) -> Iterator[str]:
    return (event["delta"].get("text", "") for event in _events(answer) if event["type"] == "content_block_delta")


def _of_openai(body: Any) -> str:
    return str(body["error"]["message"])


def _chat_call(body: Any) -> tuple[str, Any]:
    function = body["choices"][0]["message"]["tool_calls"][0]["function"]
    return function["name"], msgspec.json.decode(function["arguments"])


def _response_call(body: Any) -> tuple[str, Any]:
    [item] = [item for item in body["output"] if item["type"] == "function_call"]
    return item["name"], msgspec.json.decode(item["arguments"])


def _message_call(body: Any) -> tuple[str, Any]:
    [block] = [block for block in body["content"] if block["type"] == "tool_use"]
    return block["name"], block["input"]


def _ollama_call(body: Any) -> tuple[str, Any]:
    function = body["message"]["tool_calls"][0]["function"]
    return function["name"], function["arguments"]


DIALECTS = (
    Dialect(
        "openai_chat",
        "/v1/chat/completions",
        _messages,
        lambda body: body["choices"][0]["message"]["content"],
        _chat_parts,
        b"data: [DONE]",
        b'data: {"error":',
        _of_openai,
        tools={"tools": [{"type": "function", "function": _function()}]},
        call=_chat_call,
    ),
    Dialect(
        "openai_responses",
        "/v1/responses",
        lambda text: {"input": text, "store": False},
        lambda body: "".join(part["text"] for item in body["output"] for part in item["content"]),
        _response_parts,
        b"response.completed",
        b"event: error",
        _of_openai,
        tools={"tools": [{"type": "function", **_function(), "strict": False}]},
        call=_response_call,
    ),
    Dialect(
        "openai_completions",
        "/v1/completions",
        lambda text: {"prompt": text},
        lambda body: body["choices"][0]["text"],
        _completion_parts,
        b"data: [DONE]",
        b'data: {"error":',
        _of_openai,
    ),
    Dialect(
        "anthropic_messages",
        "/v1/messages",
        lambda text: {"max_tokens": 100, **_messages(text)},
        lambda body: "".join(block["text"] for block in body["content"]),
        _message_parts,
        b"message_stop",
        b"event: error",
        _of_openai,
        tools={"tools": [{"name": "weather", "description": "The weather.", "input_schema": SCHEMA}]},
        call=_message_call,
    ),
    Dialect(
        "ollama_chat",
        "/api/chat",
        _messages,
        lambda body: body["message"]["content"],
        lambda answer: (line["message"]["content"] for line in _lines(answer) if "message" in line),
        b'"done":true',
        b'{"error":',
        lambda body: str(body["error"]),
        content_type="application/x-ndjson",
        tools={"tools": [{"type": "function", "function": _function()}]},
        call=_ollama_call,
    ),
    Dialect(
        "ollama_generate",
        "/api/generate",
        lambda text: {"prompt": text},
        lambda body: body["response"],
        lambda answer: (line["response"] for line in _lines(answer) if "response" in line),
        b'"done":true',
        b'{"error":',
        lambda body: str(body["error"]),
        content_type="application/x-ndjson",
    ),
)
"""One row for each route that answers with text."""
