"""Pieces of Ollama's answers."""

import pytest

from kaigate.chat.events import End, Start, TextDelta
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.ollama_parts import ToolCalls, body, created_at, ending, one_line, require_one_choice


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1702388023, "2023-12-12T13:33:43Z"), (0, "1970-01-01T00:00:00Z"), (10**18, "1970-01-01T00:00:00Z")],
)
def test_times_are_rfc_3339(seconds: int, text: str) -> None:
    assert created_at(seconds) == text


def test_calls_are_taken_whole_in_their_order() -> None:
    calls = ToolCalls()
    assert not calls
    calls.start(1, "b", "g")
    calls.start(0, "a", "f")
    calls.extend(0, '{"x"')
    calls.extend(0, ":\n1}")
    assert calls
    assert calls.take(cut=False) == [
        {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}},
        {"id": "b", "function": {"index": 1, "name": "g", "arguments": {}}},
    ]
    assert not calls


@pytest.mark.parametrize("arguments", ['{"a":', "[1]", "5", "[" * 100_000])
def test_arguments_that_are_no_object_fail_unless_the_answer_was_cut(arguments: str) -> None:
    for cut in (True, False):
        calls = ToolCalls()
        calls.start(0, "a", "f")
        calls.start(1, "b", "g")
        calls.extend(0, arguments)
        if cut:
            assert [call["id"] for call in calls.take(cut=True)] == ["b"]
        else:
            with pytest.raises(UpstreamFailedError, match="not a JSON object"):
                calls.take(cut=False)


def test_the_two_forms() -> None:
    assert body("chat", "a", "b") == {"message": {"role": "assistant", "content": "a", "thinking": "b"}}
    assert body("generate", "a", "b") == {"response": "a", "thinking": "b"}
    assert body("generate", "a", "", logprobs=[{"token": "a"}]) == {"response": "a", "logprobs": [{"token": "a"}]}
    with pytest.raises(UpstreamFailedError, match="not offered"):
        body("generate", "", "", calls=[{}])


def test_the_end() -> None:
    assert ending("tool_calls", None) == {"done": True, "done_reason": "stop"}
    assert ending("content_filter", Usage(0, 2)) == {
        "done": True,
        "done_reason": "content_filter",
        "prompt_eval_count": 0,
        "eval_count": 2,
    }


def test_a_second_choice_is_refused() -> None:
    for event in (Start("", "", 0), TextDelta("x"), End()):
        require_one_choice(event)
    with pytest.raises(UpstreamFailedError, match="more than one choice"):
        require_one_choice(TextDelta("x", 1))


def test_what_breaks_lines_of_text_is_escaped() -> None:
    assert one_line('{"a":"ä\x85\u2028…\u2029"}'.encode()) == '{"a":"ä\\u0085\\u2028…\\u2029"}'.encode()
    assert one_line(b"{}") == b"{}"
