"""`GET /admin/v1/usage`: spend, tokens, requests and blocks, by any combination of names and days."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kaigate.clock import Clock, SystemClock
from kaigate.errors import AccessDeniedError, UnavailableError
from kaigate.keys.grants import visible_team
from kaigate.keys.record import rights_of
from kaigate.ledger.formats import to_csv, to_json
from kaigate.ledger.query import DIMENSIONS, MAX_ROWS, Dimension, Filters
from kaigate.ledger.query import Query as ReportQuery
from kaigate.ledger.reports import Reports
from kaigate.pipeline.principal import Principal
from kaigate.store.errors import StoreError

DEFAULT_DAYS: Final = 30
_NO_STORE: Final = {"cache-control": "no-store"}
Label = Annotated[str, Field(max_length=256)]


class UsageParameters(BaseModel):
    """Query parameters. A filter is an exact name; an empty one finds what has none."""

    model_config = ConfigDict(extra="forbid")

    group_by: list[Dimension] = Field(
        default=[], description="Any of day, key, team, user, model, provider: repeated or separated by commas."
    )
    since: dt.date | None = Field(
        default=None, alias="from", description="First UTC day; 29 days before the last one by default."
    )
    until: dt.date | None = Field(default=None, alias="to", description="Last UTC day, included; today by default.")
    key: Label | None = Field(default=None, description="Only this key_id.")
    team: Label | None = Field(default=None, description="Only this team.")
    user: Label | None = Field(default=None, description="Only this end user.")
    model: Label | None = Field(default=None, description="Only this model.")
    provider: Label | None = Field(default=None, description="Only this provider.")
    format: Literal["json", "csv"] = Field(default="json", description="CSV is safe to open in a spreadsheet.")
    limit: int = Field(default=MAX_ROWS, ge=1, le=MAX_ROWS, description="Largest number of rows.")

    @field_validator("group_by", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        # Bounded before it is split: a name more than there are is refused anyway.
        if isinstance(value, list):
            return [name for item in value for name in str(item).split(",", len(DIMENSIONS))]
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.group_by)) != len(self.group_by):
            raise ValueError("a group is named twice")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("the first day is later than the last")
        return self

    def query(self, today: dt.date) -> ReportQuery:
        """What the ledger is asked; raises ValueError for a range that begins after it ends."""
        until = self.until or max(today, self.since or today)
        since = self.since or dt.date.fromordinal(max(1, until.toordinal() - DEFAULT_DAYS + 1))
        filters = Filters(self.key, self.team, self.user, self.model, self.provider)
        return ReportQuery(since, until, tuple(self.group_by), filters, self.limit)


class UsageNumbers(BaseModel):
    """Counts and cost. `failed`, `blocked` and `gone` are parts of `requests`, `cached_tokens` of `input_tokens`."""

    requests: int
    failed: int = Field(description="The upstream or the gateway failed.")
    blocked: int = Field(description="A guardrail refused.")
    gone: int = Field(description="The client left.")
    estimated: int = Field(description="Charged by their reservation after a crash.")
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: str = Field(description="Dollars, exactly, with up to nine decimal places.", examples=["0.001500001"])


class UsageRow(UsageNumbers):
    """One combination of what is grouped by; other names are absent."""

    day: str | None = None
    key: str | None = None
    team: str | None = None
    user: str | None = None
    model: str | None = None
    provider: str | None = None


class UsageReport(BaseModel):
    """A report. `totals` is over everything that was asked for, also when `truncated` says that rows are missing."""

    object: Literal["list"]
    since: str = Field(alias="from")
    until: str = Field(alias="to")
    group_by: list[Dimension]
    data: list[UsageRow]
    totals: UsageNumbers
    truncated: bool


def usage_router(reports: Reports, authenticate: Callable[..., Any], *, clock: Clock | None = None) -> APIRouter:
    """The routes. `authenticate` is a dependency that gives the calling `Principal`.

    Administrators and viewers without a team see everything, those of a team see that team only, a user nothing.
    Raises `GatewayError`s for the application's handler.
    """
    router = APIRouter(prefix="/admin/v1", tags=["usage"])
    now = (clock or SystemClock()).now

    @router.get(
        "/usage",
        summary="Spend, tokens, requests and blocks",
        response_model=UsageReport,
        response_model_exclude_unset=True,
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def usage(
        caller: Annotated[Principal, Depends(authenticate)],
        parameters: Annotated[UsageParameters, Query()],
        response: Response,
    ) -> Any:
        allowed = _allowed(caller, parameters)
        try:
            report = await reports.report(allowed.query(dt.datetime.fromtimestamp(now(), dt.UTC).date()))
        except StoreError:
            raise UnavailableError("store_unavailable", "The ledger can't be read now.", retry_after=1) from None
        if parameters.format == "csv":
            headers = {
                **_NO_STORE,
                "content-disposition": 'attachment; filename="usage.csv"',
                "x-kaigate-truncated": str(report.truncated).lower(),
            }
            return Response(to_csv(report), media_type="text/csv", headers=headers)
        response.headers.update(_NO_STORE)
        return to_json(report)

    return router


def _allowed(caller: Principal, parameters: UsageParameters) -> UsageParameters:
    """The parameters within what the caller may see; raises `AccessDeniedError`."""
    team = visible_team(rights_of(caller))
    if team is None:
        return parameters
    if parameters.team not in {None, team}:
        raise AccessDeniedError("route_not_allowed", "This key may read the usage of its own team only.", param="team")
    return parameters.model_copy(update={"team": team})
