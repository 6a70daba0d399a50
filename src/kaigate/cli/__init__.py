"""The command line: one file per command. Exit codes: 0 ok, 1 refused or failed, 2 usage.

Commands import what they need when they run, so that `kaigate --help` is quick.
"""

from typing import Annotated

import typer

from kaigate import __version__
from kaigate.cli.config import app as config_app
from kaigate.cli.keys import app as keys_app
from kaigate.cli.models import app as models_app
from kaigate.cli.route import app as route_app
from kaigate.cli.serve import serve
from kaigate.cli.usage import usage

app = typer.Typer(
    name="kaigate",
    help="Kubernetes AI Gateway: the policy point between applications and LLMs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(usage)
app.add_typer(config_app, name="config")
app.add_typer(keys_app, name="keys")
app.add_typer(models_app, name="models")
app.add_typer(route_app, name="route")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"kaigate {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Kubernetes AI Gateway: the policy point between applications and LLMs."""


def main() -> None:
    """Entry point of the `kaigate` program."""
    app()
