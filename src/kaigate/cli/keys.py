"""`kaigate keys`: virtual keys and teams, directly in the database of the configuration."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Create, list, change, rotate and revoke virtual keys.", no_args_is_help=True)
teams_app = typer.Typer(help="Teams: limits that keys share, and a switch that stops them.", no_args_is_help=True)
app.add_typer(teams_app, name="teams")

ConfigOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Configuration file. Default: KAIGATE_CONFIG, else none.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object for programs.")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, or its name where only one has it.")]
TeamArgument = Annotated[str, typer.Argument(metavar="TEAM", help="The team's name.")]
TeamOption = Annotated[str | None, typer.Option(metavar="TEAM", help="Team, which must exist.")]
RoleOption = Annotated[
    Literal["admin", "team_admin", "viewer", "user"] | None, typer.Option(help="What it may administer.")
]
ModelsOption = Annotated[str | None, typer.Option(metavar="A,B", help="Models or globs, separated by commas.")]
ProvidersOption = Annotated[str | None, typer.Option(metavar="A,B", help="Providers, separated by commas.")]
ToolsOption = Annotated[str | None, typer.Option(metavar="A,B", help="Tools or globs, separated by commas.")]
NetworksOption = Annotated[str | None, typer.Option(metavar="A,B", help="CIDR networks that clients come from.")]
RpmOption = Annotated[int | None, typer.Option(min=-1, help="Requests in any 60 seconds; -1 for no limit.")]
TpmOption = Annotated[int | None, typer.Option(min=-1, help="Tokens in any 60 seconds; -1 for no limit.")]
ParallelOption = Annotated[int | None, typer.Option(min=-1, help="Requests at the same time; -1 for no limit.")]
InputOption = Annotated[int | None, typer.Option(min=-1, help="Input tokens of one request; -1 for no limit.")]
BudgetOption = Annotated[str | None, typer.Option(metavar="USD", help="Dollars per window; -1 for no limit.")]
WindowOption = Annotated[str | None, typer.Option(metavar="WINDOW", help="day, week, month or a number of days: 30d.")]
PrivateOption = Annotated[
    bool | None, typer.Option("--private-only/--no-private-only", help="Stay on private providers.")
]
PresetOption = Annotated[str | None, typer.Option(metavar="PRESET", help="Named limits: limits.presets.")]
ProfileOption = Annotated[str | None, typer.Option(metavar="PROFILE", help="Guardrail profile.")]
EndUsersOption = Annotated[
    Literal["ignored", "accepted", "required"] | None, typer.Option(help="Whether x-kaigate-user is believed.")
]
ExpiresOption = Annotated[
    str | None, typer.Option(metavar="WHEN", help="A number of days such as 90d, or a time: 2027-01-31T12:00:00Z.")
]


@app.command()
def create(
    name: Annotated[str, typer.Option(metavar="NAME", help="Name that people know it by.")],
    *,
    config: ConfigOption = None,
    team: TeamOption = None,
    role: RoleOption = None,
    models: ModelsOption = None,
    providers: ProvidersOption = None,
    tools: ToolsOption = None,
    networks: NetworksOption = None,
    rpm: RpmOption = None,
    tpm: TpmOption = None,
    parallel: ParallelOption = None,
    max_input_tokens: InputOption = None,
    budget_usd: BudgetOption = None,
    budget_window: WindowOption = None,
    private_only: PrivateOption = None,
    preset: PresetOption = None,
    guardrail_profile: ProfileOption = None,
    end_users: EndUsersOption = None,
    expires: ExpiresOption = None,
    json: JsonOption = False,
) -> None:
    """Create a key and print it: this once."""
    rights = {name: value for name, value in locals().items() if name not in {"name", "config", "json"}}
    from kaigate.cli import keys_run  # noqa: PLC0415

    raise typer.Exit(keys_run.create(config, name, rights, as_json=json))


@app.command("list")
def list_keys(
    *,
    config: ConfigOption = None,
    team: Annotated[str | None, typer.Option(metavar="TEAM", help="Keys of this team only.")] = None,
    include_revoked: Annotated[bool, typer.Option("--all", help="Revoked keys too.")] = False,
    json: JsonOption = False,
) -> None:
    """List the keys, without their secrets."""
    from kaigate.cli import keys_run  # noqa: PLC0415

    raise typer.Exit(keys_run.show(config, team=team, include_revoked=include_revoked, as_json=json))


@app.command()
def update(
    key: KeyArgument,
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="New name.")] = None,
    config: ConfigOption = None,
    team: TeamOption = None,
    role: RoleOption = None,
    models: ModelsOption = None,
    providers: ProvidersOption = None,
    tools: ToolsOption = None,
    networks: NetworksOption = None,
    rpm: RpmOption = None,
    tpm: TpmOption = None,
    parallel: ParallelOption = None,
    max_input_tokens: InputOption = None,
    budget_usd: BudgetOption = None,
    budget_window: WindowOption = None,
    private_only: PrivateOption = None,
    preset: PresetOption = None,
    guardrail_profile: ProfileOption = None,
    end_users: EndUsersOption = None,
    expires: ExpiresOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given; the rest stays."""
    rights = {name: value for name, value in locals().items() if name not in {"key", "name", "config", "json"}}
    from kaigate.cli import keys_run  # noqa: PLC0415

    raise typer.Exit(keys_run.update(config, key, name, rights, as_json=json))


