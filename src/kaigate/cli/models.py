"""`kaigate models`: what the model servers have, and whether it is what the configuration pins."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Pin models to what their servers have.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """Pin models to what their servers have."""


@app.command()
def pin(
    *,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Configuration file. Default: KAIGATE_CONFIG, else the environment."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the digests of models that are not pinned yet into the file.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="With --write: also replace digests that the servers no longer report.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Ask every Ollama provider for its models and compare their digests with the pinned ones.

    Exits with 1 where a model drifted, is missing, or could not be asked for.
    """
    from kaigate.cli.models_run import run_pin  # noqa: PLC0415

    if update and not write:
        raise typer.BadParameter("--update changes what --write does: give both")
    raise typer.Exit(run_pin(config, write=write, update=update, as_json=json))
