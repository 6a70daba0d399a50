"""Whether asked-for rights make sense at all, whoever asks; checked once, where they enter."""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

from kaigate.errors import RequestInvalidError
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.record import KeyRights
from kaigate.pipeline.principal import UNLIMITED, Limits

MAX_LIST: Final = 256
MAX_COUNT: Final = 10_000_000_000
# A billion dollars, as in `kaigate.money`.
MAX_BUDGET: Final = 1_000_000_000 * 1_000_000_000
MAX_TEXT: Final = 500
# 9999-12-31: what any calendar can show.
MAX_TIME_MS: Final = 253_402_214_400_000

# As in `config.models`: names become metric labels, header values and path steps.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATTERN: Final = re.compile(r"[!-~]{1,256}")
_WINDOW: Final = re.compile(r"day|week|month|[1-9][0-9]{0,2}d")


def check_name(name: str, param: str) -> None:
    """A name of a key or a team; raises `RequestInvalidError`."""
    if not _NAME.fullmatch(name):
        _refuse(param, "has 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit")


def check_text(text: str, param: str) -> None:
    """Free text that is shown in tables; raises `RequestInvalidError`."""
    if len(text) > MAX_TEXT or not text.isprintable():
        _refuse(param, f"has at most {MAX_TEXT} printable characters")


def check_rights(rights: KeyRights, policy: KeyPolicy) -> None:
    """Shapes, ranges and roles; raises `RequestInvalidError` naming the field."""
    if rights.team:
        check_name(rights.team, "team")
    if rights.role == "master":
        _refuse("role", "the master key is configured, not created")
    if rights.role == "admin" and rights.team:
        _refuse("team", "an admin's key belongs to no team; a team_admin's does")
    if rights.role == "team_admin" and not rights.team:
        _refuse("team", "a team_admin's key needs one")
    _check_list("models", rights.models, lambda text: _PATTERN.fullmatch(text) is not None)
    _check_list("tools", rights.tools, lambda text: _PATTERN.fullmatch(text) is not None)
    _check_list("providers", rights.providers, lambda text: _NAME.fullmatch(text) is not None)
    _check_list("networks", rights.networks, _is_network)
    if rights.guardrail_profile:
        check_name(rights.guardrail_profile, "guardrail_profile")
    if rights.preset is not None and rights.preset not in policy.presets:
        _refuse("preset", "names no preset of the configuration (limits.presets)")
    if rights.expires_at is not None and not 0 < rights.expires_at <= MAX_TIME_MS:
        _refuse("expires_at", "is no time that can be")
    check_limits(rights.limits)


def check_limits(limits: Limits) -> None:
    """Ranges of limits and the budget's window; raises `RequestInvalidError`."""
    for name, most in (
        ("rpm", MAX_COUNT),
        ("tpm", MAX_COUNT),
        ("parallel", MAX_COUNT),
        ("max_input_tokens", MAX_COUNT),
        ("budget", MAX_BUDGET),
    ):
        value = getattr(limits, name)
        if value is not None and not UNLIMITED <= value <= most:
            _refuse(f"limits.{name}", f"lies between 0 and {most}, or is {UNLIMITED} for no limit")
    if limits.budget_window is not None and not _WINDOW.fullmatch(limits.budget_window):
        _refuse("limits.budget_window", "is day, week, month or a number of days such as 30d")


def _check_list(param: str, values: tuple[str, ...] | None, fine: Callable[[str], bool]) -> None:
    if values is None:
        return
    if len(values) > MAX_LIST:
        _refuse(param, f"has at most {MAX_LIST} entries")
    for index, value in enumerate(values):
        if not fine(value):
            _refuse(f"{param}[{index}]", "is not a valid entry")


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    # A zone is a name of one machine's own network card.
    return "%" not in text


def _refuse(param: str, message: str) -> None:
    raise RequestInvalidError("invalid_request", f"{param}: {message}.", param=param)
