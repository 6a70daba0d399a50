"""The driver: order, early answers, refusals, and settling whatever happens."""

import asyncio

import msgspec
import pytest

from kaigate.chat.events import ChatEvent, End, Finish, Frame, Start, TextDelta, UsageReport
from kaigate.chat.usage import Usage
from kaigate.errors import GatewayError, RequestInvalidError, UpstreamFailedError
from kaigate.pipeline.driver import Pipeline
from kaigate.pipeline.exchange import ClientGoneError, Exchange
from kaigate.pipeline.stage import Stage
from support.exchanges import RecordedReply, ScriptedAnswer, chat_request, deployment, exchange

START = Start("chatcmpl-1", "m", 1)
WHOLE = [START, TextDelta("hello"), Finish("stop"), UsageReport(Usage(3, 1)), End()]


class Recorder(Stage):
    """Writes down what it sees; fails where it is told to."""

    def __init__(self, name: str, log: list[str], *, fail: Exception | None = None, leave_fails: bool = False) -> None:
        self.name, self.log, self.fail, self.leave_fails = name, log, fail, leave_fails

    def enter(self, exchange: Exchange) -> None:
        self.log.append(f"enter {self.name}")
        if self.fail is not None:
            raise self.fail

    def leave(self, exchange: Exchange) -> None:
        self.log.append(f"leave {self.name}")
        if self.leave_fails:
            raise RuntimeError("leave")


class Answering(Stage):
    """The innermost stage: answers with given frames."""

    def __init__(self, *batches: list[Frame] | Exception) -> None:
        self.answer = ScriptedAnswer(batches)

    def enter(self, exchange: Exchange) -> None:
        exchange.answer = self.answer
        exchange.deployment = deployment()


class Holding:
    """Holds every text until the next event or the end, as a redactor may."""

    def __init__(self) -> None:
        self.held: list[ChatEvent] = []

    def feed(self, events: list[ChatEvent]) -> list[ChatEvent]:
        out = []
        for event in events:
            if isinstance(event, TextDelta):
                self.held.append(event)
            else:
                if isinstance(event, Finish):
                    out += self.flush()
                out.append(event)
        return out

    def flush(self) -> list[ChatEvent]:
        held, self.held = self.held, []
        return held


class Filtering(Stage):
    def __init__(self, made) -> None:
        self.made = made

    def filter(self, exchange: Exchange):
        return self.made


class Shouting:
    def feed(self, events):
        return [TextDelta(e.text.upper()) if isinstance(e, TextDelta) else e for e in events]

    def flush(self):
        return []


class Slow:
    """A filter that must wait."""

    async def _later(self, events):
        await asyncio.sleep(0)
        return events

    def feed(self, events):
        return self._later(events)

    def flush(self):
        return []


def frames(*events: ChatEvent) -> list[Frame]:
    return [Frame([event]) for event in events]


async def test_stages_enter_in_order_and_leave_in_reverse():
    log: list[str] = []
    stages = [Recorder("a", log), Recorder("b", log), Answering([Frame(WHOLE)])]
    await Pipeline(stages).run(exchange(chat_request()), RecordedReply())
    assert log == ["enter a", "enter b", "leave b", "leave a"]


async def test_a_complete_answer_is_sent_whole_with_usage_and_provider():
    reply = RecordedReply()
    made = exchange(chat_request())
    await Pipeline([Answering([Frame(WHOLE)])]).run(made, reply)
    body = msgspec.json.decode(reply.body)
    assert body["choices"][0]["message"]["content"] == "hello"
    assert (body["usage"]["total_tokens"], body["provider"], made.status) == (4, "local", 200)


async def test_an_exact_untouched_frame_is_relayed_byte_for_byte():
    raw = b'{"id":"chatcmpl-1","choices":[]}'
    reply = RecordedReply()
    await Pipeline([Answering([Frame(WHOLE, raw, exact=True)])]).run(exchange(chat_request()), reply)
    assert reply.body == b'{"provider":"local",' + raw[1:]


async def test_a_touched_frame_is_never_relayed():
    raw = b'{"id":"chatcmpl-1","choices":[{"message":{"content":"hello"}}]}'
    reply = RecordedReply()
    stages = [Filtering(Shouting()), Answering([Frame(WHOLE, raw, exact=True)])]
    await Pipeline(stages).run(exchange(chat_request()), reply)
    assert b"hello" not in reply.body
    assert b"HELLO" in reply.body


async def test_filters_see_events_from_the_inside_outwards():
    reply = RecordedReply()
    stages = [Filtering(Shouting()), Filtering(Holding()), Answering(frames(*WHOLE))]
    await Pipeline(stages).run(exchange(chat_request(stream=True)), reply)
    assert reply.ended
    assert b"HELLO" in reply.body
    assert reply.body.endswith(b"data: [DONE]\n\n")


