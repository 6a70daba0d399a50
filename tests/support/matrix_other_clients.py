"""Anthropic's and Ollama's formats as their clients read them, for the compatibility matrix."""

from typing import Any

import msgspec
import pydantic
from anthropic.types import Message, RawMessageStreamEvent
from ollama import ChatResponse, GenerateResponse

from contract.anthropic_answers import message_of, sse_events
from support.gateway import Answer
from support.matrix_clients import Client, Heard, ask_messages, ask_ollama_chat, ask_ollama_generate

_EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RawMessageStreamEvent)
_OURS = {"provider", "code", "param"}
"""Fields that the gateway adds to a vendor's objects."""


def read_message(body: bytes) -> Heard:
    """A complete message."""
    answer = Message.model_validate_json(body, strict=True)
    heard = Heard(finish=answer.stop_reason, tokens=(answer.usage.input_tokens, answer.usage.output_tokens))
    for block in answer.content:
        if block.type == "text":
            heard.text += block.text
        elif block.type == "thinking":
            heard.thought += block.thinking
        else:
            assert block.type == "tool_use"
            assert block.id
            heard.calls.append((block.name, block.input))
    return heard


def read_message_stream(body: bytes) -> Heard:
    """The events of a message: blocks one after another, each ended, `message_stop` last."""
    events = sse_events(body)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start"
    for event in events:
        # What the SDK's own reader skips or raises on has no type in it.
        if event["type"] not in ("ping", "error"):
            _EVENT.validate_python(event, strict=True)
    if kinds[-1] == "error":
        assert "message_stop" not in kinds
        assert not any(event.get("delta", {}).get("stop_reason") for event in events)
        text = "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")
        return Heard(text, error=_failure(events[-1]))
    return read_message(msgspec.json.encode(message_of(events)))


def _failure(body: Any) -> str:
    assert {"type", "error"} <= body.keys() <= {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert {"type", "message"} <= body["error"].keys() <= {"type", "message"} | _OURS
    assert body["error"]["type"].endswith("_error")
    return str(body["error"]["message"])


def read_message_error(answer: Answer) -> str:
    """The message of an error; the request's id is in it."""
    body = answer.json()
    assert body["request_id"] == answer.headers["x-request-id"]
    return _failure(body)


def read_ollama_error(answer: Answer) -> str:
    """The message of an error."""
    body = answer.json()
    assert body.keys() == {"error"}
    return str(body["error"])


def _ollama(body: Any, kind: type[ChatResponse] | type[GenerateResponse]) -> Heard:
    """One object of either route."""
    answer = kind.model_validate(body)
    assert body.keys() <= kind.model_fields.keys() | _OURS, "nothing that the client does not know"
    heard = Heard()
    if isinstance(answer, ChatResponse):
        assert answer.message.role == "assistant"
        heard.text, heard.thought = answer.message.content or "", answer.message.thinking or ""
        heard.calls = [(call.function.name, call.function.arguments) for call in answer.message.tool_calls or ()]
    else:
        heard.text, heard.thought = answer.response, answer.thinking or ""
    if answer.done:
        heard.finish = answer.done_reason
        if answer.prompt_eval_count is not None and answer.eval_count is not None:
            heard.tokens = answer.prompt_eval_count, answer.eval_count
    return heard


def _read_lines(body: bytes, kind: type[ChatResponse] | type[GenerateResponse]) -> Heard:
    assert body.endswith(b"\n")
    lines = [msgspec.json.decode(line) for line in body.splitlines()]
    heard = Heard()
    for line in lines:
        assert heard.finish is None, "nothing follows the last line"
        assert heard.error is None
        if "error" in line:
            assert line.keys() == {"error"}
            heard.error = line["error"]
            continue
        part = _ollama(line, kind)
        assert line["done"] is (part.finish is not None)
        heard.text += part.text
        heard.thought += part.thought
        heard.calls += part.calls
        heard.finish, heard.tokens = part.finish, part.tokens
    assert heard.finish or heard.error
    return heard


def _ollama_client(kind: type[ChatResponse] | type[GenerateResponse], ask: Any) -> Client:
    return Client(
        ask,
        lambda body: _ollama(msgspec.json.decode(body), kind),
        lambda body: _read_lines(body, kind),
        read_ollama_error,
        ("stop", "stop"),
        (b'"done":true', b'"done": true'),
        "application/x-ndjson",
    )


MESSAGES = Client(
    ask_messages,
    read_message,
    read_message_stream,
    read_message_error,
    ("end_turn", "tool_use"),
    (b"message_stop",),
    "text/event-stream",
)
OLLAMA_CHAT = _ollama_client(ChatResponse, ask_ollama_chat)
OLLAMA_GENERATE = _ollama_client(GenerateResponse, ask_ollama_generate)
