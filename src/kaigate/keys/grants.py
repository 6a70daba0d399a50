"""Who may grant what: master > admin > team admin > viewer > user, and never more than one's own.

Pure rules. What an issuer leaves open in a new key it passes on from its own; a change must stay within what the
changing caller may do itself, or only take away.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

import msgspec

from kaigate.errors import AccessDeniedError
from kaigate.keys.globs import covers
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyChange, KeyRights
from kaigate.pipeline.principal import UNLIMITED, Limits, Role

RANK: Final[dict[Role, int]] = {"user": 0, "viewer": 1, "team_admin": 2, "admin": 3, "master": 4}
_COUNTS: Final = ("rpm", "tpm", "parallel", "max_input_tokens")


def may_administer(caller: KeyRights) -> None:
    """Raises `AccessDeniedError` for who may change no key at all."""
    if RANK[caller.role] < RANK["team_admin"] or (caller.role == "team_admin" and not caller.team):
        raise AccessDeniedError("route_not_allowed", "This key may not administer keys.")


def visible_team(caller: KeyRights) -> str | None:
    """The team whose keys and usage a caller may see, None for all; raises `AccessDeniedError` for who may see none."""
    if RANK[caller.role] < RANK["viewer"] or (caller.role == "team_admin" and not caller.team):
        raise AccessDeniedError("route_not_allowed", "This key may not look at keys, teams or usage.")
    return None if RANK[caller.role] >= RANK["admin"] else caller.team or None


def may_govern(caller: KeyRights) -> None:
    """Raises `AccessDeniedError` for who may not change teams."""
    if RANK[caller.role] < RANK["admin"]:
        raise AccessDeniedError("route_not_allowed", "Only an administrator's key may change teams.")


def new_rights(issuer: KeyRights, change: KeyChange, policy: KeyPolicy) -> KeyRights:
    """The rights of a key that `issuer` creates; raises `AccessDeniedError` where they exceed the issuer's."""
    may_administer(issuer)
    wanted = change.applied_to(inherited(issuer))
    _refuse(excess(wanted, issuer, policy))
    return wanted


def changed_rights(caller: KeyRights, before: KeyRights, change: KeyChange, policy: KeyPolicy) -> KeyRights:
    """The rights of an existing key after a change; raises `AccessDeniedError`.

    They must lie within the caller's own, or within what the key could do before. Mixing the two field by field would
    be wrong: the mixture may allow what neither did.
    """
    _refuse_stranger(caller, before)
    wanted = change.applied_to(before)
    if excess(wanted, before, policy) is not None:
        _refuse(excess(wanted, caller, policy))
    return wanted


def may_rotate(caller: KeyRights, key: KeyRights, policy: KeyPolicy) -> None:
    """Whoever rotates a key holds it afterwards: it must not be able to do more than its holder."""
    _refuse_stranger(caller, key)
    _refuse(excess(key, caller, policy))


def may_revoke(caller: KeyRights, key: KeyRights) -> None:
    """Taking away is open to whoever administers the key and isn't below it."""
    _refuse_stranger(caller, key)


def inherited(issuer: KeyRights) -> KeyRights:
    """The rights that a new key has where nothing is asked for: the issuer's own, without its role."""
    return msgspec.structs.replace(issuer, role="user")


def excess(wanted: KeyRights, bound: KeyRights, policy: KeyPolicy) -> str | None:
    """The first field in which `wanted` allows more than `bound`, None where it is contained."""
    if wanted.role == "master":
        return "role"
    if bound.role == "master":
        return None
    lists = ("models", "providers", "tools")
    checks = {
        "role": RANK[wanted.role] <= RANK[bound.role],
        "team": wanted.team == bound.team or RANK[bound.role] >= RANK["admin"],
        **{name: covers(getattr(bound, name), getattr(wanted, name)) for name in lists},
        "networks": _networks_within(wanted.networks, bound.networks),
        "private_only": wanted.private_only or not bound.private_only,
        # Nobody here knows which of two profiles is the stricter one.
        "guardrail_profile": wanted.guardrail_profile == bound.guardrail_profile,
        "end_users": bound.end_users in {"accepted", wanted.end_users},
        "expires_at": bound.expires_at is None
        or (wanted.expires_at is not None and wanted.expires_at <= bound.expires_at),
    }
    failed = next((name for name, within in checks.items() if not within), None)
    return failed or _limits_excess(policy.effective(wanted), policy.effective(bound))


def _limits_excess(wanted: Limits, bound: Limits) -> str | None:
    for name in _COUNTS:
        if not _at_most(getattr(wanted, name), getattr(bound, name)):
            return f"limits.{name}"
    if bound.budget == UNLIMITED or wanted.budget == 0:
        return None
    if not _at_most(wanted.budget, bound.budget):
        return "limits.budget"
    # Ten dollars a day are more than ten a month, and windows begin at different times: only equal ones compare.
    return None if wanted.budget_window == bound.budget_window else "limits.budget_window"


def _at_most(wanted: int | None, bound: int | None) -> bool:
    if bound is None or bound == UNLIMITED:
        return True
    return wanted is not None and wanted != UNLIMITED and wanted <= bound


def _networks_within(wanted: tuple[str, ...] | None, bound: tuple[str, ...] | None) -> bool:
    if bound is None:
        return True
    if wanted is None:
        return False
    outer = [ip_network(text) for text in bound]
    return all(any(_is_subnet(ip_network(text), network) for network in outer) for text in wanted)


def _is_subnet(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def _refuse_stranger(caller: KeyRights, key: KeyRights) -> None:
    may_administer(caller)
    if RANK[key.role] > RANK[caller.role]:
        raise AccessDeniedError("route_not_allowed", "This key belongs to a role above yours.")
    if RANK[caller.role] < RANK["admin"] and key.team != caller.team:
        raise AccessDeniedError("route_not_allowed", "This key belongs to another team.")


def _refuse(field: str | None) -> None:
    if field is not None:
        raise AccessDeniedError("route_not_allowed", f"{field}: more than your own key allows.", param=field)
