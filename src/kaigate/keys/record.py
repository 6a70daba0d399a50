"""What is known of a virtual key and of a team, and what may be asked to change. Times are Unix milliseconds."""

from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from kaigate.pipeline.principal import EndUsers, Limits, Principal, Role

NEVER: Final = float("inf")

Names = tuple[str, ...]


class KeyRights(msgspec.Struct, frozen=True):
    """What a key may do. Lists are names or globs, networks are CIDR; None admits everything.

    `limits` are the key's own; what they leave open comes from `preset`, and then from the configured defaults.
    """

    role: Role = "user"
    team: str = ""
    models: Names | None = None
    providers: Names | None = None
    tools: Names | None = None
    networks: Names | None = None
    private_only: bool = False
    guardrail_profile: str = ""
    end_users: EndUsers = "accepted"
    preset: str | None = None
    limits: Limits = Limits()
    expires_at: int | None = None


class KeyRecord(msgspec.Struct, frozen=True):
    """A virtual key without its secret. `revision` grows with every change of any key or team."""

    key_id: str
    name: str
    rights: KeyRights
    created_by: str
    created_at: int
    updated_at: int
    revision: int
    revoked_at: int | None = None
    last_used_at: int | None = None


class TeamRecord(msgspec.Struct, frozen=True):
    """A team; while it is blocked, no key of it is accepted."""

    name: str
    description: str
    limits: Limits
    created_by: str
    created_at: int
    updated_at: int
    revision: int
    blocked_at: int | None = None


class IssuedKey(msgspec.Struct, frozen=True):
    """A new secret, shown once, with its key. It has no representation."""

    token: str
    record: KeyRecord

    def __repr__(self) -> str:
        return f"IssuedKey({self.record.key_id})"


class LimitsChange(msgspec.Struct, frozen=True):
    """New values of some limits; what is UNSET stays."""

    rpm: int | UnsetType | None = UNSET
    tpm: int | UnsetType | None = UNSET
    parallel: int | UnsetType | None = UNSET
    budget: int | UnsetType | None = UNSET
    budget_window: str | UnsetType | None = UNSET
    max_input_tokens: int | UnsetType | None = UNSET


class KeyChange(msgspec.Struct, frozen=True):
    """New values of some rights; what is UNSET stays, or is the issuer's own in a new key."""

    role: Role | UnsetType = UNSET
    team: str | UnsetType = UNSET
    models: Names | UnsetType | None = UNSET
    providers: Names | UnsetType | None = UNSET
    tools: Names | UnsetType | None = UNSET
    networks: Names | UnsetType | None = UNSET
    private_only: bool | UnsetType = UNSET
    guardrail_profile: str | UnsetType = UNSET
    end_users: EndUsers | UnsetType = UNSET
    preset: str | UnsetType | None = UNSET
    expires_at: int | UnsetType | None = UNSET
    limits: LimitsChange = LimitsChange()

    def applied_to(self, rights: KeyRights) -> KeyRights:
        """The rights with these values in place."""
        limits = changed(rights.limits, self.limits)
        return msgspec.structs.replace(changed(rights, self, skip="limits"), limits=limits)


class TeamChange(msgspec.Struct, frozen=True):
    """New values of a team; what is UNSET stays."""

    description: str | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET
    limits: LimitsChange = LimitsChange()


_S = TypeVar("_S", bound=msgspec.Struct)


def changed(value: _S, change: msgspec.Struct, *, skip: str = "") -> _S:
    """A struct with every field of `change` that is set."""
    given = {name: getattr(change, name) for name in change.__struct_fields__ if name != skip}
    return msgspec.structs.replace(value, **{name: new for name, new in given.items() if new is not UNSET})


def rights_of(caller: Principal) -> KeyRights:
    """The rights of an authenticated caller, whose preset is already part of its limits."""
    return KeyRights(
        role="master" if caller.master else caller.role,
        team=caller.team,
        models=caller.models,
        providers=caller.providers,
        tools=caller.tools,
        networks=caller.networks,
        private_only=caller.private_only,
        guardrail_profile=caller.guardrail_profile,
        end_users=caller.end_users,
        limits=caller.limits,
        expires_at=None if caller.expires_at is None else round(caller.expires_at * 1000),
    )
