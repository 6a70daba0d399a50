"""Recorded requests of `/v1/responses` decode or are refused by name; recorded chat answers leave as responses.

Without the recordings these tests are skipped; `tests/unit/surfaces` has the same shapes as fixtures.
"""

from typing import Any

import msgspec
import pytest
import yaml
from openai.types import Completion
from openai.types.responses import Response

from contract.recorded import FOLDER, Recording, recordings
from contract.response_events import check_sequence
from kaigate.chat.events import ChatEvent, RefusalDelta, TextDelta
from kaigate.errors import RequestInvalidError
from kaigate.providers.registry import build
from kaigate.surfaces.openai_chat import OpenAIChat
from kaigate.surfaces.openai_completions import OpenAICompletions
from kaigate.surfaces.openai_responses import OpenAIResponses

if not FOLDER.is_dir():
    pytest.skip(f"no recorded traffic: set KAIGATE_RECORDED_TRAFFIC (looked in {FOLDER.name})", allow_module_level=True)

SURFACE = OpenAIResponses()
STATEFUL = ("background", "context_management", "conversation", "moderation", "previous_response_id", "truncation")
SERVED_ITEMS = (None, "message", "function_call", "function_call_output", "reasoning")


def requests() -> list[tuple[str, dict[str, Any]]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = []
    for path in sorted((FOLDER / "test_openai_responses").glob("*.yaml")):
        for index, interaction in enumerate(yaml.load(path.read_bytes(), Loader=loader).get("interactions", ())):
            request = interaction.get("request", {})
            body = request.get("parsed_body") or request.get("body")
            if request.get("uri", "").partition("?")[0].endswith("/responses") and body:
                found.append((f"{path.stem}-{index}", body if isinstance(body, dict) else msgspec.json.decode(body)))
    return found


def refused_for(body: dict[str, Any]) -> str | None:
    """The part of a recorded request that a gateway without memory does not serve."""
    for name in STATEFUL:
        if body.get(name):
            return name
    if body.get("store"):
        return "store"
    if set(body.get("include") or ()) - {"reasoning.encrypted_content"}:
        return "include"
    for position, item in enumerate(body["input"] if isinstance(body["input"], list) else ()):
        if item.get("type") not in SERVED_ITEMS:
            return f"input[{position}]"
    for name in body.get("reasoning") or ():
        if name in ("context", "mode"):
            return f"reasoning.{name}"
    return "temperature" if body.get("temperature") == -1 else None


REQUESTS = requests()
ANSWERS = [item for item in recordings() if item.status == 200 and b"choices" in item.body]


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in REQUESTS])
def test_a_recorded_request_is_served_or_refused_by_name(body: dict[str, Any]) -> None:
    refused = refused_for(body)
    encoded = msgspec.json.encode(body)
    if refused is not None:
        with pytest.raises(RequestInvalidError) as caught:
            SURFACE.decode(encoded)
        assert caught.value.param is not None
        assert caught.value.param.startswith(refused.partition("[")[0].partition(".")[0])
        return
    request = SURFACE.decode(encoded)
    functions = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    assert [tool.name for tool in request.tools] == [tool["name"] for tool in functions]
    assert len(request.hosted_tools) == len(body.get("tools") or ()) - len(functions)
    assert request.stream is bool(body.get("stream"))
    texts = [block.text for message in request.messages for block in message.blocks if hasattr(block, "text")]
    for item in body["input"] if isinstance(body["input"], list) else ():
        if isinstance(item.get("content"), str):
            assert item["content"] in texts


def test_most_recorded_requests_are_served() -> None:
    served = [body for _, body in REQUESTS if refused_for(body) is None]
    assert len(served) > 80


@pytest.mark.parametrize("recording", ANSWERS, ids=lambda item: item.name)
def test_a_recorded_answer_leaves_as_response_and_as_completion(recording: Recording) -> None:
    events = _events(recording)
    choices = {event.choice for event in events if hasattr(event, "choice")}
    stream = str(recording.stream).lower().encode()
    completions = OpenAICompletions()
    encoder = completions.encoder(completions.decode(b'{"model":"m","prompt":"x"}'), provider="up")
    encoder.feed(events)
    completion = Completion.model_validate_json(encoder.end(), strict=True)
    said = "".join(event.text for event in events if isinstance(event, TextDelta | RefusalDelta) and event.choice == 0)
    assert completion.choices[0].text == said
    if choices != {0}:
        return
    encoder = SURFACE.encoder(SURFACE.decode(b'{"model":"m","input":"x","stream":' + stream + b"}"), provider="up")
    out = b"".join(encoder.feed([event]) for event in events) + encoder.end()
    if recording.stream:
        check_sequence(out)
    else:
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert Response.model_validate_json(out, strict=True).output_text == text


def _events(recording: Recording) -> list[ChatEvent]:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": recording.stream}
    decoder = build("recorded", "openai_compatible").decoder(OpenAIChat().decode(msgspec.json.encode(body)))
    return [event for frame in [*decoder.feed(recording.body), *decoder.end()] for event in frame.events]
