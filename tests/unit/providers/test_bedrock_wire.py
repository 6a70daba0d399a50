"""Unions have known members alone; envelopes may have more."""

import msgspec
import pytest

from kaigate.providers.bedrock_wire import WireAnswer, WireBlock, WireBlockDelta, WireBlockStart


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (WireBlock, '{"image":{}}'),
        (WireBlock, '{"text":"a","citationsContent":{}}'),
        (WireBlock, '{"reasoningContent":{"newKind":1}}'),
        (WireBlockDelta, '{"contentBlockIndex":0,"delta":{"citation":{}}}'),
        (WireBlockStart, '{"contentBlockIndex":0,"start":{"toolResult":{}}}'),
        (WireBlockStart, '{"contentBlockIndex":0,"start":{}}'),
        (WireAnswer, '{"stopReason":"end_turn"}'),
    ],
)
def test_unknown_members_are_refused(kind: type[msgspec.Struct], raw: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=kind)


def test_padding_and_metrics_are_passed_over() -> None:
    raw = '{"contentBlockIndex":0,"delta":{"text":"a"},"p":"abc"}'
    assert msgspec.json.decode(raw, type=WireBlockDelta).delta.text == "a"
    answer = '{"output":{"message":{"role":"assistant","content":[]}},"stopReason":"x","metrics":{"latencyMs":1}}'
    assert msgspec.json.decode(answer, type=WireAnswer).stop_reason == "x"
