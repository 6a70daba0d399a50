"""The benchmark itself runs, says what it promises, and leaves nothing behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.accounting import tree
from bench.budgets import KEYS

REPOSITORY = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "bench", "--quick"]


def test_a_quick_run_ends_with_one_json_line() -> None:
    done = subprocess.run(COMMAND, cwd=REPOSITORY, capture_output=True, text=True, timeout=90, check=False)

    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    assert list(line) == list(KEYS)
    assert all(
        line[key] > 0
        for key in ("passthrough_ratio", "redaction_ratio", "stream_ratio", "translate_ratio", "added_p50_us")
    )
    assert line["features_ratio"] is None


def test_an_interrupted_run_stops_everything_it_started() -> None:
    command = [*COMMAND, "--only", "nginx", "--rounds", "1000"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The benchmark, mock, load generator, and twice nginx with its worker.
    started = _wait_for_members(process.pid, 7)
    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 130
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def _wait_for_members(root: int, count: int) -> list[int]:
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        members = tree(root)
        if len(members) >= count:
            return members
        time.sleep(0.05)
    raise AssertionError(f"only {len(members)} processes after 30 s")
