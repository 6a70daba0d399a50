"""The measuring itself: every target in every round, in an order that rotates, so that drift hits all alike."""

import select
import subprocess
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from bench.accounting import cpu_ns, rss_bytes
from bench.load import Job, Result
from bench.processes import BenchError
from bench.targets import KEY, Target

Workload = Literal["chat", "single", "loaded", "stream"]
_ANSWER_S: Final = 900.0


class Settings(msgspec.Struct, frozen=True):
    """How much is measured: `chat` runs `concurrency` requests at once, `single` one, `loaded` more.

    Many short rounds beat few long ones: the machine's speed drifts over seconds, and only a pair shares it.
    """

    rounds: int = 30
    seconds: float = 0.3
    concurrency: int = 16
    loaded: int = 64
    streams: int = 100
    rss_requests: int = 100_000
    rss_warm_up: int = 5_000
    rss_keys: int = 10_000


class Sample(msgspec.Struct, frozen=True):
    """One target under one workload in one round: CPU and latencies in microseconds, answers a second.

    `busy` is the share of the wall time that the target's process tree was on a core.
    """

    cpu_us: float
    rate: float
    busy: float
    p50_us: float
    p99_us: float


class Memory(msgspec.Struct, frozen=True):
    """Resident memory of one target's process tree, in MiB."""

    target: str
    start_mib: float
    growth_mib: float


Progress = Callable[[str], None]
Samples = dict[tuple[Workload, str], list[Sample]]


def send(load: subprocess.Popen[bytes], job: Job) -> Result:
    """Have the load generator carry out a job. Raises BenchError when an answer was wrong or none came."""
    if load.stdin is None or load.stdout is None:
        raise BenchError("the load generator has no pipes")
    load.stdin.write(msgspec.json.encode(job) + b"\n")
    load.stdin.flush()
    readable, _, _ = select.select([load.stdout], [], [], _ANSWER_S)
    line = load.stdout.readline() if readable else b""
    if not line:
        raise BenchError("the load generator does not answer")
    result = msgspec.json.decode(line, type=Result)
    if result.fault is not None:
        raise BenchError(f"port {job.port}: {result.fault}")
    return result


def job_for(workload: Workload, target: Target, settings: Settings) -> Job:
    """The load of one sample."""
    if workload == "stream":
        return Job(target.stream_port, "stream", settings.streams, KEY, settings.seconds)
    concurrency = {"chat": settings.concurrency, "loaded": settings.loaded}.get(workload, 1)
    return Job(target.chat_port, "chat", concurrency, KEY, settings.seconds)


def measure(load: subprocess.Popen[bytes], target: Target, job: Job) -> Sample:
    """Run one job and account the target's process tree for it."""
    before = cpu_ns(target.pid)
    result = send(load, job)
    used_us = (cpu_ns(target.pid) - before) / 1000
    return Sample(
        cpu_us=used_us / result.requests,
        rate=result.requests / result.seconds,
        busy=used_us / (result.seconds * 1e6),
        p50_us=result.p50_us,
        p99_us=result.p99_us,
    )


def interleave(
    load: subprocess.Popen[bytes],
    targets: dict[Workload, Sequence[Target]],
    settings: Settings,
    progress: Progress,
) -> Samples:
    """Warm every target up, then measure all of them in every round."""
    samples: Samples = {(workload, target.name): [] for workload, row in targets.items() for target in row}
    for workload, row in targets.items():
        for target in row:
            progress(f"warm-up: {workload}, {target.name}")
            send(load, job_for(workload, target, msgspec.structs.replace(settings, seconds=settings.seconds / 2)))
    for number in range(settings.rounds):
        for workload, row in targets.items():
            first = number % len(row) if row else 0
            for target in (*row[first:], *row[:first]):
                progress(f"round {number + 1} of {settings.rounds}: {workload}, {target.name}")
                samples[workload, target.name].append(measure(load, target, job_for(workload, target, settings)))
    return samples


def measure_memory(load: subprocess.Popen[bytes], target: Target, settings: Settings, progress: Progress) -> Memory:
    """Resident memory after the warm-up, and how much `rss_requests` more requests add to it.

    The warm-up uses each of the target's virtual keys once at least: what is kept for a key is there then.
    """
    warm_up = max(settings.rss_warm_up, len(target.keys))
    job = Job(target.chat_port, "chat", settings.concurrency, KEY, requests=warm_up, keys=target.keys)
    progress(f"memory: warm-up, {target.name}")
    send(load, job)
    before = rss_bytes(target.pid)
    progress(f"memory: {settings.rss_requests} requests, {target.name}")
    send(load, msgspec.structs.replace(job, requests=settings.rss_requests))
    return Memory(target.name, before / 2**20, (rss_bytes(target.pid) - before) / 2**20)
