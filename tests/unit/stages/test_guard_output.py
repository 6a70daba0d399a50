"""Every kind of event is searched for secrets, streamed and whole, and held text is never lost."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from kaigate.guardrails.json_text import JsonStreamRedactor
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
    assert text_of(out) == SECRET[:half] + PLACEHOLDER


@pytest.mark.parametrize("signed", [ReasoningDelta("", signature="s"), ReasoningDelta("", redacted="r")])
def test_reasoning_is_complete_before_its_signature_and_the_text(redactor, signed):
    batches = [[ReasoningDelta("hmm, I think")], [signed], [TextDelta("So it")], [Finish("stop"), End()]]
    _, out = run(redactor, batches)
    assert out == [
        ReasoningDelta("hmm, I "),
        ReasoningDelta("think"),
        signed,
        TextDelta("So "),
        TextDelta("it"),
        Finish("stop"),
        End(),
    ]


@pytest.mark.parametrize("text", ["all of it", "all of " + SECRET])
def test_reasoning_that_comes_with_its_signature_leaves_before_it(redactor, text):
    event = ReasoningDelta(text, signature="s")
    _, out = run(redactor, [[event], [TextDelta("it ")]])
    clean = text.replace(SECRET, PLACEHOLDER)
    whole = [event] if clean == text else [ReasoningDelta(clean), ReasoningDelta("", signature="s")]
    assert out == [*whole, TextDelta("it ")]


def test_text_is_complete_before_a_tool_call_and_a_call_before_the_next(redactor):
    batches = [
        [TextDelta("Let me see")],
        [ToolCallStart(0, "a", "f")],
        [ToolCallDelta(0, "ls -la")],
        [ToolCallStart(1, "b", "g"), ToolCallDelta(1, "pwd")],
        [TextDelta("so")],
        [Finish("tool_calls")],
    ]
    _, out = run(redactor, batches)
    assert out == [
        TextDelta("Let me "),
        TextDelta("see"),
        ToolCallStart(0, "a", "f"),
        ToolCallDelta(0, "ls "),
        ToolCallDelta(0, "-la"),
        ToolCallStart(1, "b", "g"),
        ToolCallDelta(1, "pwd"),
        TextDelta("so"),
        Finish("tool_calls"),
    ]


def test_calls_whose_arguments_interleave_keep_them_whole(redactor):
    half = len(SECRET) // 2
    batches = [
        [ToolCallStart(0, "a", "f"), ToolCallStart(1, "b", "f")],
        [ToolCallDelta(0, '{"k": "' + SECRET[:half]), ToolCallDelta(1, '{"k": "v')],
        [ToolCallDelta(0, SECRET[half:] + '"}'), ToolCallDelta(1, '\\u0061"}')],
        [Finish("tool_calls")],
    ]
    made, out = run(redactor, batches)
    joined = ["".join(e.arguments for e in out if isinstance(e, ToolCallDelta) and e.index == i) for i in (0, 1)]
    assert joined == ['{"k": "' + SECRET[:half] + PLACEHOLDER + '"}', '{"k": "v\\u0061"}']
    assert made.redactions == {"aws_key": 1}


@pytest.mark.parametrize("event", [ReasoningDelta(""), RefusalDelta(""), ToolCallDelta(0, "")])
def test_an_event_without_text_interrupts_nothing(redactor, event):
    half = len(SECRET) // 2
    _, out = run(redactor, [[TextDelta(SECRET[:half])], [event], [TextDelta(SECRET[half:] + " ")]])
    assert out == [event, TextDelta(PLACEHOLDER + " ")]


def test_another_choice_interrupts_nothing(redactor):
    _, out = run(redactor, [[TextDelta("wo", 0)], [ReasoningDelta("a b", 1)], [TextDelta("rd ", 0)], [End()]])
    assert out == [ReasoningDelta("a ", 1), TextDelta("word ", 0), ReasoningDelta("b", 1), End()]


KINDS = (TextDelta, ReasoningDelta, RefusalDelta, 0, 1)
FRAGMENTS = ("a", "word", " ", ". ", '"', "é", f" {SECRET} ", SECRET, SECRET[:9], "://h/")
RUNS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6).map("".join),
        st.booleans(),
    ),
    max_size=6,
)


def events_of(kind: type | int, text: str, size: int, *, signed: bool) -> list[ChatEvent]:
    if isinstance(kind, int):
        return [ToolCallDelta(kind, piece) for piece in pieces(text, size)]
    events: list[ChatEvent] = [kind(piece) for piece in pieces(text, size)]
    return [*events, ReasoningDelta("", signature="s")] if signed and kind is ReasoningDelta else events


def runs_of(events: list[ChatEvent]) -> list[tuple[type | int | str, str]]:
    """Text run by run; a signature ends one."""
    runs: list[tuple[type | int | str, str]] = []
    for event in events:
        kind = event.index if isinstance(event, ToolCallDelta) else type(event)
        text = event.arguments if isinstance(event, ToolCallDelta) else event.text
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + text)
        elif text:
            runs.append((kind, text))
        if isinstance(event, ReasoningDelta) and event.signature:
            runs.append(("signature", ""))
    return runs


@given(RUNS, st.integers(1, 12), st.integers(1, 4))
def test_parts_leave_in_the_order_in_which_they_came(redactor, runs, size, batch):
    events = [each for kind, text, signed in runs for each in events_of(kind, text, size, signed=signed)]
    made, out = run(redactor, [events[i : i + batch] for i in range(0, len(events), batch)])
    expected = runs_of(events)
    found = runs_of(out)
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    seen = dict.fromkeys(KINDS, "")
    spans = False
    for (kind, text), (_, before) in zip(found, expected, strict=True):
        if kind == "signature":
            continue
        clean = redacted(redactor, before, json=isinstance(kind, int))
        joined = redacted(redactor, seen[kind] + before, json=isinstance(kind, int))
        apart = redacted(redactor, seen[kind], json=isinstance(kind, int)) + clean
        seen[kind] += before
        # Only where the runs together say something else than one by one, more may be hidden, and never less. The
        # arguments of a call are one text, whatever stands between their fragments.
        spans = spans or joined != apart
        assert text == clean or spans
        assert text.count(SECRET) <= clean.count(SECRET) or (isinstance(kind, int) and SECRET in joined)
    if not spans:
        assert sum(made.redactions.values()) == sum(text.count(PLACEHOLDER) for _, text in found)


def redacted(redactor: Redactor, text: str, *, json: bool) -> str:
    if not json:
        return redactor.redact(text).text
    stream = JsonStreamRedactor(redactor)
    return stream.feed(text) + stream.flush()


@given(st.lists(st.sampled_from([e for kind in KINDS for e in events_of(kind, "a word", 3, signed=True)]), max_size=9))
def test_nothing_is_lost_or_moved_of_what_is_harmless(redactor, events):
    _, out = run(redactor, [[event] for event in events])
    assert runs_of(out) == runs_of(events)


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


def test_log_probabilities_leave_with_the_text_that_something_interrupts(redactor):
    logprobs = LogprobsDelta([{"token": "word", "logprob": -1.0}])
    batches = [[TextDelta("word"), logprobs], [ToolCallStart(0, "c", "f")], [Finish("stop")]]
    _, out = run(redactor, batches)
    assert out == [TextDelta("word"), logprobs, ToolCallStart(0, "c", "f"), Finish("stop")]


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
