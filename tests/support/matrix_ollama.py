"""Ollama's `/api/chat`, for the compatibility matrix; requests are judged by the official client's types."""

import json
from collections.abc import Sequence
from typing import Any

from ollama._types import ChatRequest, Message, Options

from support.matrix_upstream import (
    ARGUMENT_PIECES,
    ARGUMENTS,
    DETAIL,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    PIECES,
    PNG,
    TEXT,
    THOUGHT,
    THOUGHTS,
    TOOL,
    Said,
)

_CREATED = "2026-11-21T10:00:00.123456789Z"
_COUNTS = {
    "total_duration": 5,
    "load_duration": 1,
    "prompt_eval_count": INPUT_TOKENS,
    "prompt_eval_duration": 1,
    "eval_count": OUTPUT_TOKENS,
    "eval_duration": 1,
}
_CALLS = [{"id": "call_1", "function": {"index": 0, "name": TOOL, "arguments": ARGUMENTS}}]


class OllamaFormat:
    """Answers as Ollama does: a JSON object a line, tool calls whole."""

    content_type = "application/x-ndjson"
    credentials = (b"authorization: bearer ",)

    def path(self, model: str, *, stream: bool) -> str:
        return "/api/chat"

    def asked(self, body: dict[str, Any], *, model: str, stream: bool) -> set[str]:
        ChatRequest.model_validate(body)
        assert body.keys() - {"truncate", "shift"} <= ChatRequest.model_fields.keys()
        assert body.get("options", {}).keys() <= Options.model_fields.keys()
        assert all(message.keys() <= Message.model_fields.keys() | {"tool_call_id"} for message in body["messages"])
        assert (body["model"], body["stream"]) == (model, stream)
        found = set()
        if "tools" in body:
            [tool] = body["tools"]
            assert tool["function"]["name"] == TOOL
            found.add("tools")
        if images := body["messages"][-1].get("images"):
            assert images == [PNG]
            found.add("vision")
        if "format" in body:
            assert body["format"]["required"] == ["city"]
            found.add("schema")
        return found | ({"reasoning"} if body.get("think") else set())

    def said(self, body: dict[str, Any]) -> Said:
        return Said(thinks=bool(body.get("think")), calls="tools" in body, json="format" in body)

    def whole(self, said: Said, model: str) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": json.dumps(ARGUMENTS) if said.json else TEXT}
        if said.thinks:
            message["thinking"] = THOUGHT
        if said.calls:
            message |= {"content": "", "tool_calls": _CALLS}
        return self._line(model, message, done=True)

    def stream(self, said: Said, model: str) -> Sequence[bytes]:
        return [*self._content(said, model), self._line(model, {"role": "assistant", "content": ""}, done=True)]

    def begun(self, said: Said, model: str) -> Sequence[bytes]:
        return self._content(said, model)[:-1]

    def failure(self) -> bytes:
        return json.dumps({"error": DETAIL}).encode() + b"\n"

    def refusals(self) -> Sequence[tuple[str, str, bytes, int]]:
        body = json.dumps({"error": DETAIL}).encode()
        return (
            ("500 Internal Server Error", "", body, 502),
            ("404 Not Found", "", body, 502),
            ("503 Service Unavailable", "", body, 503),
        )

    def _content(self, said: Said, model: str) -> list[bytes]:
        messages: list[dict[str, Any]] = [{"content": "", "thinking": piece} for piece in THOUGHTS if said.thinks]
        if said.calls:
            messages.append({"content": "", "tool_calls": _CALLS})
        else:
            messages += [{"content": piece} for piece in (ARGUMENT_PIECES if said.json else PIECES)]
        return [self._line(model, {"role": "assistant", **message}) for message in messages]

    @staticmethod
    def _line(model: str, message: dict[str, Any], *, done: bool = False) -> bytes:
        body = {"model": model, "created_at": _CREATED, "message": message, "done": done}
        return json.dumps({**body, **({"done_reason": "stop", **_COUNTS} if done else {})}).encode() + b"\n"
