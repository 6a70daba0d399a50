"""Every recorded answer of Anthropic's API decodes, whole and cut at every byte, to the same events.

Without the recordings these tests are skipped; `tests/unit/providers` has the same shapes as fixtures.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml

from contract.recorded import FOLDER, Recording
from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import End, Finish, Frame, ReasoningDelta, Start, TextDelta, ToolCallDelta, UsageReport
from kaigate.chat.request import ChatRequest, HostedTool
from kaigate.errors import GatewayError, RequestInvalidError
from kaigate.providers.provider import AnswerDecoder
from kaigate.providers.registry import build

if not FOLDER.is_dir():
    pytest.skip(f"no recorded traffic: set KAIGATE_RECORDED_TRAFFIC (looked in {FOLDER.name})", allow_module_level=True)

FOLDERS = (
    "test_anthropic",
    "test_anthropic_mid_conversation_system",
    "test_tool_choice_matrix",
    "test_openai_responses",
)
STEPS = ("server_tool_use", "mcp_tool_use")
PROVIDER = build("recorded", "anthropic")


def recordings() -> Iterator[Recording]:
    """All recorded exchanges with `/v1/messages`."""
    for folder in FOLDERS:
        for path in sorted((FOLDER / folder).glob("*.yaml")):
            document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            for index, interaction in enumerate(document["interactions"]):
                request, answer = interaction.get("request"), interaction.get("response")
                if request is None or not request["uri"].split("?")[0].endswith("/v1/messages"):
                    continue
                body = answer.get("parsed_body") or answer["body"]
                if isinstance(body, dict):
                    body = body.get("string") or msgspec.json.encode(body)
                raw = body.encode() if isinstance(body, str) else body
                sent = request.get("parsed_body") or msgspec.json.decode(request["body"])
                name = f"{folder}/{path.stem}-{index}"
                yield Recording(name, request["uri"], answer["status"]["code"], sent, raw)


RECORDINGS = list(recordings())
ANSWERS = [item for item in RECORDINGS if item.status == 200]

by_name = pytest.mark.parametrize("recording", ANSWERS, ids=lambda item: item.name)


def is_stream(recording: Recording) -> bool:
    return recording.body.startswith(b"event:")


def has_steps(recording: Recording) -> bool:
    """Whether the provider ran tools of its own."""
    return any(f'"type":"{kind}"'.encode() in recording.body for kind in STEPS)


def decoder(recording: Recording, *, hosted: bool | None = None) -> AnswerDecoder:
    tools = (HostedTool("web_search", "anthropic_messages", {}),)
    request = ChatRequest(
        "m",
        (Message("user", (TextBlock("x"),)),),
        stream=is_stream(recording),
        hosted_tools=tools if (has_steps(recording) if hosted is None else hosted) else (),
    )
    return PROVIDER.decoder(request)


def frames(recording: Recording) -> list[Frame]:
    whole = decoder(recording)
    return _without_time([*whole.feed(recording.body), *whole.end()])


def _without_time(decoded: list[Frame]) -> list[Frame]:
    return [
        msgspec.structs.replace(
            frame,
            events=[
                msgspec.structs.replace(event, created=0) if isinstance(event, Start) else event
                for event in frame.events
            ],
        )
        for frame in decoded
    ]


def test_there_are_recordings_of_every_kind() -> None:
    assert len(ANSWERS) > 110
    assert sum(map(is_stream, ANSWERS)) > 10
    assert sum(map(has_steps, ANSWERS)) > 15


@by_name
def test_a_recorded_answer_means_what_it_says(recording: Recording) -> None:
    decoded = frames(recording)
    events = [event for frame in decoded for event in frame.events]
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], End)
    assert sum(isinstance(event, Finish) for event in events) == 1
    expected = _whole(recording)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == expected["text"]
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == expected["thinking"]
    assert [event.signature for event in events if isinstance(event, ReasoningDelta) and event.signature] == (
        expected["signatures"]
    )
    arguments: dict[int, str] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            arguments[event.index] = arguments.get(event.index, "") + event.arguments
    assert [msgspec.json.decode(text) for text in arguments.values()] == expected["inputs"]
    (usage,) = [event.usage for event in events if isinstance(event, UsageReport)]
    assert (usage.input_tokens, usage.output_tokens) == expected["usage"]


@by_name
def test_a_recorded_answer_may_be_relayed_unless_more_is_in_it_than_is_known(recording: Recording) -> None:
    more = has_steps(recording) or any(
        name in recording.body for name in (b'"iterations"', b'"context_management":{', b'"container":{')
    )
    assert all(frame.exact for frame in frames(recording)) or more


@by_name
def test_a_recorded_answer_decodes_to_the_same_events_for_every_cut(recording: Recording) -> None:
    expected, body = frames(recording), recording.body
    if not is_stream(recording):
        cuts = range(0, len(body), max(1, len(body) // 10))
    else:  # every byte of the first kilobyte and of the last, a sample between
        cuts = sorted(
            {*range(min(1024, len(body))), *range(1024, len(body), 1009), *range(len(body) - 1024, len(body))}
        )
    for cut in cuts:
        pieces = decoder(recording)
        assert _without_time([*pieces.feed(body[:cut]), *pieces.feed(body[cut:]), *pieces.end()]) == expected, cut


@pytest.mark.parametrize(
    "recording", [item for item in ANSWERS if is_stream(item) and len(item.body) < 6000], ids=lambda item: item.name
)
def test_a_short_recorded_stream_decodes_byte_by_byte(recording: Recording) -> None:
    pieces = decoder(recording)
    decoded = [frame for byte in recording.body for frame in pieces.feed(bytes([byte]))]
    assert _without_time(decoded + pieces.end()) == frames(recording)


@by_name
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    for cut in (1, len(recording.body) // 2, len(recording.body) - 30):
        pieces = decoder(recording)
        with pytest.raises(GatewayError):
            [*pieces.feed(recording.body[:cut]), *pieces.end()]


@pytest.mark.parametrize("recording", [item for item in ANSWERS if has_steps(item)], ids=lambda item: item.name)
def test_steps_that_nobody_asked_for_are_refused(recording: Recording) -> None:
    pieces = decoder(recording, hosted=False)
    with pytest.raises(GatewayError):
        [*pieces.feed(recording.body), *pieces.end()]


@pytest.mark.parametrize("recording", [item for item in RECORDINGS if item.status >= 400], ids=lambda item: item.name)
def test_a_recorded_failure_is_told_without_its_text(recording: Recording) -> None:
    error = PROVIDER.failure(recording.status, {}, recording.body)
    assert isinstance(error, RequestInvalidError)
    assert msgspec.json.decode(recording.body)["error"]["message"] not in error.message


def _whole(recording: Recording) -> dict[str, Any]:
    """What the answer says, read the simplest way."""
    if not is_stream(recording):
        message = msgspec.json.decode(recording.body)
        return _facts(message["content"], message["usage"])
    blocks: dict[int, dict[str, Any]] = {}
    usage: dict[str, Any] = {}
    for line in recording.body.splitlines():
        event = msgspec.json.decode(line[5:]) if line.startswith(b"data:") else {}
        match event.get("type"):
            case "message_start":
                usage.update(event["message"]["usage"])
            case "message_delta":
                usage.update(event["usage"])
            case "content_block_start":
                blocks[event["index"]] = {**event["content_block"], "json": ""}
            case "content_block_delta":
                for field in ("text", "thinking", "signature", "partial_json"):
                    name = "json" if field == "partial_json" else field
                    block = blocks[event["index"]]
                    block[name] = block.get(name, "") + event["delta"].get(field, "")
    for block in blocks.values():
        if block["json"]:
            block["input"] = msgspec.json.decode(block["json"])
    return _facts(list(blocks.values()), usage)


def _facts(blocks: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
    read = usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
    return {
        "text": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "thinking": "".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        "signatures": [block["signature"] for block in blocks if block["type"] == "thinking" and block["signature"]],
        "inputs": [block["input"] for block in blocks if block["type"] == "tool_use"],
        "usage": (read, usage["output_tokens"]),
    }