@app.command()
def rotate(
    key: KeyArgument,
    *,
    overlap: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="The old secret works on for this long.")
    ] = 3600.0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Give a key a new secret and print it: this once. Limits and usage go on."""
    from kaigate.cli import keys_run  # noqa: PLC0415

    raise typer.Exit(keys_run.rotate(config, key, overlap, as_json=json))


@app.command()
def revoke(key: KeyArgument, *, config: ConfigOption = None, json: JsonOption = False) -> None:
    """End a key for ever; every replica refuses it within two seconds."""
    from kaigate.cli import keys_run  # noqa: PLC0415

    raise typer.Exit(keys_run.revoke(config, key, as_json=json))


@teams_app.command("create")
def create_team(
    team: TeamArgument,
    *,
    description: Annotated[str | None, typer.Option(help="For people.")] = None,
    rpm: RpmOption = None,
    tpm: TpmOption = None,
    parallel: ParallelOption = None,
    budget_usd: BudgetOption = None,
    budget_window: WindowOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Create a team; its limits hold for all of its keys together."""
    given = {name: value for name, value in locals().items() if name not in {"team", "config", "json"}}
    from kaigate.cli import teams_run  # noqa: PLC0415

    raise typer.Exit(teams_run.create(config, team, given, as_json=json))


@teams_app.command("update")
def update_team(
    team: TeamArgument,
    *,
    description: Annotated[str | None, typer.Option(help="For people.")] = None,
    blocked: Annotated[bool | None, typer.Option("--block/--unblock", help="Refuse every key of the team.")] = None,
    rpm: RpmOption = None,
    tpm: TpmOption = None,
    parallel: ParallelOption = None,
    budget_usd: BudgetOption = None,
    budget_window: WindowOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given; the rest stays."""
    given = {name: value for name, value in locals().items() if name not in {"team", "config", "json"}}
    from kaigate.cli import teams_run  # noqa: PLC0415

    raise typer.Exit(teams_run.update(config, team, given, as_json=json))


@teams_app.command("list")
def list_teams(*, config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the teams."""
    from kaigate.cli import teams_run  # noqa: PLC0415

    raise typer.Exit(teams_run.show(config, as_json=json))


@teams_app.command("delete")
def delete_team(team: TeamArgument, *, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Remove a team that never had a key."""
    from kaigate.cli import teams_run  # noqa: PLC0415

    raise typer.Exit(teams_run.delete(config, team, as_json=json))
