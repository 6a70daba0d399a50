"""JSON lines: valid whatever is logged, redacted, bounded, and never a reason to wait."""

import json
import logging
import os
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaigate.telemetry.logging import JsonHandler, LineWriter, configure

SECRET = "top-secret-value"


def redact(text: str) -> str:
    return text.replace(SECRET, "[REDACTED]")


class Lines:
    """A writer that keeps its lines."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.raw.append(line)

    @property
    def records(self) -> list[dict]:
        assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in self.raw)
        return [json.loads(line) for line in self.raw]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def log(lines):
    """A logger of its own before those lines."""
    logger, handler = logging.getLogger("kaigate.tested"), JsonHandler(lines, redact)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_a_record_is_one_json_object(log, lines):
    log.warning("hello %s", "wörld\n", extra={"port": 4000, "clean": True, "none": None, "ratio": 0.5})
    [record] = lines.records
    assert record["message"] == "hello wörld\n"
    assert (record["level"], record["logger"]) == ("warning", "kaigate.tested")
    assert (record["port"], record["clean"], record["none"], record["ratio"]) == (4000, True, None, 0.5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_000_000_000.25, "2001-09-09T01:46:40.250Z"),
        (1.9999, "1970-01-01T00:00:01.999Z"),
    ],
)
def test_times_are_in_utc_to_the_millisecond(lines, seconds, text):
    JsonHandler(lines).write({"time": seconds, "message": "x"})
    assert lines.records[0]["time"] == text


@pytest.mark.parametrize(
    "fields",
    [
        {"text": f"a {SECRET} b"},
        {"nested": {"deep": [f"{SECRET}", {"more": (SECRET,)}]}},
        {"error": ValueError(SECRET)},
        {"other": {SECRET}},
        {"raw": SECRET.encode()},
    ],
)
def test_every_string_is_redacted_however_deep(log, lines, fields):
    log.info("with fields", extra=fields)
    assert SECRET.encode() not in lines.raw[0]
    assert b"[REDACTED]" in lines.raw[0]


def test_messages_and_tracebacks_are_redacted(log, lines):
    try:
        int(SECRET)
    except ValueError:
        log.exception("using %s", SECRET)
    [record] = lines.records
    assert record["message"] == "using [REDACTED]"
    assert "with base 10: '[REDACTED]'" in record["exception"]


def test_a_reload_replaces_the_redactor(lines):
    handler = JsonHandler(lines)
    handler.write({"time": 0, "message": SECRET})
    handler.redact = redact
    handler.write({"time": 0, "message": SECRET})
    assert [record["message"] for record in lines.records] == [SECRET, "[REDACTED]"]


def test_long_texts_are_cut(log, lines):
    log.info("x" * 1_000_000, extra={"more": "y" * 1_000_000, "other": {"z" * 1_000_000}})
    assert len(lines.raw[0]) < 60_000
    assert lines.records[0]["message"].endswith("x...")


TEXT = st.text(st.characters(codec="utf-8"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=5)


@settings(max_examples=60)
@given(st.dictionaries(TEXT.filter(bool), VALUES, max_size=4))
def test_any_record_is_one_valid_line(fields):
    lines = Lines()
    JsonHandler(lines, redact).write({**fields, "time": 1.0})
    assert set(lines.records[0]) == set(fields) | {"time"}


def reader(fd: int) -> tuple[threading.Thread, list[bytes]]:
    """A thread that reads a pipe to its end."""
    got: list[bytes] = []

    def run() -> None:
        while data := os.read(fd, 65_536):
            got.append(data)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, got


def test_lines_arrive_complete_and_in_order():
    source, sink = os.pipe()
    thread, got = reader(source)
    writer = LineWriter(sink)
    expected = [b'{"n":%d,"x":"%b"}\n' % (number, b"x" * (number % 700)) for number in range(5000)]
    for line in expected:
        writer.write(line)
    writer.close()
    os.close(sink)
    thread.join(5)
    os.close(source)
    assert b"".join(got) == b"".join(expected)


def test_a_full_sink_drops_and_counts_instead_of_waiting():
    source, sink = os.pipe()
    dropped = []
    writer = LineWriter(sink, capacity=100, on_drop=lambda: dropped.append(1))
    started = time.monotonic()
    for _ in range(1000):
        writer.write(b"x" * 999 + b"\n")
    assert time.monotonic() - started < 0.5
    # One batch may be on its way into the pipe.
    assert 1000 - 100 - 256 <= len(dropped) <= 900
    thread, got = reader(source)
    writer.close()
    os.close(sink)
    thread.join(5)
    os.close(source)
    assert sum(map(len, got)) == (1000 - len(dropped)) * 1000


def test_closing_before_a_full_sink_ends_in_time():
    source, sink = os.pipe()
    writer = LineWriter(sink)
    for _ in range(1000):
        writer.write(b"x" * 999 + b"\n")
    started = time.monotonic()
    writer.close(timeout_s=0.2)
    assert time.monotonic() - started < 1
    thread, _ = reader(source)
    writer.close()
    os.close(sink)
    thread.join(5)
    os.close(source)


def test_a_closed_sink_loses_lines_and_nothing_else():
    source, sink = os.pipe()
    os.close(source)
    dropped = []
    writer = LineWriter(sink, on_drop=lambda: dropped.append(1))
    for _ in range(3):
        writer.write(b"lost\n")
        time.sleep(0.05)
    assert dropped
    assert writer._thread.is_alive()
    writer.close()
    os.close(sink)


@pytest.fixture
def restored_logging():
    """The process's loggers as they were."""
    names = (None, "kaigate", "uvicorn", "uvicorn.error", "uvicorn.access")
    before = [(logging.getLogger(n), [*logging.getLogger(n).handlers], logging.getLogger(n).level) for n in names]
    propagation = [(logger, logger.propagate) for logger, _, _ in before]
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
    for logger, propagate in propagation:
        logger.propagate = propagate


def test_all_loggers_of_the_process_become_json(restored_logging, lines):
    configure(JsonHandler(lines, redact), "debug")
    logging.getLogger("kaigate.anything").debug("ours")
    logging.getLogger("asyncio").warning("a library's")
    logging.getLogger("asyncio").info("its chatter")
    logging.getLogger("uvicorn.error").error("the side ports'")
    logging.getLogger("uvicorn.access").info("a path with a key")
    assert [record["message"] for record in lines.records] == ["ours", "a library's", "the side ports'"]
