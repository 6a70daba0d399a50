"""Recorded streams of real providers decode to the same events for every cut."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from kaigate.transport.ndjson import NdjsonDecoder
from kaigate.transport.sse import SseDecoder, SseEvent

DEFAULT = Path(__file__).parents[3] / "../shared/data/recorded-traffic"


@pytest.fixture(scope="module")
def recorded() -> dict[str, bytes]:
    """Bodies of recorded event streams by file."""
    folder = Path(os.environ.get("KAIGATE_RECORDED_TRAFFIC", DEFAULT))
    if not folder.is_dir():
        pytest.skip(f"no recorded traffic at {folder}; set KAIGATE_RECORDED_TRAFFIC")
    found = {}
    for path in sorted(folder.rglob("*.yaml")):
        for interaction in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["interactions"]:
            response = interaction.get("response") or {"headers": {}}
            kind = str({name.lower(): value for name, value in response["headers"].items()}.get("content-type"))
            if "text/event-stream" in kind:
                body = response["body"]["string"]
                found[f"{path.name}#{len(found)}"] = body.encode() if isinstance(body, str) else body
    return found


def decode(chunks: list[bytes]) -> tuple[list[SseEvent], bytes]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)], decoder.end()


def cuts(size: int) -> Iterator[int]:
    return (cut for cut in range(size + 1) if cut < 150 or cut > size - 50 or cut % 197 == 0)


def test_recorded_events_are_json_and_nothing_is_left(recorded: dict[str, bytes]) -> None:
    assert recorded
    for name, body in recorded.items():
        events, rest = decode([body])
        assert events, name
        assert not rest.strip(), name
        for event in events:
            assert event.data == b"[DONE]" or isinstance(msgspec.json.decode(event.data), dict), name


def test_recorded_events_are_the_same_for_every_chunk_size(recorded: dict[str, bytes]) -> None:
    for name, body in recorded.items():
        whole = decode([body])
        for size in (1, 2, 3, 7, 16, 61, 64, 1000, 4096):
            assert decode([body[at : at + size] for at in range(0, len(body), size)]) == whole, (name, size)


def test_recorded_events_are_the_same_for_every_cut(recorded: dict[str, bytes]) -> None:
    """Between frames the decoder is empty, so a cut is tried with the two frames around it instead of all.

    Within the JSON of a long frame, where nothing happens, only every 197th byte is cut at.
    """
    for name, body in recorded.items():
        frames = [event.raw for event in decode([body])[0]]
        for first, second in itertools.pairwise([*frames, b""]):
            window = first + second
            whole = decode([window])
            for cut in cuts(len(first)):
                assert decode([window[:cut], window[cut:]]) == whole, (name, cut)


def test_recorded_documents_as_lines_are_the_same_for_every_chunk_size(recorded: dict[str, bytes]) -> None:
    for body in recorded.values():
        lines = [event.data for event in decode([body])[0] if b"\n" not in event.data]
        stream = b"".join(line + b"\n" for line in lines)
        for size in (1, 2, 3, 63, 64, 4096):
            decoder = NdjsonDecoder()
            found = [line for at in range(0, len(stream), size) for line in decoder.feed(stream[at : at + size])]
            assert (found, decoder.end()) == (lines, b"")
