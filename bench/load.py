"""The load generator: runs one job after the other, in a process of its own.

Run as `python -m bench.load`: reads one `Job` a line as JSON on standard input, answers one `Result` a line, ends with
the input. A result with a `fault` means that an answer was wrong; the whole run is then void.
"""

import asyncio
import sys
import time
from itertools import cycle, repeat
from typing import Literal

import msgspec
import uvloop

from bench import messages
from bench.client import Connection, StreamAnswer, WholeAnswer

_GRACE_S = 60.0


class Job(msgspec.Struct, frozen=True):
    """Load on one port: for `seconds`, or for `requests` answers when that is not zero.

    The requests are made with `keys` in turn, or with `key` alone where there are none.
    """

    port: int
    kind: Literal["chat", "stream"]
    concurrency: int
    key: str
    seconds: float = 0.0
    requests: int = 0
    keys: tuple[str, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """What came of a job: answers (all of them right unless `fault` is set), wall time, latencies in microseconds."""

    requests: int
    seconds: float
    p50_us: float
    p99_us: float
    fault: str | None = None


class _Run:
    """Counts the answers of one job and says when it is over."""

    def __init__(self, job: Job) -> None:
        self._until = time.perf_counter_ns() + int((job.seconds if not job.requests else 3600) * 1e9)
        self._left = job.requests or sys.maxsize
        self._open = job.concurrency
        self.latencies: list[int] = []
        self.fault: str | None = None
        self.over = asyncio.Event()

    def answered(self, nanoseconds: int) -> bool:
        self.latencies.append(nanoseconds)
        self._left -= 1
        if self._left >= self._open and time.perf_counter_ns() < self._until and self.fault is None:
            return True
        self._open -= 1
        if self._open == 0:
            self.over.set()
        return False

    def failed(self, reason: str) -> None:
        self.fault = self.fault or reason
        self.over.set()


def http_request(job: Job, key: str | None = None) -> bytes:
    """The bytes that every connection of a job sends, again and again; `key` instead of the job's own."""
    body = messages.request_body(stream=job.kind == "stream")
    head = (
        f"POST {messages.PATH} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nUser-Agent: bench\r\nAuthorization: Bearer {key or job.key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run(job: Job) -> Result:
    """Carry out one job. Raises TimeoutError when the target stops answering, OSError when it can't be reached."""
    answer = WholeAnswer if job.kind == "chat" else StreamAnswer
    sent = [http_request(job, key) for key in job.keys or (job.key,)]
    # One round for all connections: every key is used as often as any other.
    requests = repeat(sent[0]) if len(sent) == 1 else cycle(sent)
    loop = asyncio.get_running_loop()
    started = time.perf_counter_ns()
    state = _Run(job)
    async with asyncio.timeout(job.seconds + job.requests / 200 + _GRACE_S):
        for _ in range(job.concurrency):
            await loop.create_connection(lambda: Connection(state, requests, answer()), "127.0.0.1", job.port)
        await state.over.wait()
    seconds = (time.perf_counter_ns() - started) / 1e9
    ranked = sorted(state.latencies)
    return Result(len(ranked), seconds, _quantile_us(ranked, 0.50), _quantile_us(ranked, 0.99), state.fault)


def _quantile_us(ranked: list[int], share: float) -> float:
    if not ranked:
        return 0.0
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] / 1000


async def serve() -> None:
    """Jobs in, results out, until the input ends."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            result = await run(msgspec.json.decode(line, type=Job))
        except (OSError, TimeoutError) as error:
            result = Result(0, 0.0, 0.0, 0.0, f"no answer: {error!r}")
        print(msgspec.json.encode(result).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
