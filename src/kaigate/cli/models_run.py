"""What `kaigate models pin` finds, writes and prints."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from rich.console import Console
from rich.table import Table

from kaigate.app.assemble import upstreams
from kaigate.cli.ollama_servers import Listing, ask, read
from kaigate.cli.problems import refuse
from kaigate.config.loaded import LoadedConfig
from kaigate.config.models import ModelSettings
from kaigate.config.patterns import is_glob
from kaigate.config.pin_file import NotEditableError, with_digests
from kaigate.config.problems import ConfigError, KeyPath, render
from kaigate.providers.ollama_tags import full_name
from kaigate.routing.catalogue import Catalogue

State = Literal["pinned", "not pinned", "drifted", "missing", "unreachable"]
_SHORT: Final = 12
_WRONG: Final = frozenset(("drifted", "missing", "unreachable"))


class Row(msgspec.Struct, frozen=True):
    """One deployment on an Ollama server; digests are 64 hex digits. `place` is where its digest stands or would."""

    model: str
    provider: str
    upstream_model: str
    state: State
    pinned: str | None
    reported: str | None
    place: str
    path: KeyPath


def run_pin(option: Path | None, *, write: bool, update: bool, as_json: bool) -> int:
    """Compare, write where asked to, print; the exit code: 1 where a model is not as pinned, or not written."""
    try:
        loaded, file = read(option)
    except ConfigError as error:
        return refuse(error)
    try:
        listings = ask(loaded)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    rows = list(_rows(loaded, listings))
    to_write = [
        row for row in rows if row.reported and (row.state == "not pinned" or (update and row.state == "drifted"))
    ]
    problem = _written(file, to_write) if write and to_write else None
    done = write and problem is None
    left = [row for row in rows if row.state in _WRONG and not (done and row in to_write)]
    if as_json:
        _print_json(rows, listings, to_write if done else [], problem)
    else:
        _print(rows, listings)
        _print_outcome(file, to_write, write=write, problem=problem)
    return 1 if left or problem else 0


def _rows(loaded: LoadedConfig, listings: Mapping[str, Listing]) -> Iterator[Row]:
    config = loaded.config
    catalogue = Catalogue.build(config, upstreams(loaded))
    for name, settings in config.models.items():
        if is_glob(name):
            continue
        for index, item in enumerate(catalogue.named(name).deployments):
            listing = listings.get(item.provider.name)
            if listing is None:
                continue
            pinned = None if item.pin is None else item.pin.digest
            reported = listing.digests.get(full_name(item.model))
            path = _path(name, index, settings)
            yield Row(
                model=name,
                provider=item.provider.name,
                upstream_model=item.model,
                state=_state(listing, pinned, reported),
                pinned=pinned,
                reported=reported,
                place=render((*path, "digest")),
                path=path,
            )


def _path(name: str, index: int, settings: ModelSettings) -> KeyPath:
    deployments = settings.deployments
    own = len(deployments) > 1 or (deployments and deployments[index].digest is not None)
    return ("models", name, "deployments", index) if own else ("models", name)


def _state(listing: Listing, pinned: str | None, reported: str | None) -> State:
    if listing.error is not None:
        return "unreachable"
    if reported is None:
        return "missing"
    if pinned is None:
        return "not pinned"
    return "pinned" if pinned == reported else "drifted"


def _written(file: Path | None, rows: Sequence[Row]) -> str | None:
    """Write the digests; why that was not possible, if so."""
    if file is None:
        return "there is no configuration file to write to: give one with --config"
    try:
        text = file.read_bytes().decode()
        _replace(file, with_digests(text, {row.path: row.reported or "" for row in rows}).encode())
    except (NotEditableError, UnicodeDecodeError, ConfigError) as error:
        return f"{file} could not be edited: {error}"
    except OSError as error:
        return f"{file} could not be written: {error.strerror}"
    return None


def _replace(file: Path, data: bytes) -> None:
    """Put a whole new file in the place of the old one, with its rights; a link stays a link."""
    real = file.resolve()
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(handle)
        Path(name).chmod(real.stat().st_mode & 0o7777)
        Path(name).replace(real)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _print_json(rows: list[Row], listings: Mapping[str, Listing], written: list[Row], problem: str | None) -> None:
    told = {
        "models": [_told(row) for row in rows],
        "unreachable": {name: item.error for name, item in listings.items() if item.error is not None},
        "written": [row.place for row in written],
        "problem": problem,
    }
    print(msgspec.json.encode(told).decode())


def _told(row: Row) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(row).items() if name != "path"}


def _print(rows: list[Row], listings: Mapping[str, Listing]) -> None:
    table = Table("model", "provider", "upstream model", "state", "digest", "pinned to", title_justify="left")
    for row in rows:
        table.add_row(row.model, row.provider, row.upstream_model, row.state, *map(_short, (row.reported, row.pinned)))
    Console().print(table)
    for listing in listings.values():
        if listing.error is not None:
            print(listing.error, file=sys.stderr)


def _short(digest: str | None) -> str:
    return "" if digest is None else digest[:_SHORT]


def _print_outcome(file: Path | None, rows: list[Row], *, write: bool, problem: str | None) -> None:
    if problem is not None:
        print(problem, file=sys.stderr)
    elif write and rows:
        print(f"written to {file}: {len(rows)}")
        return
    if rows:
        print("to pin what is not pinned yet, write into the configuration, or run with --write:")
        for row in rows:
            print(f"  {row.place}: sha256:{row.reported}")
