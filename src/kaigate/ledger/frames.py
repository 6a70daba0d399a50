"""How the journal writes records to its files: length, checksum, bytes.

A frame that a killed process wrote in part fails its checksum, and a preallocated place that was never written is
zeros; either ends what can be read. Nothing before it is touched by a later write.
"""

import struct
import zlib
from typing import Final

from kaigate.store.errors import StoreRefused

HEADER: Final = struct.Struct("<II")
MAX_RECORD_BYTES: Final = 2000
MAX_FRAME_BYTES: Final = HEADER.size + MAX_RECORD_BYTES


def pack(record: bytes) -> bytes:
    """A record of 1 to MAX_RECORD_BYTES bytes as a frame; `StoreRefused` beyond."""
    size = len(record)
    if not 0 < size <= MAX_RECORD_BYTES:
        raise StoreRefused(f"a record of the journal has 1 to {MAX_RECORD_BYTES} bytes")
    return HEADER.pack(size, zlib.crc32(record)) + record


def unpack(data: bytes, at: int) -> bytes | None:
    """The record of the frame that begins at `at`; None where no whole and sound one begins."""
    start = at + HEADER.size
    if start > len(data):
        return None
    size, checksum = HEADER.unpack_from(data, at)
    if not 0 < size <= MAX_RECORD_BYTES:
        return None
    record = data[start : start + size]
    return record if len(record) == size and zlib.crc32(record) == checksum else None
