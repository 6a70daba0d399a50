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


@app.command()
def schema(
    guardrails: Annotated[bool, typer.Option("--guardrails", help="The schema of the guardrail file.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the JSON Schema (draft 2020-12) of the configuration file; indented unless --json."""
    from kaigate.cli.config_report import report_schema  # noqa: PLC0415

    raise typer.Exit(report_schema(guardrails=guardrails, as_json=json))
