"""Routing as the configuration file writes it: how candidates are chosen, ordered, tried again and left alone."""

from typing import Annotated, Literal

from pydantic import Field

from kaigate.config.limit_settings import Usd
from kaigate.config.section import Seconds, Section

Strategy = Literal["ordered", "weighted", "cheapest", "fastest"]
Capability = Literal["tools", "vision", "json_schema", "reasoning", "audio", "documents"]
Part = Literal["image", "audio", "document"]
HostedKind = Literal[
    "web_search", "code_interpreter", "mcp", "file_search", "computer_use", "image_generation", "other"
]
HealthPath = Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=256)]


class Capabilities(Section):
    """What a model can do; what is not said is allowed, and the upstream decides."""

    tools: bool | None = Field(default=None, description="Function calling.")
    vision: bool | None = Field(default=None, description="Images in messages.")
    json_schema: bool | None = Field(default=None, description="Answers that follow a JSON schema.")
    reasoning: bool | None = Field(default=None, description="Reasoning effort and thinking budgets.")
    audio: bool | None = Field(default=None, description="Audio in messages.")
    documents: bool | None = Field(default=None, description="Files in messages.")


class PartRules(Section):
    """Which parts of a message besides text may be sent."""

    allow_parts: tuple[Part, ...] | None = Field(default=None, description="Only these; all of them by default.")
    block_parts: tuple[Part, ...] = Field(default=(), description="Never these.")

    def blocked(self) -> frozenset[Part]:
        """The parts that may not be sent."""
        every: tuple[Part, ...] = ("image", "audio", "document")
        allowed = every if self.allow_parts is None else self.allow_parts
        return frozenset(part for part in every if part not in allowed or part in self.block_parts)


class ZoneRules(Section):
    """Rules for all providers of a zone."""

    private: PartRules = Field(default=PartRules(), description="Providers of the private zone.")
    external: PartRules = Field(default=PartRules(), description="Providers of the external zone.")


class BreakerSettings(Section):
    """When a deployment that fails is left alone, and for how long."""

    enabled: bool = Field(default=True, description="Leave a failing deployment alone for a while.")
    failures: Annotated[int, Field(ge=1, le=1000)] = Field(default=5, description="Failures in a row that open it.")
    ratio: Annotated[float, Field(gt=0, le=1)] = Field(default=0.5, description="Share of failures that opens it.")
    window_s: Seconds = Field(default=30.0, description="Time in which the share is counted.")
    min_requests: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=20, description="Requests in that time before the share counts."
    )
    open_s: Seconds = Field(default=10.0, description="Time until one request may probe it, give or take a fifth.")


class RetrySettings(Section):
    """How a provider that failed before its first byte is asked again."""

    budget_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.2, description="Repeated attempts at one provider, as a share of all requests."
    )
    budget_reserve: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=10, description="Repeated attempts that may be saved up."
    )
    backoff_s: Seconds = Field(default=0.2, description="Pause before the first repetition, doubled for each further.")
    max_backoff_s: Seconds = Field(default=4.0, description="Longest pause.")
    max_retry_after_s: Seconds = Field(
        default=10.0, description="A Retry-After beyond this is not waited for: the client is told."
    )


class HealthCheckSettings(Section):
    """Periodic requests that ask providers whether they are well; they cost no tokens."""

    enabled: bool = Field(default=False, description="Ask every provider that has a health_path.")
    interval_s: Annotated[float, Field(ge=1, le=3600)] = Field(default=30.0, description="Pause between two checks.")
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(default=5.0, description="Longest wait for an answer.")
    failures: Annotated[int, Field(ge=1, le=100)] = Field(
        default=2, description="Failed checks in a row until nothing is sent there."
    )


class DigestCheckSettings(Section):
    """Periodic requests that ask Ollama for the digests of pinned models."""

    interval_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=30.0, description="Pause between two checks, give or take a tenth; shorter while one is not confirmed."
    )
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(default=5.0, description="Longest wait for an answer.")
    failures: Annotated[int, Field(ge=1, le=100)] = Field(
        default=2, description="Failed checks in a row until what Ollama reported before holds no more."
    )


class RoutingSettings(Section):
    """How candidates are chosen and tried."""

    strategy: Strategy = Field(
        default="ordered", description="Which deployment of equal `order` comes first, where a model does not say."
    )
    max_attempts: Annotated[int, Field(ge=1, le=10)] = Field(default=2, description="Upstream attempts of one request.")
    max_cost_usd: Usd | None = Field(
        default=None, description="Most that one request may cost; a client may only ask for less."
    )
    zones: ZoneRules = Field(default=ZoneRules(), description="What may be sent to each zone.")
    breaker: BreakerSettings = Field(default=BreakerSettings(), description="Deployments that fail.")
    retries: RetrySettings = Field(default=RetrySettings(), description="Attempts that are repeated.")
    health_checks: HealthCheckSettings = Field(default=HealthCheckSettings(), description="Active health checks.")
    digest_checks: DigestCheckSettings = Field(default=DigestCheckSettings(), description="Checks of pinned models.")
    max_answer_bytes: Annotated[int, Field(ge=65_536, le=1 << 30)] = Field(
        default=64 * 1024 * 1024, description="Largest answer that is read from an upstream."
    )
    proxy_hosts: tuple[str, ...] | None = Field(
        default=None, description="Hosts that HTTPS_PROXY may name; without the key any. Private providers use none."
    )
