"""JWT bearer tokens of an identity provider, beside keys: whose are believed, and what their claims mean."""

from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from kaigate.config.limit_settings import LimitSettings
from kaigate.config.section import ModelName, Name, Seconds, Section

# Asymmetric only: with a shared secret, whoever can check a token can also make one.
JwtAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip
JwtRole = Literal["admin", "team_admin", "viewer", "user"]
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def _key_set_address(text: str) -> str:
    """An address whose content nobody on the way can change."""
    parts = urlsplit(text)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/") and text.isprintable():
        return text
    if parts.username is not None or parts.password is not None or not parts.hostname:
        raise ValueError("the key set is at https://host/path or file:/absolute/path, without credentials")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return text
    raise ValueError("the key set is fetched over https; plain http is for loopback only")


ClaimPath = Annotated[str, Field(pattern=r"^[!-~]+$", max_length=256)]
KeySetAddress = Annotated[str, Field(max_length=2048), AfterValidator(_key_set_address)]


class JwtClaims(Section):
    """Which claim says what; a dot steps into an object (`realm_access.roles`) unless the whole name is a claim.

    A claim that is named here must be in every token: one that lacks it is refused. Roles are the exception.
    """

    name: ClaimPath = Field(default="sub", description="Name of the caller in logs and reports.")
    team: ClaimPath | None = Field(default=None, description="The team: a text, or a list of one.")
    role: ClaimPath | None = Field(default=None, description="Roles or groups, looked up in `roles`.")
    preset: ClaimPath | None = Field(default=None, description="A name under limits.presets.")
    models: ClaimPath | None = Field(default=None, description="Allowlist names or globs: a list, or one text.")


class JwtSettings(Section):
    """Tokens of one identity provider. Each subject has the limits of a key of its own."""

    issuer: Annotated[str, Field(min_length=1, max_length=2048)] = Field(description="The `iss` claim, to the letter.")
    audiences: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] = Field(
        description="Values of the `aud` claim that mean this gateway; one must match."
    )
    jwks: KeySetAddress = Field(description="The provider's public keys: https://.../jwks.json or file:/path.")
    algorithms: Annotated[tuple[JwtAlgorithm, ...], Field(min_length=1)] = Field(
        default=("RS256", "PS256", "ES256", "EdDSA"), description="Signature algorithms that are accepted."
    )
    leeway_s: Annotated[float, Field(ge=0, le=300)] = Field(
        default=30, description="How far the provider's clock may be off."
    )
    required_claims: dict[ClaimPath, tuple[str, ...]] = Field(
        default={}, description="Claims that a token must have, with the values of which one must match; [] for any."
    )
    claims: JwtClaims = Field(default=JwtClaims(), description="Which claim says what.")
    roles: dict[str, JwtRole] = Field(
        default={},
        description="Values of the role claim to roles of the gateway, for its administration too; the highest wins, "
        "user by default. The master's role is not among them.",
    )
    lasting_grants: bool = Field(
        default=False,
        description="Whether keys that an administrator made with a token may outlive it; they end with it by default.",
    )
    team: Name | Literal[""] = Field(default="", description="Team of all tokens, where no claim says it.")
    models: tuple[ModelName, ...] | None = Field(
        default=None, description="Allowlist names or globs, where no claim says it; all models by default."
    )
    private_only: bool = Field(default=False, description="Requests of these callers stay on private providers.")
    end_users: Literal["ignored", "accepted", "required"] = Field(
        default="ignored", description="Whether x-kaigate-user is believed; a person's token says who it is."
    )
    limits: LimitSettings = Field(default=LimitSettings(), description="Per subject, instead of the defaults.")
    preset: Name | None = Field(default=None, description="A name under limits.presets, where no claim says it.")
    max_token_bytes: Annotated[int, Field(ge=512, le=65_536)] = Field(default=8192, description="Longest token.")
    cache_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=300, description="Time for which a verified token is remembered, never beyond its expiry."
    )
    refresh_s: Seconds = Field(default=600, description="Age at which the keys are fetched again.")
    min_refresh_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=10, description="Least time between two fetches, whatever key ids come."
    )
    max_stale_s: Annotated[float, Field(ge=1, le=604_800)] = Field(
        default=86_400, description="Age at which keys are no longer used while the provider cannot be reached."
    )
    fetch_timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(default=5, description="Time to fetch the keys.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("team", "models", "preset"):
            if getattr(self.claims, name) is not None and getattr(self, name) not in (None, ""):
                raise ValueError(f"`{name}` is said twice, as claims.{name} and for all tokens: leave one out")
        if self.roles and self.claims.role is None:
            raise ValueError("roles are looked up by a claim: name it as claims.role")
        if "team_admin" in self.roles.values() and self.claims.team is None and not self.team:
            raise ValueError("a team_admin has a team: name it, or its claim as claims.team")
        if self.max_stale_s < self.refresh_s:
            raise ValueError("max_stale_s is at least refresh_s")
        return self
