"""Blocks follow one another, numbered from 0."""

import pytest

from kaigate.chat.events import (
    AnnotationsDelta,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.anthropic_blocks import NONE, TEXT, TOOL, BlockWriter, Content, write_event


def written(blocks: BlockWriter, *events: Content) -> list[str]:
    out: list[bytes] = []
    for event in events:
        blocks.write(out, event)
    return [item.decode().split("\ndata: ")[1].rstrip() for item in out]


def test_a_block_begins_when_the_kind_changes() -> None:
    blocks = BlockWriter()
    assert written(blocks, ReasoningDelta("a"), TextDelta("b"), RefusalDelta("c")) == [
        '{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"a"}}',
        '{"type":"content_block_stop","index":0}',
        '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}',
        '{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}',
        '{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"c"}}',
    ]
    assert (blocks.kind, blocks.refused, blocks.called) == (TEXT, True, False)


def test_a_signature_ends_its_block() -> None:
    blocks = BlockWriter()
    lines = written(blocks, ReasoningDelta("a", signature="s"), ReasoningDelta("b"))
    assert lines[2:5] == [
        '{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}',
        '{"type":"content_block_stop","index":0}',
        '{"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":"","signature":""}}',
    ]


def test_a_signature_alone_is_a_block() -> None:
    assert len(written(BlockWriter(), ReasoningDelta("", signature="s"))) == 3


def test_encrypted_reasoning_is_a_block_of_its_own() -> None:
    blocks = BlockWriter()
    lines = written(blocks, TextDelta("a"), ReasoningDelta("", redacted="e"))
    assert lines[-3:] == [
        '{"type":"content_block_stop","index":0}',
        '{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"e"}}',
        '{"type":"content_block_stop","index":1}',
    ]
    assert blocks.kind == NONE


def test_a_tool_call_and_its_arguments() -> None:
    blocks = BlockWriter()
    lines = written(blocks, ToolCallStart(4, "c", "f"), ToolCallDelta(4, '{"a'), ToolCallDelta(4, '":1}'))
    assert lines == [
        '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c","name":"f","input":{}}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"a"}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\\":1}"}}',
    ]
    assert (blocks.kind, blocks.tool, blocks.called, blocks.unfinished) == (TOOL, 4, True, False)
    assert not blocks.has_ended(4)
    blocks.end([])
    assert blocks.has_ended(4)


def test_arguments_that_are_no_object_do_not_end_well() -> None:
    blocks = BlockWriter()
    written(blocks, ToolCallStart(0, "c", "f"), ToolCallDelta(0, '{"a'))
    assert blocks.unfinished
    with pytest.raises(UpstreamFailedError, match="not a JSON object"):
        blocks.end([])
    blocks.end([], cut=True)
    assert blocks.kind == NONE


def test_a_tool_call_without_arguments_ends_well() -> None:
    blocks = BlockWriter()
    written(blocks, ToolCallStart(0, "c", "f"))
    blocks.end([])
    assert blocks.has_ended(0)


def test_only_text_and_thinking_end_where_the_upstream_begins_a_block() -> None:
    blocks = BlockWriter()
    out: list[bytes] = []
    blocks.end_text(out)
    assert out == []
    written(blocks, ToolCallStart(0, "c", "f"))
    blocks.end_text(out)
    assert (out, blocks.kind) == ([], TOOL)
    written(blocks, TextDelta("x"))
    blocks.end_text(out)
    assert (len(out), blocks.kind) == (1, NONE)


def test_citations_belong_to_text_and_what_has_no_equivalent_begins_nothing() -> None:
    blocks = BlockWriter()
    assert written(blocks, AnnotationsDelta([{"type": "file_path"}])) == []
    original = {"type": "page_location"}
    assert written(blocks, AnnotationsDelta([{"citation": original}]))[1] == (
        '{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"page_location"}}}'
    )


def test_an_event_is_named_by_its_type() -> None:
    out: list[bytes] = []
    write_event(out, "x", {"a": 1})
    assert out == [b'event: x\ndata: {"type":"x","a":1}\n\n']
