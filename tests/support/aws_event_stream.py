"""Writes the binary event stream of AWS, for tests (source: Smithy, "Amazon Event Stream Specification")."""

import struct
import uuid
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


def message(headers: Mapping[str, Any], payload: bytes) -> bytes:
    """One message; ints are written as int32, datetimes as timestamps."""
    block = b"".join(bytes([len(name.encode())]) + name.encode() + value(item) for name, item in headers.items())
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return head + struct.pack(">I", zlib.crc32(head))


def value(item: Any) -> bytes:
    """A header value with its type in front."""
    if isinstance(item, bool):
        return b"\x00" if item else b"\x01"
    if isinstance(item, int):
        return b"\x04" + struct.pack(">i", item)
    if isinstance(item, str):
        return b"\x07" + struct.pack(">H", len(item.encode())) + item.encode()
    if isinstance(item, datetime):
        return b"\x08" + struct.pack(">q", round(item.timestamp() * 1000))
    if isinstance(item, uuid.UUID):
        return b"\x09" + item.bytes
    return b"\x06" + struct.pack(">H", len(item)) + item


def event(kind: str, payload: Mapping[str, Any]) -> bytes:
    """An event of Bedrock's stream."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return message(headers, msgspec.json.encode(payload))


def exception(kind: str, text: str) -> bytes:
    """An exception that ends Bedrock's stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return message(headers, msgspec.json.encode({"message": text}))
