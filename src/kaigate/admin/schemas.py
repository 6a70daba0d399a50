"""What the administration API of keys and teams takes and gives. Times are RFC 3339, money is dollars as text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from msgspec import UNSET
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from kaigate.keys.record import IssuedKey, KeyChange, KeyRecord, LimitsChange, TeamChange, TeamRecord
from kaigate.money import from_usd, to_usd
from kaigate.pipeline.principal import UNLIMITED, EndUsers, Limits, Role

Count = Annotated[int, Field(ge=UNLIMITED, le=10_000_000_000)]
Text = Annotated[str, Field(max_length=500)]
ShortText = Annotated[str, Field(max_length=64)]
Names = Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=256)]

_NULL: Final = "null: the configured default; -1: no limit; 0: nothing."


class Body(BaseModel):
    """A request: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitsBody(Body):
    """Limits. A field that is left out stays as it is."""

    rpm: Count | None = Field(default=None, description=f"Requests in any 60 seconds. {_NULL}")
    tpm: Count | None = Field(default=None, description=f"Tokens in any 60 seconds. {_NULL}")
    parallel: Count | None = Field(default=None, description=f"Requests at the same time. {_NULL}")
    max_input_tokens: Count | None = Field(default=None, description=f"Input tokens of one request. {_NULL}")
    budget_usd: Decimal | None = Field(default=None, description=f"Dollars per window, nine decimal places. {_NULL}")
    budget_window: ShortText | None = Field(default=None, description="day, week, month or a number of days: 30d.")

    @field_validator("budget_usd")
    @classmethod
    def _exact(cls, value: Decimal | None) -> Decimal | None:
        if value is not None:
            from_usd(value)
        return value

    def change(self) -> LimitsChange:
        """Only what was said."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        budget = given.pop("budget_usd", UNSET)
        if isinstance(budget, Decimal):
            given["budget"] = UNLIMITED if budget == UNLIMITED else from_usd(budget)
        elif budget is None:
            given["budget"] = None
        return LimitsChange(**given)


class KeyBody(Body):
    """Rights of a key. What is left out stays as it is, and is the caller's own in a new key."""

    role: Role = Field(default="user", description="What the key may administer.")
    team: ShortText = Field(default="", description="Team, which must exist.")
    models: Names | None = Field(default=None, description="Names or globs of the allowlist; null: all.")
    providers: Names | None = Field(default=None, description="Providers; null: all.")
    tools: Names | None = Field(default=None, description="Tool names or globs; null: all.")
    networks: Names | None = Field(default=None, description="CIDR networks of clients; null: all.")
    private_only: bool = Field(default=False, description="Requests stay on private providers.")
    guardrail_profile: ShortText = Field(default="", description="Guardrail profile; empty: the configured one.")
    end_users: EndUsers = Field(default="accepted", description="Whether x-kaigate-user is believed.")
    preset: ShortText | None = Field(default=None, description="Named limits of the configuration.")
    expires_at: AwareDatetime | None = Field(default=None, description="When the key ends; null: never.")
    limits: LimitsBody = Field(default=LimitsBody(), description="Own limits of the key.")

    def change(self) -> KeyChange:
        """Only what was said."""
        given: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set if name in KeyChange.__struct_fields__
        }
        if isinstance(self.expires_at, datetime):
            given["expires_at"] = round(self.expires_at.timestamp() * 1000)
        return KeyChange(**{**given, "limits": self.limits.change()})


class KeyCreate(KeyBody):
    """A new key."""

    name: ShortText = Field(description="Name that people know it by.")


class KeyPatch(KeyBody):
    """Changes of a key."""

    name: ShortText | None = Field(default=None, description="New name.")


class KeyRotate(Body):
    """How a rotation goes."""

    overlap_seconds: float = Field(default=3600, ge=0, le=30 * 86_400, description="The old secret works on so long.")


class LimitsView(BaseModel):
    """Limits as they are set; null is the configured default, -1 no limit."""

    rpm: int | None
    tpm: int | None
    parallel: int | None
    max_input_tokens: int | None
    budget_usd: str | None
    budget_window: str | None

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """From a record."""
        budget = limits.budget
        return cls(
            rpm=limits.rpm,
            tpm=limits.tpm,
            parallel=limits.parallel,
            max_input_tokens=limits.max_input_tokens,
            budget_usd=None if budget is None else "-1" if budget == UNLIMITED else to_usd(budget),
            budget_window=limits.budget_window,
        )


class KeyView(BaseModel):
    """A key without its secret."""

    key_id: str
    name: str
    role: Role
    team: str
    models: tuple[str, ...] | None
    providers: tuple[str, ...] | None
    tools: tuple[str, ...] | None
    networks: tuple[str, ...] | None
    private_only: bool
    guardrail_profile: str
    end_users: EndUsers
    preset: str | None
    limits: LimitsView
    created_by: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, record: KeyRecord) -> Self:
        """From a record."""
        return cls(**key_fields(record))


class IssuedKeyView(KeyView):
    """A new secret with its key: the only time it is shown."""

    key: str

    @classmethod
    def issued(cls, issued: IssuedKey) -> Self:
        """From what the service gave."""
        return cls(**key_fields(issued.record), key=issued.token)


class KeyPage(BaseModel):
    """Keys in the order of their ids; `next` is the `after` of the next page, null on the last one."""

    data: list[KeyView]
    next: str | None


class TeamBody(Body):
    """Changes of a team. What is left out stays as it is."""

    description: Text = Field(default="", description="For people.")
    blocked: bool = Field(default=False, description="Refuse every key of the team.")
    limits: LimitsBody = Field(default=LimitsBody(), description="For all keys of the team together.")

    def change(self) -> TeamChange:
        """Only what was said."""
        given: Mapping[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set & {"description", "blocked"}
        }
        return TeamChange(**given, limits=self.limits.change())


class TeamCreate(TeamBody):
    """A new team."""

    name: ShortText = Field(description="Name: letters, digits, dots, dashes, underscores.")


class TeamView(BaseModel):
    """A team."""

    name: str
    description: str
    limits: LimitsView
    created_by: str
    created_at: datetime
    updated_at: datetime
    blocked_at: datetime | None

    @classmethod
    def of(cls, record: TeamRecord) -> Self:
        """From a record."""
        return cls(
            name=record.name,
            description=record.description,
            limits=LimitsView.of(record.limits),
            created_by=record.created_by,
            created_at=_moment(record.created_at),
            updated_at=_moment(record.updated_at),
            blocked_at=None if record.blocked_at is None else _moment(record.blocked_at),
        )


class TeamPage(BaseModel):
    """Teams in the order of their names; `next` is the `after` of the next page, null on the last one."""

    data: list[TeamView]
    next: str | None


def key_fields(record: KeyRecord) -> dict[str, Any]:
    """The fields of `KeyView`."""
    rights = record.rights
    plain = ("role", "team", "models", "providers", "tools", "networks", "private_only", "guardrail_profile")
    ends = {"expires_at": rights.expires_at, "revoked_at": record.revoked_at, "last_used_at": record.last_used_at}
    return {
        **{name: getattr(record, name) for name in ("key_id", "name", "created_by")},
        **{name: getattr(rights, name) for name in (*plain, "end_users", "preset")},
        **{name: None if at is None else _moment(at) for name, at in ends.items()},
        "limits": LimitsView.of(rights.limits),
        "created_at": _moment(record.created_at),
        "updated_at": _moment(record.updated_at),
    }


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
