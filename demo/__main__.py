"""`python -m demo [--serve] [--config FILE]`.

Exit codes: 0 every step held (or serving was ended by a signal), 1 a step broke or something did not start,
128 + signal when interrupted before the end.
"""

import argparse
import http.client
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from demo import report, snippets
from demo.interrupts import InterruptedBySignalError, Interrupts
from demo.processes import ChildFailedError
from demo.stack import CONFIG, Stack, running_stack
from demo.steps import STEPS, completion_call, secret_call, stream_call, unlisted_call, wrong_key_call

WATCH_S: Final = 0.5


def main(arguments: Sequence[str]) -> int:
    """Start, show or serve, stop."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=sys.modules["demo"].__doc__)
    parser.add_argument("--serve", action="store_true", help="leave it running instead of performing the steps")
    parser.add_argument("--config", type=Path, default=CONFIG, help="a gateway.yaml for the model server of the demo")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    interrupts = Interrupts()
    interrupts.install()
    try:
        console.print("Starting the model server (llama.cpp, SmolLM2-135M) and kaigate on free loopback ports ...")
        with running_stack(options.config, interrupts, usual_ports=options.serve) as stack:
            return _serve(console, stack) if options.serve else _show(console, stack)
    except (ChildFailedError, OSError, ValueError) as error:
        report.failure(console, str(error))
        return 1
    except InterruptedBySignalError as interrupt:
        console.print(f"\nStopped everything after {interrupt}.")
        return 0 if options.serve else interrupt.exit_code


def _show(console: Console, stack: Stack) -> int:
    started = time.monotonic()
    broken = 0
    for number, step in enumerate(STEPS, start=1):
        report.title(console, number, len(STEPS), step.title)
        try:
            result = step.perform(stack)
        except (OSError, http.client.HTTPException, ValueError) as error:
            report.failure(console, f"{type(error).__name__}: {error}")
            broken += 1
            continue
        report.outcome(console, result)
        broken += not all(held for _, held in result.claims)
    report.verdict(console, broken, len(STEPS), time.monotonic() - started)
    return 1 if broken else 0


def _serve(console: Console, stack: Stack) -> int:
    calls = (
        ("A completion", completion_call(stack)),
        ("A stream", stream_call(stack)),
        ("A model that is not on the allowlist", unlisted_call(stack)),
        ("A wrong key", wrong_key_call(stack)),
        ("A secret, raw from the model server", secret_call(stack.raw_url, None)),
        ("The same through the gateway", secret_call(stack.base_url, stack.key)),
    )
    for name, call in calls:
        console.print(f"\n[bold cyan]# {name}")
        report.command(console, call.curl())
    for language, program in (("Python", snippets.python(stack)), ("JavaScript", snippets.javascript(stack))):
        console.print(f"\n[bold cyan]# {language}")
        report.command(console, program)
    console.print(f"[bold]Base URL[/]  {stack.base_url}\n[bold]Key[/]       {stack.key}", soft_wrap=True)
    console.print(f"[bold]Metrics[/]   {stack.ops_url}/metrics\n[bold]API docs[/]  {stack.admin_url}/docs")
    console.print("\nRunning until Ctrl-C.")
    while all(child.process.poll() is None for child in stack.children):
        time.sleep(WATCH_S)
    ended = next(child for child in stack.children if child.process.poll() is not None)
    raise ChildFailedError(f"{ended.name} ended with code {ended.process.returncode}:\n{ended.tail()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
