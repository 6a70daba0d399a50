"""What `kaigate config import-litellm` writes and reports."""

import os
import sys
from pathlib import Path

import msgspec

from kaigate.cli.problems import refuse
from kaigate.config.document import MAX_DOCUMENT_BYTES
from kaigate.config.litellm import Imported, convert
from kaigate.config.problems import ConfigError
from kaigate.providers.registry import ROWS


def run_import(file: Path, output: Path | None, *, as_json: bool) -> int:
    """Convert `file`; the exit code: 1 where it can't be read, nothing was usable, or `output` can't be written."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_DOCUMENT_BYTES + 1)
        imported = convert(data, str(file), env=os.environ, types=ROWS)
    except OSError as error:
        print(f"{file}: cannot be read: {error.strerror}", file=sys.stderr)
        return 1
    except ConfigError as error:
        return refuse(error)
    if imported.text and output is not None:
        try:
            with output.open("x", encoding="utf-8") as opened_output:
                opened_output.write(imported.text)
        except OSError as error:
            print(f"{output}: cannot be written: {error.strerror}", file=sys.stderr)
            return 1
    if as_json:
        print(msgspec.json.encode(_told(imported)).decode())
    else:
        _print(imported, output)
    return 0 if imported.text else 1


def _told(imported: Imported) -> dict[str, object]:
    return {
        "ok": bool(imported.text),
        "config": imported.text,
        "notes": [msgspec.structs.asdict(note) for note in imported.notes],
        "variables": list(imported.variables),
    }


def _print(imported: Imported, output: Path | None) -> None:
    """The result to stdout, so that it can be redirected; the report to stderr."""
    if output is None:
        print(imported.text, end="")
    for note in imported.notes:
        print(note, file=sys.stderr)
    counts = {
        name: sum(note.outcome == name for note in imported.notes) for name in ("carried", "changed", "not carried")
    }
    print(", ".join(f"{count} {name}" for name, count in counts.items()), file=sys.stderr)
    if imported.variables:
        print(f"set before serving: {', '.join(imported.variables)}", file=sys.stderr)
    if not imported.text:
        print("nothing usable was found: no model could be carried over", file=sys.stderr)
    elif output is not None:
        print(f"written to {output}; next: kaigate config check {output}", file=sys.stderr)
