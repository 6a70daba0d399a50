"""The guards of conftest.py do fail the tests that they should fail."""

import asyncio
import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[2] / "conftest.py"
OPTIONS = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"

PRELUDE = """
import asyncio, kaigate, pytest, time

def code_of_the_gateway(text):
    scope = {}
    exec(compile(text, kaigate.__path__[0] + "/blocking.py", "exec"), scope)
    return scope["work"]

sleep = code_of_the_gateway("import time\\ndef work(): time.sleep(0)")
read = code_of_the_gateway("import os\\ndef work():\\n with open(os.__file__) as file: file.read()")
"""

# name of the inner test -> its source, and the message it must fail with (None: it must pass)
CASES: dict[str, tuple[str, str | None]] = {
    "sleep_in_the_loop": ("async def test_{}(): sleep()", "Blocking call to time.sleep"),
    "read_in_the_loop": ("async def test_{}(): read()", "Blocking call to io."),
    "sleep_in_a_thread": ("async def test_{}(): await asyncio.to_thread(sleep)", None),
    "sleep_in_a_sync_test": ("def test_{}(): sleep()", None),
    "sleep_of_the_test_itself": ("async def test_{}(): time.sleep(0)", None),
    "reason": ("@pytest.mark.blocking_allowed('one microsecond')\nasync def test_{}(): sleep()", None),
    "no_reason": ("@pytest.mark.blocking_allowed\nasync def test_{}(): ...", "blocking_allowed needs a reason"),
    "endless_task": ("async def test_{}(): pytest.task = asyncio.create_task(asyncio.Event().wait())", "leaked tasks"),
    "ending_task": ("async def test_{}(): pytest.task = asyncio.create_task(asyncio.sleep(0.05))", None),
}


def test_the_guards_fail_what_blocks_or_leaks_and_nothing_else(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # the summary shows messages only where they fit
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini(f"[pytest]\npythonpath = {CONFTEST.parent} {CONFTEST.parents[1]}\n{OPTIONS}")
    pytester.makepyfile(PRELUDE + "\n".join(source.format(name) for name, (source, _) in CASES.items()))
    result = pytester.runpytest_subprocess("-rA", "--strict-markers", "-p", "no:cacheprovider", "-p", "no:schemathesis")
    summary = re.findall(r"^(PASSED|FAILED|ERROR) \S+::test_(\w+)(?: - (.*))?$", result.stdout.str(), re.MULTILINE)
    refused = {name: message for outcome, name, message in summary if outcome != "PASSED"}
    for name, (_, message) in CASES.items():
        assert any(name == seen for _, seen, _ in summary), name
        assert (message or "") in refused.get(name, ""), (name, refused)
    assert set(refused) == {name for name, (_, message) in CASES.items() if message is not None}


async def test_async_tests_run_on_uvloop() -> None:
    assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
