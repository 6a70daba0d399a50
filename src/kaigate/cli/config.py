"""`kaigate config`: looks at a configuration without serving it."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check, show and describe the configuration.", no_args_is_help=True)

FileArgument = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The same as --config.")]
ConfigOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Configuration file. Default: KAIGATE_CONFIG, else the environment.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object for programs.")]


@app.command()
def check(
    file: FileArgument = None,
    config: ConfigOption = None,
    json: JsonOption = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not read secrets and TLS files: for checks where they are absent.")
    ] = False,
) -> None:
    """Check a configuration as serving would; prints every problem and exits with 1 where there is one."""
    from kaigate.cli.config_report import report_check  # noqa: PLC0415

    raise typer.Exit(report_check(config or file, as_json=json, offline=offline))


@app.command()
def show(file: FileArgument = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show the effective configuration: every default filled in, secrets as references."""
    from kaigate.cli.config_report import report_effective  # noqa: PLC0415

    raise typer.Exit(report_effective(config or file, as_json=json))


@app.command("import-litellm")
def import_litellm(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Configuration of a LiteLLM proxy.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result there; an existing file is refused.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Turn a LiteLLM proxy's configuration into one of kaigate's.

    The result goes to --output, else to stdout; the report of every line to stderr. Exits with 1 where nothing was
    usable.
    """
    from kaigate.cli.import_litellm import run_import  # noqa: PLC0415

    raise typer.Exit(run_import(file, output, as_json=json))


@app.command()
def schema(
    guardrails: Annotated[bool, typer.Option("--guardrails", help="The schema of the guardrail file.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the JSON Schema (draft 2020-12) of the configuration file; indented unless --json."""
    from kaigate.cli.config_report import report_schema  # noqa: PLC0415

    raise typer.Exit(report_schema(guardrails=guardrails, as_json=json))
