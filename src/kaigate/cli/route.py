"""`kaigate route`: who would serve a request, and where a configuration connects to."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Explain routes and list destinations.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Configuration file. Default: KAIGATE_CONFIG, else the environment.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object for programs.")]


@app.command()
def explain(
    *,
    model: Annotated[str, typer.Option(help="The model as a client names it.")],
    key: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of a key of the configuration, or id of a virtual key.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="As with x-kaigate-private: true.")] = False,
    max_cost_usd: Annotated[str | None, typer.Option(metavar="USD", help="As with x-kaigate-max-cost-usd.")] = None,
    needs: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Any of tools,vision,json_schema,reasoning,audio,documents."),
    ] = "",
    input_tokens: Annotated[int, typer.Option(min=1, help="Length of the request.")] = 1000,
    output_tokens: Annotated[int, typer.Option(min=1, help="Most that the answer may have.")] = 1000,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show who would serve a request, in which order, and what excludes the others; 1 where nobody would.

    Health is that of a gateway that has just been started; servers of pinned models are asked for their digests.
    """
    from kaigate.cli.route_report import Question, report_route  # noqa: PLC0415

    wanted = tuple(each.strip() for each in needs.split(",") if each.strip())
    try:
        question = Question.of(
            model=model,
            key=key,
            max_cost_usd=max_cost_usd,
            needs=wanted,
            private=private,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    raise typer.Exit(report_route(config, question, as_json=json))


@app.command()
def egress(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the hosts and ports that the configuration connects to, per zone; network policies are made of it.

    Database and Valkey are not among them.
    """
    from kaigate.cli.egress_report import report_egress  # noqa: PLC0415

    raise typer.Exit(report_egress(config, as_json=json))
