"""Child processes that can't be orphaned: each in a process group of its own, stopped as a group.

A terminal's Ctrl-C then reaches only the parent, which stops its children in order.
"""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

HOST: Final = "127.0.0.1"
STOP_GRACE_S: Final = 10.0
POLL_S: Final = 0.05
TAIL_LINES: Final = 30


class ChildFailedError(Exception):
    """A child ended, or was not ready in time; the message carries the end of its log."""


@dataclass(frozen=True)
class Child:
    """A running child: its name for people, its process (the leader of its own group), its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self) -> str:
        """The last lines that it logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def free_ports(*preferred: int) -> tuple[int, ...]:
    """For each argument that port when nothing listens there, else (and for 0) a free one; all different, loopback."""
    with ExitStack() as probes:
        return tuple(_bound_port(probes.enter_context(closing(socket.socket())), port) for port in preferred)


def start(name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str]) -> Child:
    """Start `command` with output to `log` and an open standard input, which closes when we die."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )
    return Child(name, process, log)


def wait_ready(child: Child, url: str, *, timeout_s: float) -> None:
    """Poll `url` until it answers 200; ChildFailedError when the child ends or `timeout_s` passes before."""
    deadline = time.monotonic() + timeout_s
    while not _answers(url):
        if child.process.poll() is not None:
            raise ChildFailedError(f"{child.name} ended with code {child.process.returncode}:\n{child.tail()}")
        if time.monotonic() > deadline:
            raise ChildFailedError(f"{child.name} was not ready after {timeout_s:g} s:\n{child.tail()}")
        time.sleep(POLL_S)


def stop(child: Child, *, grace_s: float = STOP_GRACE_S) -> int:
    """SIGTERM to the child's group, SIGKILL to what is left after `grace_s`; returns the child's exit code."""
    _signal_group(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.process.wait(grace_s)
    _signal_group(child, signal.SIGKILL)
    if child.process.stdin is not None:
        child.process.stdin.close()
    return child.process.wait(grace_s)


def _bound_port(probe: socket.socket, preferred: int) -> int:
    # Without it a port that was just in use would count as taken for a minute.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, preferred))
    except OSError:
        probe.bind((HOST, 0))
    port: int = probe.getsockname()[1]
    return port


def _signal_group(child: Child, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, number)


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or HOST, parts.port, timeout=2)
    with closing(connection):
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
