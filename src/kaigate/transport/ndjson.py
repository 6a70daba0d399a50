"""Newline-delimited JSON (Ollama's streams) from bytes that may be cut anywhere."""

from kaigate.transport.errors import ProtocolError

DEFAULT_MAX_LINE_BYTES = 4 * 1024 * 1024


class NdjsonDecoder:
    """Feed bytes, get complete lines: the same ones for every cut. Holds at most `max_line_bytes` and one chunk."""

    __slots__ = ("_held", "_max_line_bytes")

    def __init__(self, max_line_bytes: int = DEFAULT_MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._held = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a line that has not ended yet."""
        return len(self._held)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Lines that `chunk` completes, without line ends and blank lines. Raises ProtocolError beyond the bound."""
        held = self._held
        if held:
            if b"\n" not in chunk:
                held += chunk
                self._check_bound(len(held))
                return []
            chunk = bytes(held) + chunk
            held.clear()
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if rest:
            held += rest
            self._check_bound(len(rest))
        complete = []
        for line in lines:
            self._check_bound(len(line))
            if text := line.strip(b" \t\r"):
                complete.append(text)
        return complete

    def end(self) -> bytes:
        """The bytes of an unterminated last line; b"" at a clean end. Whether it is complete JSON, the caller tells."""
        return bytes(self._held)

    def _check_bound(self, size: int) -> None:
        if size > self._max_line_bytes:
            raise ProtocolError(f"a line of the stream is longer than {self._max_line_bytes} bytes")
