"""The records that wait for SQL: an append-only log in preallocated segments, read from a cursor.

Files `00000001.log` and so on, of one size; a frame never spans two. What the cursor has passed is deleted, so the disk
holds what is not delivered and a little space ahead.
"""

import contextlib
import os
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from kaigate.ledger.disk import Allocate, open_allocated, write_all
from kaigate.ledger.frames import HEADER, MAX_FRAME_BYTES, pack, unpack
from kaigate.store.errors import StoreUnavailable

_CURSOR: Final = struct.Struct("<QQ")
_READ_BYTES: Final = 256 * 1024


class OutboxLog:
    """Appended and read in one thread; `provide`, `discard` and `sync` may run in one other.

    `segment_bytes` is the size of a file, `max_segments` the number from which on no further space is provided.
    Construction blocks on the disk and raises `StoreUnavailable` when it has no space for a first segment.
    """

    def __init__(
        self, folder: Path, *, segment_bytes: int, max_segments: int, allocate: Allocate = os.posix_fallocate
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._max_segments = max_segments
        self._allocate = allocate
        self._files = _open_existing(folder)
        self._spares: deque[int] = deque()
        self._ahead: dict[tuple[int, int], tuple[int, int]] = {}
        self._cursor_file = open_allocated(folder / "cursor", MAX_FRAME_BYTES)
        stored = unpack(os.pread(self._cursor_file, MAX_FRAME_BYTES, 0), 0)
        number, offset = _CURSOR.unpack(stored) if stored else (0, 0)
        # What an earlier process wrote is only read: a frame it wrote in part stays the end of its segment.
        self._segment = max([number, *self._files])
        self._create(self._segment + 1)
        self._take_spare()
        first = min(later for later in self._files if later >= number)
        self._cursor = (first, offset if first == number else 0)

    @property
    def room(self) -> int:
        """How many records of the largest size can be appended for certain."""
        spare = len(self._spares) * (self._segment_bytes // MAX_FRAME_BYTES)
        return (self._segment_bytes - self._end) // MAX_FRAME_BYTES + spare

    @property
    def segments(self) -> int:
        """How many files there are, those ahead included."""
        return len(self._files)

    def append(self, record: bytes) -> None:
        """Add a record; when this returns, it outlives the process. `StoreUnavailable` adds nothing."""
        frame = pack(record)
        if self._end + len(frame) > self._segment_bytes:
            self._take_spare()
        write_all(self._files[self._segment], frame, self._end)
        self._end += len(frame)

    def read(self, batch: int) -> list[tuple[str, bytes]]:
        """Up to `batch` records that are not delivered, oldest first, with the ids that `delivered` takes."""
        found: list[tuple[str, bytes]] = []
        number: int | None
        number, offset = self._cursor
        while number is not None:
            for start, end, record in self._frames(number, offset):
                if (number, start) in self._ahead:
                    continue
                found.append((f"{number}:{start}:{end}", record))
                if len(found) >= batch:
                    return found
            number, offset = self._after(number), 0
        return found

    def delivered(self, ids: Iterable[str]) -> None:
        """Forget records by the ids that `read` gave; the cursor passes what is delivered without a gap."""
        before = self._cursor
        for identifier in ids:
            number, start, end = (int(part) for part in identifier.split(":"))
            if (number, start) >= before:
                self._ahead[(number, start)] = (number, end)
        self._advance()
        if self._cursor != before:
            write_all(self._cursor_file, pack(_CURSOR.pack(*self._cursor)), 0)

    def provide(self, room: int) -> None:
        """Create segments until there is room for so many records, or the bound is reached. Blocks."""
        while self.room < room and len(self._files) < self._max_segments:
            self._create(max(self._files) + 1)

    def discard(self) -> None:
        """Delete the segments that the cursor has passed. Blocks."""
        for number in [number for number in list(self._files) if number < self._cursor[0]]:
            # The lowest first: a kill between two leaves no gap.
            with contextlib.suppress(FileNotFoundError):
                (self._folder / _name(number)).unlink()
            os.close(self._files.pop(number))

    def sync(self) -> None:
        """Bring what was appended to the disk itself. Blocks."""
        os.fdatasync(self._cursor_file)
        for number in list(self._files)[-2:]:
            os.fdatasync(self._files[number])

    def close(self) -> None:
        """Close the files; what they hold stays."""
        for descriptor in [*self._files.values(), self._cursor_file]:
            os.close(descriptor)
        self._files.clear()

    def _create(self, number: int) -> None:
        self._files[number] = open_allocated(self._folder / _name(number), self._segment_bytes, self._allocate)
        self._spares.append(number)

    def _take_spare(self) -> None:
        if not self._spares:
            raise StoreUnavailable("the usage journal is full")
        self._segment = self._spares.popleft()
        self._end = 0

    def _after(self, number: int) -> int | None:
        """The next segment that holds records; None after the one that is written."""
        return next((later for later in range(number + 1, self._segment + 1) if later in self._files), None)

    def _advance(self) -> None:
        while True:
            while self._cursor in self._ahead:
                self._cursor = self._ahead.pop(self._cursor)
            later = self._after(self._cursor[0])
            if later is None or next(self._frames(*self._cursor, chunk=MAX_FRAME_BYTES), None) is not None:
                return
            self._cursor = (later, 0)

    def _frames(self, number: int, offset: int, *, chunk: int = _READ_BYTES) -> Iterator[tuple[int, int, bytes]]:
        """Start, end and record of the frames of a segment from `offset` on."""
        limit = self._end if number == self._segment else self._segment_bytes
        while offset < limit:
            data = os.pread(self._files[number], chunk, offset)
            at = 0
            while offset + at < limit and (record := unpack(data, at)) is not None:
                end = at + HEADER.size + len(record)
                yield offset + at, offset + end, record
                at = end
            if not at:
                return
            offset += at


def _name(number: int) -> str:
    return f"{number:08d}.log"


def _open_existing(folder: Path) -> dict[int, int]:
    """Descriptors of the segments that hold something; space that a process left unused is given back."""
    files = {}
    for path in sorted(folder.glob("*.log")):
        descriptor = open_allocated(path, 0, lambda *_: None)
        if unpack(os.pread(descriptor, MAX_FRAME_BYTES, 0), 0) is None:
            os.close(descriptor)
            path.unlink()
        else:
            files[int(path.stem)] = descriptor
    return files
