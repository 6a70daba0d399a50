"""An answer that breaks off after it began is counted against its deployment, once, and raised once it is its turn."""

import pytest

from kaigate.chat.events import Frame, Start, TextDelta
from kaigate.errors import UpstreamFailedError
from kaigate.stages.upstream_answer import UpstreamAnswer, translated
from kaigate.telemetry.metrics import Metrics
from kaigate.transport.errors import ConnectTimeout, FirstByteTimeout, IdleTimeout, ProtocolError, Truncated
from support.exchanges import chat_request, deployment, exchange

FAILURE = UpstreamFailedError("upstream_error", "broken")


class Caller:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.broken: list[str] = []

    @staticmethod
    def monotonic() -> float:
        return 1.0

    def broke_off(self, which, error) -> None:
        self.broken.append(error.code)


class Chunks:
    """A response whose chunks are given; an exception among them is raised."""

    def __init__(self, *chunks) -> None:
        self._chunks = list(chunks)
        self.closed = 0

    async def chunk(self) -> bytes:
        item = self._chunks.pop(0) if self._chunks else b""
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self.closed += 1


class Words:
    """Every byte is a frame, `^` the beginning; `!` is a failure behind the frames of its bytes, `?` one before."""

    def feed(self, data: bytes) -> list[Frame]:
        if data.startswith(b"?"):
            raise FAILURE
        text, failed, _ = data.partition(b"!")
        frames = [
            Frame([Start("i", "m", 1) if byte == ord("^") else TextDelta(chr(byte))])
            for byte in text
            if byte != ord(" ")
        ]
        return [*frames, Frame([], failure=FAILURE)] if failed else frames

    def end(self) -> list[Frame]:
        return []


def answer_of(*chunks):
    caller, response = Caller(), Chunks(*chunks)
    made = exchange(chat_request(stream=True))
    return UpstreamAnswer(caller, made, response, Words(), deployment()), caller, response


async def read(answer) -> str:
    text = ""
    while (frames := answer.next()) is not None:
        frames = frames if isinstance(frames, list) else await frames
        if frames is None:
            break
        text += "".join(event.text for frame in frames for event in frame.events if type(event) is TextDelta)
    return text


async def test_it_is_ready_with_its_first_frame():
    answer, caller, _ = answer_of(b"  ", b" ab", b"c")
    await answer.prime()
    assert answer.ready
    assert await read(answer) == "abc"
    assert not caller.broken


@pytest.mark.parametrize("chunk", [b"?", b"!", b"^!", Truncated("gone")])
@pytest.mark.parametrize("before", [b" ", b"^", b"^^"])
async def test_a_failure_before_any_content_is_raised_while_it_is_primed(before, chunk):
    answer, caller, _ = answer_of(before, chunk)
    with pytest.raises((UpstreamFailedError, Truncated)):
        await answer.prime()
    assert not answer.ready
    assert not caller.broken, "who primes it tells the failure"


async def test_what_came_before_the_content_is_not_lost():
    answer, _, _ = answer_of(b"^", b"a", b"b")
    await answer.prime()
    first = answer.next()
    assert [type(event) for frame in first for event in frame.events] == [Start, TextDelta]
    assert await read(answer) == "b"


async def test_only_so_many_frames_without_content_are_held():
    answer, _, response = answer_of(*[b"^"] * 1000)
    await answer.prime()
    assert len(response._chunks) > 900


async def test_an_answer_without_content_is_one_too():
    answer, _, _ = answer_of(b"^")
    await answer.prime()
    assert answer.ready


@pytest.mark.parametrize("chunks", [(b"ab", b"?"), (b"ab!",), (b"ab", b"!"), (b"ab", IdleTimeout("slow"))])
async def test_a_failure_after_it_counts_once_and_comes_after_the_frames(chunks):
    answer, caller, _ = answer_of(*chunks)
    await answer.prime()
    first = answer.next()
    assert [event.text for frame in first for event in frame.events] == ["a", "b"]
    with pytest.raises(UpstreamFailedError):
        await read(answer)
    assert len(caller.broken) == 1


async def test_closing_releases_the_response_unless_it_is_done():
    answer, _, response = answer_of(b"a")
    await answer.prime()
    answer.close()
    assert response.closed == 1
    answer.complete(b"x")
    answer.close()
    assert response.closed == 1


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (ConnectTimeout("c"), "upstream_timeout", "connect"),
        (FirstByteTimeout("f"), "upstream_timeout", "first_byte"),
        (ProtocolError("secret detail"), "upstream_error", None),
    ],
)
def test_transport_failures_have_the_contracts_words(error, code, kind):
    metrics = Metrics()
    failure = translated(error, "up", metrics)
    assert failure.code == code
    assert "secret" not in failure.message
    count = metrics.registry.get_sample_value("kaigate_request_timeouts_total", {"provider": "up", "kind": str(kind)})
    assert count == (1 if kind else None)
