"""OpenAI's chat completions, for the compatibility matrix; requests are judged by the official SDK's types."""

import json
from collections.abc import Sequence
from typing import Any

import pydantic
from openai.types.chat import CompletionCreateParams

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

_PARAMS: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(
    CompletionCreateParams, config=pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
)
_USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
_CALL = {"id": "call_1", "type": "function"}


class OpenAIFormat:
    """Answers as an OpenAI-compatible server that shows its reasoning (DeepSeek's field)."""

    content_type = "text/event-stream"
    credentials = (b"authorization: bearer ",)

    def path(self, model: str, *, stream: bool) -> str:
        return "/v1/chat/completions"

    def asked(self, body: dict[str, Any], *, model: str, stream: bool) -> set[str]:
        _PARAMS.validate_python(body)
        assert (body["model"], body.get("stream", False)) == (model, stream)
        assert stream == ("stream_options" in body)
        found = set()
        if "tools" in body:
            [tool] = body["tools"]
            assert tool["function"]["name"] == TOOL
            found.add("tools")
        content = body["messages"][-1]["content"]
        if isinstance(content, list) and any(part["type"] == "image_url" for part in content):
            assert f"data:image/png;base64,{PNG}" in [part.get("image_url", {}).get("url") for part in content]
            found.add("vision")
        if "response_format" in body:
            assert body["response_format"]["json_schema"]["schema"]["required"] == ["city"]
            found.add("schema")
        return found | ({"reasoning"} if "reasoning_effort" in body else set())

    def said(self, body: dict[str, Any]) -> Said:
        return Said(thinks="reasoning_effort" in body, calls="tools" in body, json="response_format" in body)

    def whole(self, said: Said, model: str) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": json.dumps(ARGUMENTS) if said.json else TEXT}
        if said.thinks:
            message["reasoning_content"] = THOUGHT
        if said.calls:
            function = {"name": TOOL, "arguments": json.dumps(ARGUMENTS)}
            message |= {"content": None, "tool_calls": [{**_CALL, "function": function}]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if said.calls else "stop"}
        body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
        return json.dumps({**body, "usage": _USAGE}).encode()

    def stream(self, said: Said, model: str) -> Sequence[bytes]:
        end = self._chunk(model, {}, "tool_calls" if said.calls else "stop")
        usage = self._event({**self._envelope(model), "choices": [], "usage": _USAGE})
        return [*self._content(said, model), end, usage, b"data: [DONE]\n\n"]

    def begun(self, said: Said, model: str) -> Sequence[bytes]:
        return self._content(said, model)[:-1]

    def failure(self) -> bytes:
        return self._event({"error": {"message": DETAIL, "type": "server_error", "code": 500}})

    def refusals(self) -> Sequence[tuple[str, str, bytes, int]]:
        error = {"message": DETAIL, "type": "server_error", "param": None, "code": None}
        body = json.dumps({"error": error}).encode()
        return (
            ("500 Internal Server Error", "", body, 502),
            ("401 Unauthorized", "", body, 502),
            ("429 Too Many Requests", "", body, 503),
        )

    def _content(self, said: Said, model: str) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"reasoning_content": piece} for piece in THOUGHTS if said.thinks]
        if said.calls:
            first = {"index": 0, **_CALL, "function": {"name": TOOL, "arguments": ""}}
            rest = [{"index": 0, "function": {"arguments": piece}} for piece in ARGUMENT_PIECES]
            deltas += [{"tool_calls": [call]} for call in (first, *rest)]
        else:
            deltas += [{"content": piece} for piece in (ARGUMENT_PIECES if said.json else PIECES)]
        return [self._chunk(model, delta) for delta in deltas]

    def _chunk(self, model: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return self._event({**self._envelope(model), "choices": [choice]})

    @staticmethod
    def _envelope(model: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}

    @staticmethod
    def _event(body: dict[str, Any]) -> bytes:
        return b"data: " + json.dumps(body).encode() + b"\n\n"
