"""Bedrock's Converse and ConverseStream, for the compatibility matrix; requests are judged by botocore's model."""

import functools
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from support.aws_event_stream import event, exception
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

_USAGE = {
    "inputTokens": INPUT_TOKENS,
    "outputTokens": OUTPUT_TOKENS,
    "totalTokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
_SIGNATURE = "c2lnbmF0dXJl"


@functools.cache
def _service() -> ServiceModel:
    return botocore.session.Session().get_service_model("bedrock-runtime")


class BedrockFormat:
    """Answers as Bedrock does."""

    content_type = "application/vnd.amazon.eventstream"
    credentials = (b"authorization: bearer ", b"authorization: aws4-hmac-sha256 ")

    def path(self, model: str, *, stream: bool) -> str:
        return f"/model/{quote(model, safe='')}/converse{'-stream' if stream else ''}"

    def asked(self, body: dict[str, Any], *, model: str, stream: bool) -> set[str]:
        shape = _service().operation_model("ConverseStream" if stream else "Converse").input_shape
        assert ParamValidator().validate({"modelId": model, **body}, shape).generate_report() == ""
        said, found = self.said(body), set()
        specs = {each["toolSpec"]["name"]: each["toolSpec"] for each in body.get("toolConfig", {}).get("tools", ())}
        if TOOL in specs:
            found.add("tools")
        if said.forced is not None:
            assert specs[said.forced]["inputSchema"]["json"]["required"] == ["city"]
            found.add("schema")
        images = [block["image"] for block in body["messages"][-1]["content"] if "image" in block]
        if images:
            assert images == [{"format": "png", "source": {"bytes": PNG}}]
            found.add("vision")
        if said.thinks:
            assert said.forced is None
            found.add("reasoning")
        return found

    def said(self, body: dict[str, Any]) -> Said:
        config = body.get("toolConfig", {})
        forced = config.get("toolChoice", {}).get("tool", {}).get("name")
        thinks = "thinking" in body.get("additionalModelRequestFields", {})
        return Said(thinks=thinks, calls=bool(config) and forced is None, json=forced is not None, forced=forced)

    def whole(self, said: Said, model: str) -> bytes:
        content: list[dict[str, Any]] = []
        if said.thinks:
            content.append({"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": _SIGNATURE}}})
        if said.calls or said.forced:
            content.append({"toolUse": {"toolUseId": "tooluse_1", "name": said.forced or TOOL, "input": ARGUMENTS}})
        else:
            content.append({"text": TEXT})
        output = {"message": {"role": "assistant", "content": content}}
        body = {"output": output, "stopReason": self._reason(said), "usage": _USAGE, "metrics": {"latencyMs": 9}}
        return json.dumps(body).encode()

    def stream(self, said: Said, model: str) -> Sequence[bytes]:
        return [
            *self._content(said),
            event("contentBlockStop", {"contentBlockIndex": int(said.thinks)}),
            event("messageStop", {"stopReason": self._reason(said)}),
            event("metadata", {"usage": _USAGE, "metrics": {"latencyMs": 9}}),
        ]

    def begun(self, said: Said, model: str) -> Sequence[bytes]:
        return self._content(said)[:-1]

    def failure(self) -> bytes:
        return exception("modelStreamErrorException", DETAIL)

    def refusals(self) -> Sequence[tuple[str, str, bytes, int]]:
        body = json.dumps({"message": DETAIL}).encode()
        return (
            ("500 Internal Server Error", "x-amzn-errortype: InternalServerException\r\n", body, 502),
            ("403 Forbidden", "x-amzn-errortype: AccessDeniedException\r\n", body, 502),
            ("429 Too Many Requests", "x-amzn-errortype: ThrottlingException\r\n", body, 503),
        )

    def _content(self, said: Said) -> list[bytes]:
        events = [event("messageStart", {"role": "assistant"})]
        index = int(said.thinks)
        if said.thinks:
            thoughts: list[dict[str, Any]] = [{"text": piece} for piece in THOUGHTS]
            events += [self._delta(0, reasoningContent=thought) for thought in [*thoughts, {"signature": _SIGNATURE}]]
            events.append(event("contentBlockStop", {"contentBlockIndex": 0}))
        if said.calls or said.forced:
            start = {"toolUse": {"toolUseId": "tooluse_1", "name": said.forced or TOOL}}
            events.append(event("contentBlockStart", {"contentBlockIndex": index, "start": start}))
            return events + [self._delta(index, toolUse={"input": piece}) for piece in ARGUMENT_PIECES]
        return events + [self._delta(index, text=piece) for piece in PIECES]

    @staticmethod
    def _delta(index: int, **member: Any) -> bytes:
        return event("contentBlockDelta", {"contentBlockIndex": index, "delta": member, "p": "abc"})

    @staticmethod
    def _reason(said: Said) -> str:
        return "tool_use" if said.calls or said.forced else "end_turn"
