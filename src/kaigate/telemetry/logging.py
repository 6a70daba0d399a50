"""Structured JSON logs: one object per line, every line through the redactor, written off the event loop.

Lines are kept in a bounded buffer and written by one thread; when the sink is slower than the log, lines are
dropped and counted rather than letting a full pipe stop the gateway.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

Redact = Callable[[str], str]

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}
_MAX_TEXT: Final = 16_384


class LineWriter:
    """A bounded buffer of log lines before a file descriptor, emptied by one thread."""

    def __init__(self, fd: int, *, capacity: int = 10_000, on_drop: Callable[[], None] | None = None) -> None:
        self._fd = fd
        self._capacity = capacity
        self._on_drop = on_drop
        self._lines: deque[bytes] = deque()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="kaigate-log", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Queue one line, ending with a newline; never blocks."""
        if len(self._lines) >= self._capacity:
            if self._on_drop is not None:
                self._on_drop()
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what is queued and stop, within `timeout_s` seconds."""
        self._closed = True
        self._wake.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            # A short rest gathers the lines of a busy moment into one write.
            if not self._closed:
                time.sleep(0.02)
            self._wake.clear()
            self._empty()
            if self._closed and not self._lines:
                return

    def _empty(self) -> None:
        while self._lines:
            batch = b"".join(self._lines.popleft() for _ in range(min(len(self._lines), 256)))
            try:
                _write_all(self._fd, batch)
            except OSError:
                # The sink is gone (closed pipe, full disk): the lines are lost, the gateway goes on.
                if self._on_drop is not None:
                    self._on_drop()


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class JsonHandler(logging.Handler):
    """Turns log records into JSON lines; every string goes through `redact`, which a reload may replace."""

    def __init__(self, writer: LineWriter, redact: Redact = str) -> None:
        super().__init__()
        self._writer = writer
        self._encoder = msgspec.json.Encoder()
        self.redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {
            "time": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update({key: value for key, value in record.__dict__.items() if key not in _STANDARD})
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        self.write(fields)

    def write(self, fields: Mapping[str, Any]) -> None:
        """Write one record, its strings redacted and bounded; `time` is in seconds since the epoch.

        Strings are redacted before they are encoded, so that a placeholder can't break the JSON.
        """
        clean = {key: self._clean(value) for key, value in fields.items()}
        clean["time"] = _timestamp(float(fields["time"]))
        self._writer.write(self._encoder.encode(clean) + b"\n")

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            text = value if len(value) <= _MAX_TEXT else value[:_MAX_TEXT] + "..."
            # Half a surrogate pair can't be written as UTF-8.
            return self.redact(text if text.isascii() else text.encode("utf-8", "replace").decode())
        if isinstance(value, dict):
            return {self._clean(str(key)): self._clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.redact(repr(value)[:_MAX_TEXT])


def _timestamp(seconds: float) -> str:
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1000):03d}Z"


def configure(handler: JsonHandler, level: str) -> None:
    """Send every logger of this process through `handler`."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("kaigate").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
