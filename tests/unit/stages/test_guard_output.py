"""Every kind of event is searched for secrets, streamed and whole, and held text is never lost."""

import itertools

import pytest

from kaigate.chat.events import (
    AnnotationsDelta,
    ChatEvent,
    End,
    Finish,
    LogprobsDelta,
    ReasoningDelta,
    RefusalDelta,
    Start,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from kaigate.chat.usage import Usage
from kaigate.errors import UnavailableError
from kaigate.guardrails.redaction import Redactor
from kaigate.guardrails.settings import RedactionSettings
from kaigate.stages.guard_output import GuardOutput
from kaigate.telemetry.metrics import Metrics
from support.exchanges import chat_request, exchange

SECRET = "AKIA" + "IOSFODNN7EXAMPLE"
PLACEHOLDER = "[REDACTED_AWS_KEY]"
START = Start("id", "m", 1)


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor.build(RedactionSettings())


def guard(redactor: Redactor, *, stream: bool):
    made = exchange(chat_request(stream=stream))
    return made, GuardOutput(redactor, Metrics()).filter(made)


def run(redactor: Redactor, batches: list[list[ChatEvent]], *, stream: bool = True):
    made, event_filter = guard(redactor, stream=stream)
    out = list(itertools.chain.from_iterable(event_filter.feed(batch) for batch in batches))
    return made, out + event_filter.flush()


def text_of(events: list[ChatEvent], kind: type = TextDelta, choice: int = 0) -> str:
    return "".join(e.text for e in events if isinstance(e, kind) and e.choice == choice)


def pieces(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta, RefusalDelta])
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_streamed_text_of_every_kind_is_redacted_across_chunks(redactor, kind, size):
    text = f"the key is {SECRET} ok"
    batches = [[START], *([kind(piece)] for piece in pieces(text, size)), [Finish("stop")], [End()]]
    made, out = run(redactor, batches)
    assert text_of(out, kind) == f"the key is {PLACEHOLDER} ok"
    assert made.redactions == {"aws_key": 1}
    assert isinstance(out[-2], Finish)
    assert isinstance(out[-1], End)


@pytest.mark.parametrize("stream", [True, False])
def test_tool_arguments_and_names_are_redacted(redactor, stream):
    arguments = '{"key": "' + SECRET + '", "n": 1}'
    batches = [
        [START, ToolCallStart(0, "c1", SECRET)],
        *([ToolCallDelta(0, piece)] for piece in (pieces(arguments, 5) if stream else [arguments])),
        [Finish("tool_calls"), End()],
    ]
    made, out = run(redactor, batches, stream=stream)
    joined = "".join(e.arguments for e in out if isinstance(e, ToolCallDelta))
    assert joined == '{"key": "' + PLACEHOLDER + '", "n": 1}'
    assert out[1].name == PLACEHOLDER
    assert made.redactions == {"aws_key": 2}


def test_annotations_are_searched_in_every_string(redactor):
    annotation = {
        "type": "url_citation",
        "url_citation": {"title": SECRET, "url": "https://x.example", "start_index": 1},
    }
    _, out = run(redactor, [[START, AnnotationsDelta([annotation])], [End()]])
    assert out[1].annotations[0]["url_citation"]["title"] == PLACEHOLDER
    assert out[1].annotations[0]["url_citation"]["start_index"] == 1


@pytest.mark.parametrize("stream", [True, False])
def test_untouched_batches_come_back_as_the_very_same_list(redactor, stream):
    batch = [START, UsageReport(Usage(1, 1)), End()]
    _, event_filter = guard(redactor, stream=stream)
    assert event_filter.feed(batch) is batch


def test_a_whole_benign_answer_is_the_very_same_list(redactor):
    batch = [
        START,
        TextDelta("nothing to see"),
        ToolCallStart(0, "c", "f"),
        ToolCallDelta(0, '{"a": "\\u00e9"}'),
        Finish("stop"),
        End(),
    ]
    _, event_filter = guard(redactor, stream=False)
    assert event_filter.feed(batch) is batch


def test_choices_do_not_mix(redactor):
    half = len(SECRET) // 2
    batches = [
        [TextDelta(SECRET[:half], 0), TextDelta("plain ", 1)],
        [TextDelta("words", 1), TextDelta(SECRET[half:], 0)],
        [Finish("stop", 1)],
        [Finish("stop", 0), End()],
    ]
    _, out = run(redactor, batches)
    assert text_of(out, choice=0) == PLACEHOLDER
    assert text_of(out, choice=1) == "plain words"


def test_a_secret_split_by_another_kind_of_event_is_still_found(redactor):
    half = len(SECRET) // 2
    _, out = run(redactor, [[TextDelta(SECRET[:half])], [ReasoningDelta("hm ")], [TextDelta(SECRET[half:])], [End()]])
    assert text_of(out) == PLACEHOLDER


def test_a_truncated_stream_gives_its_held_text_up_redacted(redactor):
    _, out = run(redactor, [[TextDelta("see " + SECRET)]])
    assert text_of(out) == "see " + PLACEHOLDER


def test_log_probabilities_follow_their_text(redactor):
    tokens = ["two ", "words", " here"]
    batches = [[TextDelta(t), LogprobsDelta([{"token": t, "logprob": -1.0}])] for t in tokens]
    _, out = run(redactor, [*batches, [Finish("stop")], [End()]])
    released = 0
    covered = 0
    for event in out:
        if isinstance(event, TextDelta):
            released += len(event.text)
        elif isinstance(event, LogprobsDelta):
            covered += sum(len(entry["token"]) for entry in event.content)
            assert covered <= released
    assert covered == sum(map(len, tokens))


@pytest.mark.parametrize("stream", [True, False])
def test_log_probabilities_of_a_redacted_choice_are_dropped(redactor, stream):
    tokens = pieces("key " + SECRET + " end", 4) if stream else ["key " + SECRET + " end"]
    batches = [[TextDelta(t), LogprobsDelta([{"token": t, "logprob": -1.0}])] for t in tokens]
    _, out = run(redactor, [*batches, [Finish("stop"), End()]], stream=stream)
    repeated = "".join(e["token"] for event in out if isinstance(event, LogprobsDelta) for e in event.content)
    assert SECRET[4:] not in repeated
    assert "IOSF" not in repeated


def test_an_event_without_a_rule_is_refused_and_counted(redactor):
    class Unknown:
        choice = 0

    metrics = Metrics()
    event_filter = GuardOutput(redactor, metrics).filter(exchange(chat_request()))
    with pytest.raises(UnavailableError) as caught:
        event_filter.feed([Unknown()])
    assert caught.value.code == "guardrail_unavailable"
    assert metrics.registry.get_sample_value("kaigate_guardrail_errors_total", {"guard": "redaction"}) == 1


def test_every_event_of_the_canonical_model_has_a_rule():
    from kaigate.stages.guard_output import _RULES, _TEXTLESS

    assert set(_RULES) | _TEXTLESS == set(ChatEvent.__args__)
