"""The events of a streamed response, each judged by the official SDK's types, and the rules of their sequence."""

from typing import Any

import msgspec
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def parsed(stream: bytes) -> list[dict[str, Any]]:
    frames = stream.split(b"\n\n")
    assert frames.pop() == b""
    objects = []
    for frame in frames:
        name, _, data = frame.partition(b"\n")
        item = msgspec.json.decode(data.removeprefix(b"data: "))
        assert name == b"event: " + item["type"].encode()
        EVENT.validate_python(item, strict=True)
        objects.append(item)
    return objects


def check_sequence(stream: bytes) -> None:
    """What a stream promises: numbers, places, and that the ends repeat what was sent before."""
    objects = parsed(stream)
    assert [item["sequence_number"] for item in objects] == list(range(len(objects)))
    assert [item["type"] for item in objects[:2]] == ["response.created", "response.in_progress"]
    final = objects[-1]["response"]
    assert objects[-1]["type"] == f"response.{final['status']}"
    deltas: dict[tuple[str, int], str] = {}
    open_items: dict[int, str] = {}
    done: dict[int, Any] = {}
    logprobs: list[Any] = []
    for item in objects[2:-1]:
        kind = item["type"]
        at = item["output_index"]
        if kind == "response.output_item.added":
            assert at == len(open_items) + len(done)
            open_items[at] = item["item"]["id"]
            continue
        assert (item["item"]["id"] if "item" in item else item["item_id"]) == open_items[at]
        place = (open_items[at], item.get("content_index", 0))
        if kind == "response.output_item.done":
            done[at] = item["item"]
            del open_items[at]
        elif kind.endswith(".delta"):
            deltas[place] = deltas.get(place, "") + item["delta"]
            logprobs += item.get("logprobs", [])
        elif kind == "response.output_text.done":
            assert (item["text"], item["logprobs"]) == (deltas[place], logprobs)
        elif kind == "response.refusal.done":
            assert item["refusal"] == deltas[place]
        elif kind == "response.function_call_arguments.done":
            assert item["arguments"] == deltas.get(place, "")
        elif kind == "response.reasoning_summary_text.done":
            assert item["text"] == deltas[place]
        elif kind == "response.content_part.done":
            assert item["part"].get("text", item["part"].get("refusal")) == deltas[place]
    assert not open_items, "every item is done before the response is"
    assert [done[at] for at in sorted(done)] == final["output"]
