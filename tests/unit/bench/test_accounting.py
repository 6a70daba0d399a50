import os
import subprocess
import sys
import time

import pytest

from bench.accounting import cpu_ns, rss_bytes, tree

PARENT_OF_A_BUSY_CHILD = """
import subprocess, sys
busy = "import time\\nwhile time.process_time() < 0.2: pass\\nprint('done', flush=True)\\ninput()"
subprocess.run([sys.executable, "-c", busy])
print("reaped", flush=True)
input()
"""


def test_a_live_child_and_then_a_reaped_one_count_for_the_tree() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT_OF_A_BUSY_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        alive, members = cpu_ns(process.pid), tree(process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        reaped, left = cpu_ns(process.pid), tree(process.pid)
        process.communicate(b"\n")

    assert (len(members), len(left)) == (2, 1)
    assert alive >= 200_000_000
    # The kernel tells a reaped child's time in ticks of 10 ms, user and system apart.
    assert reaped >= alive - 40_000_000


def test_cpu_time_has_a_resolution_far_below_a_tick() -> None:
    before, clock = cpu_ns(os.getpid()), time.process_time_ns()
    while time.process_time_ns() - clock < 2_000_000:
        pass

    assert cpu_ns(os.getpid()) - before >= 2_000_000


def test_touched_memory_is_resident() -> None:
    before = rss_bytes(os.getpid())
    held = b"x" * (32 << 20)

    assert rss_bytes(os.getpid()) - before >= len(held) // 2


def test_an_ended_process_has_no_tree() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)

    with pytest.raises(FileNotFoundError, match="has ended"):
        tree(process.pid)
