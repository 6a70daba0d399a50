"""Server-sent events from bytes that may be cut anywhere (WHATWG HTML, section 9.2.6)."""

import re

import msgspec

from kaigate.transport.errors import ProtocolError

BOM = b"\xef\xbb\xbf"
MESSAGE = "message"
# A frame ends with an empty line; lines end with CR LF, LF or CR.
FRAME_END = re.compile(rb"\r?\n(?:\r\n?|\n)|\r\r")
LINE_ENDS = b"\r\n"
# As numbers: to look for bytes within bytes, `in` first tries and fails to take them for one.
LF = 0x0A
CR = 0x0D
DEFAULT_MAX_EVENT_BYTES = 4 * 1024 * 1024


class SseEvent(msgspec.Struct, frozen=True, gc=False):
    """One dispatched event.

    `data` are the joined data lines; `raw` the exact bytes of the frame with its empty line, comments and unknown
    fields included; `id` is the frame's own, empty where it has none.
    """

    event: str
    data: bytes
    raw: bytes
    id: str = ""


class SseDecoder:
    """Feed bytes, get events: the same ones for every cut. Holds at most `max_event_bytes` and one chunk.

    `retry:` is ignored. Frames without data (comments, keep-alives) give no event.
    """

    __slots__ = ("_at_start", "_held", "_max_event_bytes")

    def __init__(self, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._held = bytearray()
        self._at_start = True

    @property
    def pending(self) -> int:
        """Bytes of a frame that has not ended yet."""
        return len(self._held)

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Events that `chunk` completes. Raises ProtocolError when an event outgrows the bound."""
        held = self._held
        if not held and not self._at_start and len(chunk) <= self._max_event_bytes:
            event = _plain_event(chunk)
            if event is not None:
                return [event]
        if held:
            scan = max(0, len(held) - 3)
            held += chunk
            if FRAME_END.search(held, scan) is None and not self._at_start:
                self._check_bound(len(held))
                return []
            chunk = bytes(held)
            held.clear()
        if self._at_start:
            chunk = self._without_bom(chunk)
        frames, rest = _split_crlf(chunk) if CR in chunk else _split_lf(chunk)
        if rest:
            held += rest
            self._check_bound(len(rest))
        events = []
        for raw in frames:
            self._check_bound(len(raw))
            event = _parse(raw)
            if event is not None:
                events.append(event)
        return events

    def end(self) -> bytes:
        """The bytes of an unterminated last frame, which the standard discards; b"" at a clean end."""
        return bytes(self._held)

    def _without_bom(self, chunk: bytes) -> bytes:
        if len(chunk) < len(BOM) and BOM.startswith(chunk):
            self._held += chunk
            return b""
        self._at_start = False
        return chunk.removeprefix(BOM)

    def _check_bound(self, size: int) -> None:
        if size > self._max_event_bytes:
            raise ProtocolError(f"a server-sent event is longer than {self._max_event_bytes} bytes")


def _split_lf(data: bytes) -> tuple[list[bytes], bytes]:
    parts = data.split(b"\n\n")
    rest = parts.pop().lstrip(b"\n")
    return [body + b"\n\n" for part in parts if (body := part.lstrip(b"\n"))], rest


def _split_crlf(data: bytes) -> tuple[list[bytes], bytes]:
    frames = []
    start = _skip_blank(data, 0)
    while (match := FRAME_END.search(data, start)) is not None:
        end = match.end()
        if end == len(data) and data.endswith(b"\n\r"):
            break  # the CR may be half of a CR LF that belongs to this frame
        frames.append(data[start:end])
        start = _skip_blank(data, end)
    return frames, data[start:]


def _skip_blank(data: bytes, start: int) -> int:
    end = len(data)
    while start < end and data[start] in LINE_ENDS:
        start += 1
    return start


def _plain_event(raw: bytes) -> SseEvent | None:
    """The event if these bytes are one frame of a line of data, or of a name and a line of data; None: use `_parse`.

    OpenAI's chat and most servers send the one, Anthropic's messages and OpenAI's responses the other.
    """
    if raw.startswith(b"data: "):
        if raw.find(b"\n") == len(raw) - 2 and raw[-1] == LF and CR not in raw:
            return SseEvent(MESSAGE, raw[6:-2], raw)
    elif raw.startswith(b"event: "):
        end = raw.find(b"\n", 7)
        data = end + 1
        # Where there is no line end at all, this looks for data at the beginning, and finds a name there.
        if (
            raw.startswith(b"data: ", data)
            and raw.find(b"\n", data) == len(raw) - 2
            and raw[-1] == LF
            and CR not in raw
        ):
            return SseEvent(raw[7:end].decode("utf-8", "replace") or MESSAGE, raw[end + 7 : -2], raw)
    return None


def _parse(raw: bytes) -> SseEvent | None:
    plain = _plain_event(raw)
    if plain is not None:
        return plain
    event = identifier = b""
    data: list[bytes] = []
    for line in raw.splitlines():
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
        elif name == b"id" and b"\0" not in value:
            identifier = value
    if not data:
        return None
    name_text = event.decode("utf-8", "replace") or MESSAGE
    return SseEvent(name_text, b"\n".join(data), raw, identifier.decode("utf-8", "replace"))
