"""Items grow with their events, and a stream is told of each step in the order of the reference."""

from typing import Any

import pytest

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    Finish,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces import openai_responses_output
from kaigate.surfaces.openai_responses_output import Output

LOGPROB = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}


def build(*events: ChatEvent, encrypted: bool = True, logprobs: bool = True) -> tuple[Output, list[str]]:
    told: list[str] = []
    output = Output(
        "k", lambda kind, _: told.append(kind.removeprefix("response.")), encrypted=encrypted, logprobs=logprobs
    )
    for event in events:
        output.add(event)
    return output, told


def kinds(output: Output) -> list[str]:
    return [item["type"] for item in output.wire()]


def test_text() -> None:
    _, told = build(TextDelta("a"), TextDelta("b"), Finish("stop"))
    assert told == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]


def test_reasoning_ends_where_text_begins() -> None:
    output, told = build(ReasoningDelta("a"), ReasoningDelta("b"), TextDelta("c"))
    assert told == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
    ]
    assert kinds(output) == ["reasoning", "message"]


@pytest.mark.parametrize("after", [ToolCallStart(0, "c", "f"), RefusalDelta("No."), Finish("stop")])
def test_reasoning_ends_where_anything_else_begins(after: ChatEvent) -> None:
    _, told = build(ReasoningDelta("a"), after)
    assert told.index("reasoning_summary_text.done") == 3


def test_a_call() -> None:
    _, told = build(ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{"), ToolCallDelta(0, "}"), Finish("tool_calls"))
    assert told == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    output, told = build(ToolCallStart(0, "c", "f"), ToolCallDelta(0, ""), Finish("tool_calls"))
    assert output.wire()[0]["arguments"] == "{}"
    assert told.count("function_call_arguments.delta") == 1


def test_a_call_that_was_cut_off_is_left_as_it_is() -> None:
    output, _ = build(ToolCallStart(0, "c", "f"), Finish("length"))
    assert (output.wire()[0]["arguments"], output.wire()[0]["status"]) == ("", "incomplete")


def test_text_that_was_held_back_joins_its_message() -> None:
    output, told = build(
        TextDelta("Let me l"), ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), TextDelta("ook."), Finish("stop")
    )
    message, call = output.wire()
    assert message["content"][0]["text"] == "Let me look."
    assert (message["id"], call["id"]) == ("msg_k_0", "fc_k_1")
    assert told[-1] == "output_item.done"


def test_interleaved_calls_keep_their_arguments() -> None:
    output, _ = build(
        ToolCallStart(0, "c0", "f"),
        ToolCallStart(1, "c1", "g"),
        ToolCallDelta(0, "[0]"),
        ToolCallDelta(1, "[1]"),
        Finish("tool_calls"),
    )
    assert [(item["call_id"], item["arguments"]) for item in output.wire()] == [("c0", "[0]"), ("c1", "[1]")]


def test_a_signature_ends_a_block_of_reasoning() -> None:
    output, _ = build(ReasoningDelta("a", signature="s"), ReasoningDelta("b"), ReasoningDelta("", redacted="r"))
    first, second, third = output.wire()
    assert (first["summary"][0]["text"], first["encrypted_content"]) == ("a", "signature.s")
    assert (second["summary"][0]["text"], second.get("encrypted_content")) == ("b", None)
    assert (third["summary"], third["encrypted_content"]) == ([], "r")


def test_encrypted_reasoning_is_only_for_who_asked() -> None:
    output, told = build(
        ReasoningDelta("a", signature="s"), ReasoningDelta("b"), ReasoningDelta("", redacted="r"), encrypted=False
    )
    assert [item.get("encrypted_content") for item in output.wire()] == [None, None]
    assert told.count("output_item.done") == 2


def test_refusal_and_text_are_parts_of_one_message() -> None:
    output, told = build(RefusalDelta("No."), TextDelta("But"), Finish("stop"))
    (message,) = output.wire()
    assert [part["type"] for part in message["content"]] == ["refusal", "output_text"]
    assert told[-5:] == [
        "refusal.done",
        "content_part.done",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]


def test_empty_pieces_open_nothing() -> None:
    assert build(TextDelta(""), RefusalDelta(""), ReasoningDelta(""), LogprobsDelta(None))[1] == []


def test_log_probabilities_are_only_for_who_asked() -> None:
    events: tuple[ChatEvent, ...] = (TextDelta("a"), LogprobsDelta([LOGPROB]), LogprobsDelta(None, [LOGPROB]))
    assert build(*events)[0].wire()[0]["content"][0]["logprobs"] == [LOGPROB]
    assert build(*events, logprobs=False)[0].wire()[0]["content"][0]["logprobs"] == []


def test_citations_are_counted() -> None:
    url = {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "https://a.example", "title": "A"}
    told: list[dict[str, Any]] = []
    output = Output("k", lambda _, fields: told.append(fields), encrypted=False, logprobs=False)
    output.add(AnnotationsDelta([url, {"type": "other"}, url]))
    assert [item["annotation_index"] for item in told if "annotation_index" in item] == [0, 1]
    assert output.wire()[0]["content"][0]["annotations"] == [url, url]


def test_where_text_goes_is_known_only_while_nothing_else_is_open() -> None:
    output, _ = build(TextDelta("a"))
    place = output.open_text()
    assert place is not None
    assert (place[0].id, place[1].texts) == ("msg_k_0", ["a"])
    output.add(ReasoningDelta("b"))
    assert output.open_text() is None
    assert build()[0].open_text() is None


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("MAX_CHARACTERS", [TextDelta("abcd")]),
        ("MAX_CHARACTERS", [ReasoningDelta("abcd")]),
        ("MAX_CHARACTERS", [ReasoningDelta("", redacted="abcd")]),
        ("MAX_CHARACTERS", [RefusalDelta("abcd")]),
        ("MAX_CHARACTERS", [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "abcd")]),
        ("MAX_ITEMS", [ToolCallStart(index, "c", "f") for index in range(4)]),
        ("MAX_MARKS", [LogprobsDelta([LOGPROB] * 4)]),
    ],
)
def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch, name: str, events: list[ChatEvent]) -> None:
    monkeypatch.setattr(openai_responses_output, name, 3)
    with pytest.raises(UpstreamFailedError, match="too many"):
        build(*events)


def test_a_second_choice_is_a_failure_of_the_upstream() -> None:
    with pytest.raises(UpstreamFailedError, match="more than one"):
        build(TextDelta("a", 1))
