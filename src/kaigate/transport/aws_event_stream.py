"""The binary event stream of AWS (`application/vnd.amazon.eventstream`), from bytes that may be cut anywhere.

Source: Smithy, "Amazon Event Stream Specification". A message is a prelude of 12 bytes (total length, length of the
headers, CRC-32 of both), headers, payload and the CRC-32 of all before it; integers are big-endian.
"""

import struct
import uuid
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from kaigate.transport.errors import ProtocolError

DEFAULT_MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Bedrock sends one delta in a message; the specification allows 24 MiB."""
MAX_HEADER_BYTES: Final = 128 * 1024

HeaderValue = bool | int | bytes | str | uuid.UUID
Headers = Mapping[str, HeaderValue]

_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LENGTH: Final = struct.Struct(">H")
_OVERHEAD: Final = _PRELUDE.size + _CRC.size
_FIXED: Final = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_TIMESTAMP: Final = struct.Struct(">q")
_BYTES, _STRING, _TIME, _UUID = 6, 7, 8, 9
_KEPT_BLOCKS: Final = 32
_KEPT_BLOCK_BYTES: Final = 512


class EventMessage(NamedTuple):
    """One message; a timestamp among its headers is in milliseconds since the epoch."""

    headers: Headers
    payload: bytes


class EventStreamDecoder:
    """Feed bytes, get complete messages: the same ones for every cut.

    A length is judged before anything of its message is kept, so at most `max_message_bytes` and one chunk are held.
    Damage is final: the messages before it are returned, `failure` is set, and every later `feed` raises it.
    """

    __slots__ = ("_blocks", "_held", "_max_message_bytes", "_needed", "failure", "pending")

    def __init__(self, max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES) -> None:
        self._max_message_bytes = max_message_bytes
        self._held: list[bytes] = []
        self._needed = _PRELUDE.size
        self._blocks: dict[bytes, Headers] = {}  # a stream repeats a handful of header blocks
        self.pending = 0  # bytes of a message that has not ended yet
        self.failure: ProtocolError | None = None

    def feed(self, chunk: bytes) -> list[EventMessage]:
        """Messages that `chunk` completes. Raises ProtocolError on damage that no message precedes in it."""
        if self.failure is not None:
            raise self.failure
        if self._held:
            self._held.append(chunk)
            self.pending += len(chunk)
            if self.pending < self._needed:
                return []
            chunk = b"".join(self._held)
        messages: list[EventMessage] = []
        try:
            rest = self._complete(chunk, messages)
        except ProtocolError as error:
            self.failure = error
            rest = b""
        self._held = [rest] if rest else []
        self.pending = len(rest)
        if self.failure is not None and not messages:
            raise self.failure
        return messages

    def _complete(self, data: bytes, messages: list[EventMessage]) -> bytes:
        """Add the messages at the beginning of `data`; returns what follows them."""
        start, size = 0, len(data)
        while size - start >= _PRELUDE.size:
            total, header_length = self._prelude(data, start)
            end = start + total
            if size < end:
                self._needed = total
                return data[start:] if start else data
            messages.append(self._message(data, start, end, header_length))
            start = end
        self._needed = _PRELUDE.size
        return data[start:]

    def _prelude(self, data: bytes, start: int) -> tuple[int, int]:
        total, header_length, crc = _PRELUDE.unpack_from(data, start)
        if zlib.crc32(data[start : start + 8]) != crc:
            raise ProtocolError("the prelude of an event does not match its checksum")
        if not _OVERHEAD <= total <= self._max_message_bytes:
            raise ProtocolError(f"an event declares a length outside {_OVERHEAD}..{self._max_message_bytes} bytes")
        if header_length > min(total - _OVERHEAD, MAX_HEADER_BYTES):
            raise ProtocolError("an event declares more header bytes than it may have")
        return total, header_length

    def _message(self, data: bytes, start: int, end: int, header_length: int) -> EventMessage:
        body_end = end - _CRC.size
        if zlib.crc32(data[start:body_end]) != _CRC.unpack_from(data, body_end)[0]:
            raise ProtocolError("an event does not match its checksum")
        payload_start = start + _PRELUDE.size + header_length
        block = data[start + _PRELUDE.size : payload_start]
        headers = self._blocks.get(block)
        if headers is None:
            headers = MappingProxyType(_headers(block))
            if len(self._blocks) < _KEPT_BLOCKS and len(block) <= _KEPT_BLOCK_BYTES:
                self._blocks[block] = headers
        return EventMessage(headers, data[payload_start:body_end])


def _headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(block):
            name_end = at + 1 + block[at]
            name = block[at + 1 : name_end].decode()
            if not name or name in headers:
                raise ProtocolError("an event has a header without a name, or one twice")
            headers[name], at = _value(block, name_end)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise ProtocolError("an event has a malformed header") from None
    return headers


def _value(block: bytes, at: int) -> tuple[HeaderValue, int]:
    """The value whose type stands at `at`, and where the next header begins."""
    kind = block[at]
    at += 1
    if kind <= 1:
        return kind == 0, at
    fixed = _FIXED.get(kind)
    if fixed is not None:
        return fixed.unpack_from(block, at)[0], at + fixed.size
    if kind in (_BYTES, _STRING):
        start = at + _LENGTH.size
        end = start + _LENGTH.unpack_from(block, at)[0]
        if end > len(block):
            raise ProtocolError("an event has a header longer than all its headers")
        return (block[start:end].decode() if kind == _STRING else block[start:end]), end
    if kind == _TIME:
        return _TIMESTAMP.unpack_from(block, at)[0], at + _TIMESTAMP.size
    if kind == _UUID and len(block) - at >= 16:
        return uuid.UUID(bytes=block[at : at + 16]), at + 16
    raise ProtocolError("an event has a header of an unknown type, or a cut one")
