"""Who is calling, and what the key may do."""

import fnmatch
from typing import Final, Literal

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Limits of one key or team; None means the configured default, 0 nothing at all, UNLIMITED no limit.

    `budget` is in nano-dollars per `budget_window`: `day`, `week`, `month` or a number of days such as `30d`.
    """

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    budget: int | None = None
    budget_window: str | None = None
    max_input_tokens: int | None = None


UNLIMITED: Final = -1
Role = Literal["master", "admin", "team_admin", "viewer", "user"]
EndUsers = Literal["ignored", "accepted", "required"]


class Principal(msgspec.Struct, frozen=True):
    """An authenticated caller. `key_id` is the short public id of the key, never the key.

    `models` are allowlist names or globs; None admits every listed model. `private_only` keeps every request
    of this key on private providers. `providers`, `tools` and `networks` (CIDR) restrict likewise; None admits all.
    `role` says what the key may administer; a `user` may only call models. `expires_at` is Unix time in seconds.
    `end_users` says whether the label of `x-kaigate-user` is believed; `required` refuses requests without one.
    """

    key_id: str
    name: str
    team: str = ""
    models: tuple[str, ...] | None = None
    private_only: bool = False
    master: bool = False
    anonymous: bool = False
    role: Role = "user"
    providers: tuple[str, ...] | None = None
    tools: tuple[str, ...] | None = None
    guardrail_profile: str = ""
    networks: tuple[str, ...] | None = None
    expires_at: float | None = None
    end_users: EndUsers = "accepted"
    limits: Limits = Limits()
    team_limits: Limits = Limits()

    def may_use(self, model: str) -> bool:
        """Whether this key may use a model of the allowlist."""
        return self.models is None or any(fnmatch.fnmatchcase(model, pattern) for pattern in self.models)
