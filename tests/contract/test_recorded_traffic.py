"""Every recorded chat completion decodes, whole and cut at every byte, and re-encodes to the official SDK's types.

Without the recordings these tests are skipped; `tests/unit/providers` has the same shapes as fixtures.
"""

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from contract.answers import joined, sse_objects, streamed
from contract.recorded import FOLDER, Recording, recordings
from kaigate.chat.events import Frame
from kaigate.errors import GatewayError, RequestInvalidError, UpstreamFailedError
from kaigate.providers.provider import AnswerDecoder, Provider
from kaigate.providers.registry import build
from kaigate.surfaces.openai_chat import OpenAIChat

if not FOLDER.is_dir():
    pytest.skip(f"no recorded traffic: set KAIGATE_RECORDED_TRAFFIC (looked in {FOLDER.name})", allow_module_level=True)

RECORDINGS = recordings()
ANSWERS = [item for item in RECORDINGS if item.status == 200 and b"choices" in item.body]
NOT_SERVED = {"moderation", "web_search_options"}
SURFACE = OpenAIChat()

by_name = pytest.mark.parametrize("recording", ANSWERS, ids=lambda item: item.name)


def provider() -> Provider:
    return build("recorded", "openai_compatible")


def decoder(recording: Recording) -> AnswerDecoder:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": recording.stream}
    return provider().decoder(SURFACE.decode(msgspec.json.encode(body)))


def frames(recording: Recording) -> list[Frame]:
    whole = decoder(recording)
    return [*whole.feed(recording.body), *whole.end()]


def test_there_are_recordings_of_every_kind() -> None:
    assert len(ANSWERS) > 80
    assert sum(item.stream for item in ANSWERS) >= 4
    assert len({item.uri for item in ANSWERS}) >= 8


@by_name
def test_a_recorded_answer_re_encodes_to_the_sdk_types(recording: Recording) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": recording.stream}
    if recording.stream:
        body["stream_options"] = {"include_usage": True}
    request = SURFACE.decode(msgspec.json.encode(body))
    encoded, relayed = (SURFACE.encoder(request, provider="recorded") for _ in range(2))
    decoded = frames(recording)
    first = b"".join(encoded.feed(frame.events) for frame in decoded) + encoded.end()
    second = b"".join(relayed.relay(frame) if frame.exact else relayed.feed(frame.events) for frame in decoded)
    second += relayed.end()
    expected = joined([event for frame in decoded for event in frame.events])
    for answer in (first, second):
        if recording.stream:
            objects = sse_objects(answer)
            for item in objects:
                ChatCompletionChunk.model_validate_json(msgspec.json.encode(item), strict=True)
            assert streamed([_without_nulls(item) for item in objects]) == expected
        else:
            assert ChatCompletion.model_validate_json(answer, strict=True).choices
            assert msgspec.json.decode(answer)["provider"] == "recorded"


@by_name
def test_a_recorded_answer_decodes_to_the_same_events_for_every_cut(recording: Recording) -> None:
    expected = frames(recording)
    body = recording.body
    if not recording.stream:
        step = max(1, len(body) // 20)
        cuts = range(0, len(body), step)
    else:  # every byte of the first two kilobytes and of the last, a sample between
        cuts = sorted({*range(min(2048, len(body))), *range(2048, len(body), 509), *range(len(body) - 1024, len(body))})
    for cut in cuts:
        pieces = decoder(recording)
        assert [*pieces.feed(body[:cut]), *pieces.feed(body[cut:]), *pieces.end()] == expected, cut


@by_name
def test_a_recorded_answer_that_is_cut_off_is_never_complete(recording: Recording) -> None:
    for cut in (1, len(recording.body) // 2, len(recording.body) - 60):
        pieces = decoder(recording)
        with pytest.raises(GatewayError):
            [*pieces.feed(recording.body[:cut]), *pieces.end()]


@pytest.mark.parametrize("recording", [item for item in RECORDINGS if item.status >= 400], ids=lambda item: item.name)
def test_a_recorded_failure_is_told_without_its_text(recording: Recording) -> None:
    error = provider().failure(recording.status, {}, recording.body)
    assert isinstance(error, RequestInvalidError | UpstreamFailedError)
    message = msgspec.json.decode(recording.body)["error"]["message"]
    assert message not in error.message


@pytest.mark.parametrize(
    "recording",
    [item for item in RECORDINGS if "api.openai.com" in item.uri and not NOT_SERVED & item.request.keys()],
    ids=lambda item: item.name,
)
def test_a_request_recorded_from_a_client_is_served_and_sent_on_with_nothing_lost(recording: Recording) -> None:
    request = SURFACE.decode(msgspec.json.encode(recording.request))
    call = build("o", "openai", api_key="k").encode(
        request, model=request.model, max_output_tokens=request.max_output_tokens
    )
    sent = msgspec.json.decode(call.body)
    wanted = {name: value for name, value in recording.request.items() if value is not None and name != "stream"}
    wanted.pop("stream_options", None)
    for name in wanted.keys() - {"messages"}:
        assert sent[name] == wanted[name]
    assert len(sent["messages"]) == len(wanted["messages"])


def _without_nulls(item: dict[str, object]) -> dict[str, object]:
    """Relayed chunks say null where an encoded one says nothing."""
    choices = [
        {**choice, "delta": {name: value for name, value in choice["delta"].items() if value is not None}}
        for choice in item["choices"]  # type: ignore[attr-defined]
    ]
    return {**item, "choices": choices}
