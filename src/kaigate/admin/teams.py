"""`/admin/v1/teams`: teams over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Security

from kaigate.admin.auth import BEARER, Authenticate, admin_route, caller_of
from kaigate.admin.schemas import TeamBody, TeamCreate, TeamPage, TeamView
from kaigate.keys.teams import TeamService
from kaigate.pipeline.principal import Principal

Caller = Annotated[Principal, Depends(caller_of)]
Page = Annotated[int, Query(ge=1, le=500)]
Text = Annotated[str, Query(max_length=64)]
_PREFIX: Final = "/admin/v1/teams"


def teams_router(service: TeamService, authenticate: Authenticate) -> APIRouter:
    """The routes of teams."""
    router = APIRouter(
        prefix=_PREFIX, tags=["teams"], route_class=admin_route(authenticate), dependencies=[Security(BEARER)]
    )

    @router.get("")
    async def list_teams(caller: Caller, after: Text = "", limit: Page = 100) -> TeamPage:
        """List the teams that the caller may see."""
        records = await service.list(caller, after=after, limit=limit)
        more = records[-1].name if len(records) == limit else None
        return TeamPage(data=[TeamView.of(record) for record in records], next=more)

    @router.get("/{name}")
    async def get_team(caller: Caller, name: str) -> TeamView:
        """One team."""
        return TeamView.of(await service.get(caller, name))

    @router.post("", status_code=201)
    async def create_team(caller: Caller, body: TeamCreate) -> TeamView:
        """Create a team."""
        return TeamView.of(await service.create(caller, body.name, body.change()))

    @router.patch("/{name}")
    async def update_team(caller: Caller, name: str, body: TeamBody) -> TeamView:
        """Change what is given; `blocked` refuses every key of the team."""
        return TeamView.of(await service.update(caller, name, body.change()))

    @router.delete("/{name}", status_code=204)
    async def delete_team(caller: Caller, name: str) -> None:
        """Remove a team that never had a key."""
        await service.delete(caller, name)

    return router
