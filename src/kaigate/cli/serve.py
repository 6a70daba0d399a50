"""`kaigate serve`: the options of the gateway process."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    *,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Configuration file. Default: KAIGATE_CONFIG, else the environment."),
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address of the API port [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, metavar="PORT", help="API port [4000].")] = None,
    admin_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, metavar="PORT", help="Administration port [4001].")
    ] = None,
    ops_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, metavar="PORT", help="Operations port [9090].")
    ] = None,
    reuse_port: Annotated[
        bool, typer.Option("--reuse-port", help="Share the ports with other kaigate processes of this host.")
    ] = False,
) -> None:
    """Run the gateway. Options override the file.

    Without a file, providers come from OPENAI_API_KEY, ANTHROPIC_API_KEY, AWS credentials with AWS_REGION and
    OLLAMA_HOST (or an Ollama on this machine), and a generated key is printed once unless KAIGATE_MASTER_KEY gives one.
    """
    # Loading the gateway takes longer than --help should.
    from kaigate.cli.start import start  # noqa: PLC0415
    from kaigate.config.loaded import ServerOverrides  # noqa: PLC0415

    overrides = ServerOverrides(
        host=host, port=port, admin_port=admin_port, ops_port=ops_port, reuse_port=True if reuse_port else None
    )
    raise typer.Exit(start(config, overrides))
