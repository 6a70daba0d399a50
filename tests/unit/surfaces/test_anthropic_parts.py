"""What both forms of an answer share."""

import pytest

from kaigate.chat.events import AnnotationsDelta, Finish, FinishReason, TextDelta
from kaigate.chat.usage import Usage
from kaigate.errors import UpstreamFailedError
from kaigate.surfaces.anthropic_parts import citations, is_object, require_one_choice, wire_stop, wire_usage


def test_usage_counts_cached_tokens_apart() -> None:
    assert wire_usage(Usage(10, 5, 3, 2, 4), "priority") == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 3,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 4},
        "service_tier": "priority",
    }


def test_usage_has_no_tier_of_another_vendor_and_no_negative_count() -> None:
    usage = wire_usage(Usage(1, 5, 3), "flex")
    assert usage["input_tokens"] == 0
    assert "service_tier" not in usage
    assert "output_tokens_details" not in usage


def test_usage_that_nobody_reported_is_what_the_types_require() -> None:
    assert wire_usage(None) == {"input_tokens": 0, "output_tokens": 0}


@pytest.mark.parametrize(
    ("reason", "sequence", "called", "refused", "stop"),
    [
        ("stop", None, False, False, "end_turn"),
        ("stop", "END", False, False, "stop_sequence"),
        ("stop", None, True, False, "tool_use"),
        ("stop", None, False, True, "refusal"),
        ("length", "END", True, True, "max_tokens"),
        ("tool_calls", None, True, False, "tool_use"),
        ("content_filter", None, False, False, "refusal"),
    ],
)
def test_stop_reasons(reason: FinishReason, sequence: str | None, called: bool, refused: bool, stop: str) -> None:
    wire = wire_stop(Finish(reason, stop_sequence=sequence), called=called, refused=refused)
    assert wire == {"stop_reason": stop, "stop_sequence": sequence if stop == "stop_sequence" else None}


def test_an_answer_without_a_finish_ended() -> None:
    assert wire_stop(None, called=False, refused=False)["stop_reason"] == "end_turn"


def test_citations() -> None:
    original = {"type": "page_location", "cited_text": "x"}
    page = {"type": "url_citation", "url_citation": {"url": "https://e.org", "title": 7}}
    others = [{"type": "file_citation"}, {"type": "url_citation"}, {"citation": {"type": "unknown"}}]
    assert citations(AnnotationsDelta([{"citation": original}, page, *others])) == [
        original,
        {
            "type": "web_search_result_location",
            "cited_text": "",
            "encrypted_index": "",
            "title": "",
            "url": "https://e.org",
        },
    ]


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("{}", True),
        ('{"a":{"b":[1]}} ', True),
        ("", False),
        ("{", False),
        ('{"a":1', False),
        ('{"a":}', False),
        ("[]", False),
        ("null", False),
        ('"{}"', False),
        ("{}{}", False),
    ],
)
def test_arguments_are_complete_when_they_are_one_object(text: str, complete: bool) -> None:
    assert is_object(text) is complete


def test_one_choice_only() -> None:
    require_one_choice(TextDelta("x"))
    with pytest.raises(UpstreamFailedError):
        require_one_choice(TextDelta("x", 1))
