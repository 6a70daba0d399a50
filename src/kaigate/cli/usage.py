"""`kaigate usage`: what was spent, by whom and on what."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

_DAY = ["%Y-%m-%d"]


def usage(
    *,
    by: Annotated[
        str, typer.Option("--by", metavar="NAMES", help="Any of day,key,team,user,model,provider.")
    ] = "key,model",
    since: Annotated[
        dt.datetime | None, typer.Option("--from", formats=_DAY, help="First UTC day. Default: 29 days before --to.")
    ] = None,
    until: Annotated[
        dt.datetime | None, typer.Option("--to", formats=_DAY, help="Last UTC day, included. Default: today.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only this key_id.")] = None,
    team: Annotated[str | None, typer.Option(help="Only this team.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this end user.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Largest number of rows.")] = 1_000,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV for spreadsheets.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Configuration file. Default: KAIGATE_CONFIG, else the user's data folder."),
    ] = None,
) -> None:
    """Show spend, tokens, requests and blocks, read from the database of the configuration.

    What a running gateway settled within the last second or so may not be there yet.
    """
    from kaigate.cli.usage_report import query_of, report_usage  # noqa: PLC0415

    if json and csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    try:
        query = query_of(
            by,
            since=since.date() if since else None,
            until=until.date() if until else None,
            filters={"key": key, "team": team, "user": user, "model": model, "provider": provider},
            limit=limit,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    raise typer.Exit(report_usage(config, query, form="json" if json else "csv" if csv else "table"))