async def test_a_filter_may_wait():
    reply = RecordedReply()
    await Pipeline([Filtering(Slow()), Answering([Frame(WHOLE)])]).run(exchange(chat_request()), reply)
    assert b"hello" in reply.body


async def test_a_refusal_settles_only_the_stages_that_were_entered():
    log: list[str] = []
    error = RequestInvalidError("model_not_found", "no", param="model")
    made, reply = exchange(chat_request()), RecordedReply()
    await Pipeline([Recorder("a", log), Recorder("b", log, fail=error), Recorder("c", log)]).run(made, reply)
    assert log == ["enter a", "enter b", "leave b", "leave a"]
    assert msgspec.json.decode(reply.body)["error"]["code"] == "model_not_found"
    assert (made.status, made.error) == (404, error)


async def test_an_unexpected_exception_refuses_without_details():
    reply = RecordedReply()
    made = exchange(chat_request())
    await Pipeline([Recorder("a", [], fail=ValueError("secret detail"))]).run(made, reply)
    assert made.status == 500
    assert b"secret detail" not in reply.body


async def test_one_stage_failing_to_settle_does_not_keep_the_others_from_it():
    log: list[str] = []
    stages = [Recorder("a", log), Recorder("b", log, leave_fails=True), Answering([Frame(WHOLE)])]
    await Pipeline(stages).run(exchange(chat_request()), RecordedReply())
    assert log[-2:] == ["leave b", "leave a"]


async def test_an_upstream_failure_before_the_first_byte_has_its_own_status():
    reply, made = RecordedReply(), exchange(chat_request(stream=True))
    failure = UpstreamFailedError("upstream_error", "broke off")
    await Pipeline([Answering([Frame([START])], failure)]).run(made, reply)
    assert made.status == 502
    assert not reply.parts


async def test_a_failure_mid_stream_flushes_what_is_held_and_ends_without_done():
    reply, made = RecordedReply(), exchange(chat_request(stream=True))
    failure = UpstreamFailedError("upstream_error", "broke off")
    stages = [
        Filtering(Holding()),
        Answering(frames(START, TextDelta("one"), Finish("stop", choice=1)), frames(TextDelta("two")), failure),
    ]
    await Pipeline(stages).run(made, reply)
    assert reply.ended
    assert b"two" in reply.body
    assert b"[DONE]" not in reply.body
    assert b'"code":"upstream_error"' in reply.body.split(b"\n\n")[-2]
    assert made.error is failure


async def test_an_unexpected_exception_mid_stream_cuts_the_connection():
    reply = RecordedReply()
    stages = [Answering(frames(START, TextDelta("one")), ValueError("bug"))]
    await Pipeline(stages).run(exchange(chat_request(stream=True)), reply)
    assert reply.started
    assert reply.aborted
    assert not reply.ended


async def test_a_client_that_left_is_settled_and_the_answer_released():
    log: list[str] = []
    answering = Answering([Frame([START, TextDelta("one")])], ClientGoneError())
    made, reply = exchange(chat_request(stream=True)), RecordedReply()
    await Pipeline([Recorder("a", log), answering]).run(made, reply)
    assert made.client_gone
    assert log == ["enter a", "leave a"]
    assert answering.answer.closed == 1


@pytest.mark.parametrize("client_left", [True, False])
async def test_cancellation_settles_and_is_swallowed_only_for_a_client_that_left(client_left):
    log: list[str] = []
    waiting = asyncio.Event()

    class Waiting(Stage):
        async def enter(self, exchange: Exchange) -> None:
            waiting.set()
            await asyncio.sleep(60)

    made = exchange(chat_request())
    task = asyncio.ensure_future(Pipeline([Recorder("a", log), Waiting()]).run(made, RecordedReply()))
    await waiting.wait()
    made.client_gone = client_left
    task.cancel()
    result = await asyncio.gather(task, return_exceptions=True)
    assert log == ["enter a", "leave a"]
    assert (result == [None]) is client_left


async def test_a_waiting_leave_completes_although_the_request_is_cancelled_and_the_others_follow():
    done: list[bool] = []
    log: list[str] = []
    settling = asyncio.Event()

    class Settling(Stage):
        async def leave(self, exchange: Exchange) -> None:
            settling.set()
            await asyncio.sleep(0.02)
            done.append(True)

    task = asyncio.ensure_future(
        Pipeline([Recorder("a", log), Settling(), Settling(), Answering([Frame(WHOLE)])]).run(
            exchange(chat_request()), RecordedReply()
        )
    )
    await settling.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True, True]
    assert log == ["enter a", "leave a"]


async def test_a_pipeline_that_nobody_answers_refuses():
    made = exchange(chat_request())
    await Pipeline([Recorder("a", [])]).run(made, RecordedReply())
    assert isinstance(made.error, GatewayError)
    assert made.status == 500
