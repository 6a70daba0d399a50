"""Anthropic's Messages, for the compatibility matrix; requests are judged by the official SDK's types."""

import json
from collections.abc import Sequence
from typing import Any

import pydantic
from anthropic.types import MessageCreateParams

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
    MessageCreateParams, config=pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
)
_SIGNATURE = "c2lnbmF0dXJl"


class AnthropicFormat:
    """Answers as Anthropic does."""

    content_type = "text/event-stream; charset=utf-8"
    credentials = (b"x-api-key: ",)

    def path(self, model: str, *, stream: bool) -> str:
        return "/v1/messages"

    def asked(self, body: dict[str, Any], *, model: str, stream: bool) -> set[str]:
        _PARAMS.validate_python(body)
        assert (body["model"], body.get("stream", False)) == (model, stream)
        found = set()
        tools = body.get("tools", [])
        if any(tool["name"] == TOOL for tool in tools):
            found.add("tools")
        forced = self.said(body).forced
        schemas = [tool["input_schema"] for tool in tools if tool["name"] == forced]
        if "format" in body.get("output_config", {}):
            schemas.append(body["output_config"]["format"]["schema"])
        if schemas:
            [schema] = schemas
            assert schema["required"] == ["city"]
            found.add("schema")
        content = body["messages"][-1]["content"]
        images = [block for block in content if block["type"] == "image"] if isinstance(content, list) else []
        if images:
            assert images[0]["source"] == {"type": "base64", "media_type": "image/png", "data": PNG}
            found.add("vision")
        if "thinking" in body:
            assert body["thinking"]["budget_tokens"] < body["max_tokens"]
            assert body.get("tool_choice", {"type": "auto"})["type"] in {"auto", "none"}
            found.add("reasoning")
        return found

    def said(self, body: dict[str, Any]) -> Said:
        choice = body.get("tool_choice", {})
        forced = choice["name"] if choice.get("type") == "tool" else None
        native = "format" in body.get("output_config", {})
        calls = "tools" in body and forced is None
        return Said(thinks="thinking" in body, calls=calls, json=native or forced is not None, forced=forced)

    def whole(self, said: Said, model: str) -> bytes:
        content: list[dict[str, Any]] = []
        if said.thinks:
            content.append({"type": "thinking", "thinking": THOUGHT, "signature": _SIGNATURE})
        if said.calls or said.forced:
            content.append({"type": "tool_use", "id": "toolu_1", "name": said.forced or TOOL, "input": ARGUMENTS})
        else:
            content.append({"type": "text", "text": json.dumps(ARGUMENTS) if said.json else TEXT})
        return json.dumps(self._message(said, model, content, self._reason(said), OUTPUT_TOKENS)).encode()

    def stream(self, said: Said, model: str) -> Sequence[bytes]:
        delta = {"stop_reason": self._reason(said), "stop_sequence": None}
        index = int(said.thinks)
        return [
            *self._content(said, model),
            self._event("content_block_stop", index=index),
            self._event("message_delta", delta=delta, usage={"output_tokens": OUTPUT_TOKENS}),
            self._event("message_stop"),
        ]

    def begun(self, said: Said, model: str) -> Sequence[bytes]:
        return self._content(said, model)[:-1]

    def failure(self) -> bytes:
        return self._event("error", error={"type": "overloaded_error", "message": DETAIL})

    def refusals(self) -> Sequence[tuple[str, str, bytes, int]]:
        def body(kind: str) -> bytes:
            return json.dumps({"type": "error", "error": {"type": kind, "message": DETAIL}}).encode()

        return (
            ("500 Internal Server Error", "", body("api_error"), 502),
            ("401 Unauthorized", "", body("authentication_error"), 502),
            ("529 Overloaded", "", body("overloaded_error"), 503),
        )

    def _content(self, said: Said, model: str) -> list[bytes]:
        events = [self._event("message_start", message=self._message(said, model, [], None, 1)), self._event("ping")]
        index = 0
        if said.thinks:
            deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": piece} for piece in THOUGHTS]
            deltas.append({"type": "signature_delta", "signature": _SIGNATURE})
            events += self._block(0, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
            events.append(self._event("content_block_stop", index=0))
            index = 1
        if said.calls or said.forced:
            block = {"type": "tool_use", "id": "toolu_1", "name": said.forced or TOOL, "input": {}}
            pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *ARGUMENT_PIECES)]
        else:
            block = {"type": "text", "text": ""}
            pieces = [{"type": "text_delta", "text": piece} for piece in (ARGUMENT_PIECES if said.json else PIECES)]
        return events + self._block(index, block, pieces)

    def _block(self, index: int, block: dict[str, Any], deltas: list[dict[str, Any]]) -> list[bytes]:
        begin = self._event("content_block_start", index=index, content_block=block)
        return [begin, *(self._event("content_block_delta", index=index, delta=delta) for delta in deltas)]

    @staticmethod
    def _reason(said: Said) -> str:
        return "tool_use" if said.calls or said.forced else "end_turn"

    @staticmethod
    def _message(said: Said, model: str, content: list[Any], reason: str | None, output: int) -> dict[str, Any]:
        usage = {"input_tokens": INPUT_TOKENS, "output_tokens": output, "service_tier": "standard"}
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content}
        return {**head, "stop_reason": reason, "stop_sequence": None, "usage": usage}

    @staticmethod
    def _event(kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
