"""Limits as the configuration file writes them: per key, team, end user, model and provider."""

from typing import Annotated, Literal

from pydantic import Field

from kaigate.config.section import ModelName, Name, Section

Usd = Annotated[float, Field(ge=0, le=1_000_000_000)]
BudgetWindow = Annotated[str, Field(pattern=r"^(day|week|month|[1-9][0-9]{0,2}d)$")]


class LimitSettings(Section):
    """Limits of one scope. 0 forbids, null inherits where something is inherited and means no limit elsewhere."""

    rpm: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="Requests in any 60 seconds."
    )
    tpm: Annotated[int, Field(ge=0, le=10_000_000_000)] | None = Field(
        default=None, description="Tokens in any 60 seconds, input and output."
    )
    parallel: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="Requests at the same time."
    )
    budget_usd: Usd | None = Field(default=None, description="Dollars per budget window.")
    budget_window: BudgetWindow | None = Field(
        default=None, description="day, week, month or a number of days such as 30d; windows begin at midnight UTC."
    )


class KeyLimits(LimitSettings):
    """Limits of a key that says nothing else."""

    rpm: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=60, description="Requests in any 60 seconds; null for no limit."
    )
    tpm: Annotated[int, Field(ge=0, le=10_000_000_000)] | None = Field(
        default=100_000, description="Tokens in any 60 seconds, input and output; null for no limit."
    )
    parallel: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=5, description="Requests at the same time; null for no limit."
    )
    budget_usd: Usd | None = Field(default=10.0, description="Dollars per budget window; null for no limit.")
    budget_window: BudgetWindow = Field(
        default="30d", description="day, week, month or a number of days; windows begin at midnight UTC."
    )
    max_input_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=8192, description="Ceiling of input tokens; null for none but the model's."
    )


class LimitsSettings(Section):
    """How much may be used, by whom and of what; every bound of a request is checked in one atomic step."""

    enabled: bool = Field(default=True, description="Enforce limits and account for usage.")
    defaults: KeyLimits = Field(default=KeyLimits(), description="For every key that has none of its own.")
    presets: dict[Name, KeyLimits] = Field(default={}, description="Named limits for keys, such as batch work.")
    teams: dict[Name, LimitSettings] = Field(default={}, description="For all keys of a team together.")
    users: LimitSettings = Field(default=LimitSettings(), description="For each end user of a key (x-kaigate-user).")
    models: dict[ModelName, LimitSettings] = Field(default={}, description="For all callers of a model together.")
    providers: dict[Name, LimitSettings] = Field(default={}, description="For all calls to a provider together.")
    soft_share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8, description="Share of a budget from which on a warning is logged and counted, once per window."
    )
    reservation_s: Annotated[float, Field(ge=5, le=3600)] = Field(
        default=30, description="Time after which a reservation without heartbeat is charged."
    )
    default_output_tokens: Annotated[int, Field(ge=1)] = Field(
        default=4096, description="Output ceiling sent upstream where neither client nor model sets one."
    )
    allow_unpriced: bool = Field(default=False, description="Serve models without a known price, at no cost.")
    on_store_failure: Literal["local", "closed", "open"] = Field(
        default="local", description="Without Redis: limits divided by replicas, refuse, or let pass."
    )
