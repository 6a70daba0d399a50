"""A Lua script, the digest that the server knows it by, and calls of it that are packed in advance."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final, cast

import hiredis

Argument = bytes | str | int


class Script:
    """Source text of a Lua script, with the SHA-1 that EVALSHA asks for."""

    __slots__ = ("sha1", "source")

    def __init__(self, source: str) -> None:
        self.source: Final = source.encode()
        # Not for security: it is how Redis names scripts.
        self.sha1: Final = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()


class PreparedCall:
    """A call that is made again and again with the same first keys and the same last argument.

    Only what differs is packed for each: one last key and `count` arguments between.
    """

    __slots__ = ("_head", "_middle", "_tail", "keys", "last", "script")

    def __init__(self, script: Script, keys: Sequence[str], last: bytes, count: int) -> None:
        self.script = script
        self.keys = tuple(keys)
        self.last = last
        command = cast("Any", (b"EVALSHA", script.sha1, len(keys) + 1, *keys))
        packed = hiredis.pack_command(command)
        # The number of parts comes first in the protocol: https://valkey.io/topics/protocol/
        parts = 3 + len(keys) + 1 + count + 1
        self._head: Final = b"*%d\r\n" % parts + packed.partition(b"\r\n")[2]
        self._middle: Final = b"$%d\r\n%b\r\n" * (count + 1)
        self._tail: Final = b"$%d\r\n%b\r\n" % (len(last), last)

    def pack(self, *lengths_and_parts: int | bytes) -> bytes:
        """The command; the last key and each argument, every one behind its length."""
        packed: bytes = self._head + self._middle % lengths_and_parts + self._tail
        return packed
