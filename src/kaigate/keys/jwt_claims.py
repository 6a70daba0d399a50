"""What the claims of a verified token mean: who the caller is and what it may use."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kaigate.config.jwt_settings import JwtRole, JwtSettings
from kaigate.keys.policy import KeyPolicy, own_limits
from kaigate.keys.record import KeyRights
from kaigate.pipeline.principal import Limits, Principal

MAX_NAME_CHARS: Final = 128
MAX_VALUES: Final = 256
MAX_TIME: Final = 253_402_300_800
"""The year 10000: no later expiry is believed."""
_ID_DOMAIN: Final = b"kaigate jwt subject\0"
_RANKS: Final[tuple[JwtRole, ...]] = ("admin", "team_admin", "viewer", "user")
# As names in the configuration: teams become metric labels.
_TEAM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODEL: Final = re.compile(r"[!-~]{1,256}")


class ClaimError(ValueError):
    """A claim is missing, malformed or not one of those that are accepted; says which, never its value."""


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object in which no name comes twice and every number is finite; raises ClaimError."""
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ClaimError("not a JSON object with unique names") from None
    if not isinstance(value, dict):
        raise ClaimError("not a JSON object")
    return value


def principal_of(claims: Mapping[str, Any], settings: JwtSettings, policy: KeyPolicy) -> Principal:
    """The caller behind the claims of a token whose signature, issuer, audience and times hold.

    Each subject of the issuer has a `key_id` of its own, derived from both. Raises ClaimError.
    """
    for path, accepted in settings.required_claims.items():
        found = values(claims, path)
        if not found or (accepted and not set(found) & set(accepted)):
            raise ClaimError(f"the claim {path}")
    rights = KeyRights(limits=own_limits(settings.limits), preset=_preset(claims, settings, policy))
    team = _team(claims, settings)
    return Principal(
        key_id=subject_id(settings.issuer, _text(claims, "sub")),
        name=_text(claims, settings.claims.name),
        team=team,
        models=_models(claims, settings),
        private_only=settings.private_only,
        role=_role(claims, settings),
        expires_at=expiry(claims),
        end_users=settings.end_users,
        limits=policy.explicit(rights),
        team_limits=policy.teams.get(team, Limits()) if team else Limits(),
    )


def subject_id(issuer: str, subject: str) -> str:
    """The public id of a subject: `jwt-` and 12 hex digits."""
    digest = hashlib.sha256(_ID_DOMAIN + msgspec.json.encode((issuer, subject)))
    return f"jwt-{digest.hexdigest()[:12]}"


def expiry(claims: Mapping[str, Any]) -> float:
    """The `exp` claim, Unix seconds; raises ClaimError where it is no time."""
    value = claims.get("exp")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < MAX_TIME:
        raise ClaimError("the claim exp")
    return float(value)


def values(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """What stands at a path as texts, booleans as `true` and `false`; nothing where it is missing or malformed."""
    value: Any = claims.get(path)
    if value is None and "." in path:
        value = claims
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
    listed = value if isinstance(value, list) else [value]
    if len(listed) > MAX_VALUES:
        raise ClaimError(f"the claim {path} has too many values")
    return tuple(text for item in listed if (text := _as_text(item)) is not None)


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _text(claims: Mapping[str, Any], path: str) -> str:
    found = values(claims, path)
    if len(found) != 1 or not 1 <= len(found[0]) <= MAX_NAME_CHARS or not found[0].isprintable():
        raise ClaimError(f"the claim {path}")
    return found[0]


def _team(claims: Mapping[str, Any], settings: JwtSettings) -> str:
    if settings.claims.team is None:
        return settings.team
    team = _text(claims, settings.claims.team)
    if _TEAM.fullmatch(team) is None:
        raise ClaimError(f"the claim {settings.claims.team} is no name of a team")
    return team


def _preset(claims: Mapping[str, Any], settings: JwtSettings, policy: KeyPolicy) -> str | None:
    if settings.claims.preset is None:
        return settings.preset
    preset = _text(claims, settings.claims.preset)
    if preset not in policy.presets:
        raise ClaimError(f"the claim {settings.claims.preset} is no name of a preset")
    return preset


def _models(claims: Mapping[str, Any], settings: JwtSettings) -> tuple[str, ...] | None:
    if settings.claims.models is None:
        return settings.models
    found = values(claims, settings.claims.models)
    if not found or not all(_MODEL.fullmatch(model) for model in found):
        raise ClaimError(f"the claim {settings.claims.models}")
    return found


def _role(claims: Mapping[str, Any], settings: JwtSettings) -> JwtRole:
    if settings.claims.role is None:
        return "user"
    granted = {settings.roles.get(value) for value in values(claims, settings.claims.role)}
    return next((role for role in _RANKS if role in granted), "user")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    # 1e999 is read as infinity.
    if len(found) != len(pairs) or any(isinstance(v, float) and not math.isfinite(v) for v in found.values()):
        raise ValueError
    return found


def _refuse(_constant: str) -> None:
    raise ValueError
