import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import messages
from bench.client import StreamAnswer, WholeAnswer, dechunk, stream_fault

FRAMES = messages.stream_frames()
STREAM = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in FRAMES)
    + b"0\r\n\r\n"
)
BODY = messages.answer_body()
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


@given(st.integers(1, len(STREAM) - 1))
def test_a_stream_is_complete_at_its_last_byte_for_every_cut(cut: int) -> None:
    answer = StreamAnswer()

    assert (answer.feed(STREAM[:cut]), answer.feed(STREAM[cut:])) == (False, True)
    assert answer.fault() is None


@given(st.integers(1, len(WHOLE) - 1))
def test_an_answer_is_complete_at_its_last_byte_for_every_cut(cut: int) -> None:
    answer = WholeAnswer()

    assert (answer.feed(WHOLE[:cut]), answer.feed(WHOLE[cut:])) == (False, True)
    assert answer.fault() is None


@pytest.mark.parametrize(
    "wrong",
    [
        WHOLE.replace(b"200 OK", b"401 No"),
        WHOLE.replace(b"replicas", b"[REDACT]"),
        WHOLE + b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_a_wrong_answer_is_a_fault(wrong: bytes) -> None:
    answer = WholeAnswer()

    assert answer.feed(wrong)
    assert "wrong answer" in (answer.fault() or "")


def test_an_answer_is_judged_alone_after_a_fault() -> None:
    answer = WholeAnswer()
    answer.feed(WHOLE.replace(b"200", b"500"))
    answer.fault()

    assert answer.feed(WHOLE)
    assert answer.fault() is None


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        (FRAMES[:-1], "does not end"),
        (FRAMES[:5] + FRAMES[6:], "stream says"),
        ((*FRAMES[:-2], FRAMES[-1]), "one usage"),
        ((*FRAMES[:-1], FRAMES[-2], FRAMES[-1]), "one usage"),
        ((b": ping\n\n", *FRAMES), "something else"),
    ],
)
def test_a_stream_with_something_lost_or_added_is_a_fault(frames: tuple[bytes, ...], says: str) -> None:
    assert says in (stream_fault(b"".join(frames)) or "")


def test_a_refused_stream_is_a_fault_at_once() -> None:
    answer = StreamAnswer()

    assert answer.feed(b"HTTP/1.1 429 Too Many Requests\r\n\r\n")
    assert "429" in (answer.fault() or "")


@pytest.mark.parametrize("broken", [b"", b"5\r\nabc\r\n0\r\n\r\n", b"zz\r\n", b"3\r\nabcX0\r\n\r\n"])
def test_broken_chunk_framing_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        dechunk(broken)
