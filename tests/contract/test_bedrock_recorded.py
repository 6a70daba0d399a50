"""Recorded answers of the real Bedrock decode whole and cut at every byte, and become answers of the official types."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.events import ChatEvent, End, Finish, ReasoningDelta, TextDelta, ToolCallDelta
from kaigate.chat.request import ChatRequest, Tool
from kaigate.errors import GatewayError
from kaigate.providers.bedrock import Bedrock
from kaigate.surfaces.openai_chat import OpenAIChat
from tests.contract.answers import sse_objects
from tests.contract.recorded import FOLDER
from tests.support.clocks import ManualClock

CUTS = 60


class Recording(msgspec.Struct, frozen=True):
    """One answer; `stream` tells which operation it is of."""

    name: str
    stream: bool
    status: int
    body: bytes


def recordings() -> Iterator[Recording]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted((FOLDER / "test_bedrock").glob("*.yaml")):
        for index, interaction in enumerate(yaml.load(path.read_bytes(), Loader=loader).get("interactions", ())):
            operation = interaction["request"]["uri"].rpartition("/")[2]
            if operation in {"converse", "converse-stream"}:
                answer = interaction["response"]
                name = f"{path.stem}-{index}"
                yield Recording(name, operation == "converse-stream", answer["status"]["code"], body_of(answer))


def body_of(answer: dict[str, Any]) -> bytes:
    if "parsed_body" in answer:
        return msgspec.json.encode(answer["parsed_body"])
    body = answer["body"]
    body = body["string"] if isinstance(body, dict) else body
    return body.encode() if isinstance(body, str) else body


RECORDED = list(recordings())
OF_PROVIDER_S_TOOLS = "code_execution_tool"
SERVED = [one for one in RECORDED if one.status == 200 and OF_PROVIDER_S_TOOLS not in one.name]


def request(*, stream: bool) -> ChatRequest:
    message = Message("user", (TextBlock("x"),))
    return ChatRequest("m", (message,), stream=stream, include_usage=True, tools=(Tool("t"),))


def decoded(recording: Recording, *pieces: bytes) -> list[ChatEvent]:
    decoder = Bedrock("b", clock=ManualClock()).decoder(request(stream=recording.stream))
    frames = [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.end()
    for frame in frames:
        if frame.failure is not None:
            raise frame.failure
    return [event for frame in frames for event in frame.events][1:]  # ids differ


def test_there_are_recordings_of_both_operations() -> None:
    assert sum(one.stream for one in SERVED) >= 8, f"no recordings in {FOLDER}"
    assert sum(not one.stream for one in SERVED) >= 60


@pytest.mark.parametrize("recording", SERVED, ids=lambda one: one.name)
def test_a_recorded_answer_is_the_same_however_it_is_cut(recording: Recording) -> None:
    whole = decoded(recording, recording.body)
    assert isinstance(whole[-1], End)
    assert sum(isinstance(event, Finish) for event in whole) == 1
    assert any(isinstance(event, TextDelta | ToolCallDelta | ReasoningDelta) for event in whole)
    size = len(recording.body)
    cuts = range(1, size) if recording.stream else range(1, size, max(size // CUTS, 1))
    for cut in cuts:
        assert decoded(recording, recording.body[:cut], recording.body[cut:]) == whole


@pytest.mark.parametrize("recording", [one for one in SERVED if one.stream], ids=lambda one: one.name)
def test_a_recorded_stream_that_breaks_off_anywhere_is_an_error(recording: Recording) -> None:
    size = len(recording.body)
    for cut in (*range(0, size - 300, 101), *range(size - 300, size)):
        with pytest.raises(GatewayError):
            decoded(recording, recording.body[:cut])


@pytest.mark.parametrize(
    "recording", [one for one in RECORDED if OF_PROVIDER_S_TOOLS in one.name], ids=lambda one: one.name
)
def test_answers_of_the_provider_s_own_tools_are_refused(recording: Recording) -> None:
    with pytest.raises(GatewayError):
        decoded(recording, recording.body)


@pytest.mark.parametrize("recording", [one for one in RECORDED if one.status != 200], ids=lambda one: one.name)
def test_recorded_errors_are_the_operator_s(recording: Recording) -> None:
    assert Bedrock("b").failure(recording.status, {}, recording.body).status == 502


@pytest.mark.parametrize("recording", SERVED, ids=lambda one: one.name)
def test_a_recorded_answer_satisfies_the_official_types(recording: Recording) -> None:
    wanted = request(stream=recording.stream)
    decoder = Bedrock("b", clock=ManualClock()).decoder(wanted)
    encoder = OpenAIChat(max_depth=64).encoder(wanted, provider="b")
    written = b"".join([encoder.feed(frame.events) for frame in [*decoder.feed(recording.body), *decoder.end()]])
    written += encoder.end()
    if not recording.stream:
        answer = ChatCompletion.model_validate_json(written, strict=True)
        assert answer.usage is not None
        assert answer.choices[0].finish_reason in {"stop", "length", "tool_calls"}
        return
    for item in sse_objects(written):
        ChatCompletionChunk.model_validate_json(msgspec.json.encode(item), strict=True)
