"""Recorded requests of real clients are served or refused by name; recorded answers reach them as the SDK's types.

Without the recordings these tests are skipped; the shapes are fixtures of `tests/unit/surfaces` too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import yaml
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from contract.anthropic_answers import message_of, sse_events
from contract.recorded import FOLDER
from kaigate.chat.events import Frame
from kaigate.errors import GatewayError, RequestInvalidError
from kaigate.providers.registry import build
from kaigate.surfaces.anthropic_messages import AnthropicMessages, count_request

if not FOLDER.is_dir():
    pytest.skip(f"no recorded traffic: set KAIGATE_RECORDED_TRAFFIC (looked in {FOLDER.name})", allow_module_level=True)

SURFACE = AnthropicMessages()
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


@dataclass(frozen=True)
class Exchange:
    """One recorded exchange with `/v1/messages` or `count_tokens`."""

    name: str
    uri: str
    request: dict[str, Any]
    status: int
    body: bytes


def exchanges() -> Iterator[Exchange]:
    for path in sorted(FOLDER.glob("*/*.yaml")):
        text = path.read_bytes()
        if b"/v1/messages" not in text:
            continue
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for index, item in enumerate(document.get("interactions", ())):
            if "/v1/messages" not in item.get("request", {}).get("uri", ""):
                continue
            asked, told = item["request"], item["response"]
            request = asked.get("parsed_body") or msgspec.json.decode(asked["body"])
            body = told.get("body") or b""
            if isinstance(body, dict):
                body = body.get("string", b"")
            body = body.encode() if isinstance(body, str) else body
            if "parsed_body" in told:
                body = msgspec.json.encode(told["parsed_body"])
            yield Exchange(f"{path.stem}-{index}", asked["uri"], request, told["status"]["code"], body)


EXCHANGES = list(exchanges())
MESSAGES = [item for item in EXCHANGES if "count_tokens" not in item.uri]
by_name = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda item: item.name)


def decoded(exchange: Exchange) -> Any:
    body = msgspec.json.encode(exchange.request)
    return count_request(body) if "count_tokens" in exchange.uri else SURFACE.decode(body)


def test_there_are_recordings() -> None:
    assert len(MESSAGES) > 100


@by_name
def test_a_recorded_request_is_served_or_refused_by_name(exchange: Exchange) -> None:
    try:
        request = decoded(exchange)
    except RequestInvalidError as error:
        reason = error
    else:
        texts = msgspec.json.encode(request.messages)
        for text in _texts(exchange.request["messages"]) + _texts(exchange.request.get("system")):
            assert msgspec.json.encode(text) in texts, "no text is lost"
        return
    assert reason.code == "unsupported_parameter"
    assert reason.param


def test_most_recorded_requests_are_served() -> None:
    served = [item.name for item in EXCHANGES if not _refusal(item)]
    assert len(served) > 0.7 * len(EXCHANGES)


@pytest.mark.parametrize("exchange", [item for item in MESSAGES if item.status == 200], ids=lambda item: item.name)
def test_a_recorded_answer_reaches_the_client_as_the_sdk_types(exchange: Exchange) -> None:
    if _refusal(exchange):
        return
    request = decoded(exchange)
    decoder = build("recorded", "anthropic", api_key="k").decoder(request)
    frames: list[Frame] = [*decoder.feed(exchange.body), *decoder.end()]
    encoded, relayed = (SURFACE.encoder(request, provider="recorded") for _ in range(2))
    first = b"".join(encoded.feed(frame.events) for frame in frames) + encoded.end()
    second = b"".join(relayed.relay(frame) if frame.exact else relayed.feed(frame.events) for frame in frames)
    second += relayed.end()
    for answer in (first, second):
        if request.stream:
            objects = sse_events(answer)
            for item in objects:
                if item["type"] != "ping":
                    EVENT.validate_json(msgspec.json.encode(item), strict=True)
            message = message_of(objects)
        else:
            message = msgspec.json.decode(answer)
        Message.model_validate_json(msgspec.json.encode(message), strict=True)
        assert _said(message) == _said(_recorded(exchange))
        if not request.hosted_tools:
            recorded = _recorded(exchange)
            assert message["stop_reason"] == recorded["stop_reason"]
            for name in ("input_tokens", "output_tokens", "cache_read_input_tokens"):
                assert (message["usage"].get(name) or 0) == (recorded["usage"].get(name) or 0)


def _refusal(exchange: Exchange) -> bool:
    try:
        decoded(exchange)
    except GatewayError:
        return True
    return False


def _recorded(exchange: Exchange) -> dict[str, Any]:
    if not exchange.request.get("stream"):
        message: dict[str, Any] = msgspec.json.decode(exchange.body)
        return message
    content: dict[int, dict[str, Any]] = {}
    message = {}
    for line in exchange.body.splitlines():
        event = msgspec.json.decode(line[5:]) if line.startswith(b"data:") else {"type": ""}
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                content[event["index"]] = event["content_block"]
            case "content_block_delta":
                for name in ("text", "thinking", "partial_json", "signature"):
                    if name in event["delta"]:
                        block = content[event["index"]]
                        block[name] = block.get(name, "") + event["delta"][name]
            case "message_delta":
                message = {**message, **event["delta"], "usage": {**message["usage"], **event["usage"]}}
    for block in content.values():
        if block["type"] == "tool_use":
            block["input"] = msgspec.json.decode(block.pop("partial_json", "") or "{}")
    return {**message, "content": list(content.values())}


def _said(message: dict[str, Any]) -> list[Any]:
    """All that a client acts on: texts joined, then reasoning and calls in their order."""
    content = message["content"]
    rest = [
        [block.get(name) for name in ("type", "thinking", "signature", "data", "id", "name", "input")]
        for block in content
        if block["type"] in ("thinking", "redacted_thinking", "tool_use")
    ]
    return ["".join(block["text"] for block in content if block["type"] == "text"), *rest]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return []
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") == "text" and "text" in value else []
        own += [value["content"]] if isinstance(value.get("content"), str) else []
        return own + _texts(value.get("content"))
    return []
