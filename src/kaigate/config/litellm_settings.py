"""LiteLLM's `litellm_settings`, `router_settings` and `general_settings`: what of them has a counterpart here."""

import re
from typing import Any, Final

from kaigate.config.litellm_notes import Section
from kaigate.config.litellm_providers import ENVIRONMENT, Environment
from kaigate.config.load import DATABASE_VARIABLE, MASTER_KEY_VARIABLE, REDIS_VARIABLE

MAX_SECONDS: Final = 86_400.0
_MAX_ATTEMPTS: Final = 10
_DAYS: Final = re.compile(r"([1-9][0-9]{0,2})d")
_WINDOWS: Final = {"24h": "1d", "1mo": "month", "30d": "30d", "7d": "7d"}
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}")
_LIMITS: Final = {
    "rpm": ("rpm", 10_000_000),
    "rpm_limit": ("rpm", 10_000_000),
    "tpm": ("tpm", 10_000_000_000),
    "tpm_limit": ("tpm", 10_000_000_000),
    "max_parallel_requests": ("parallel", 1_000_000),
    "parallel": ("parallel", 1_000_000),
}
_CALLBACKS: Final = frozenset(("success_callback", "failure_callback", "callbacks", "service_callbacks", "alerting"))


class Target:
    """The sections of the configuration that settings go to."""

    def __init__(self, providers: dict[str, dict[str, Any]], environment: Environment) -> None:
        self.providers = providers
        self.environment = environment
        self.routing: dict[str, Any] = {}
        self.defaults: dict[str, Any] = {}
        self.store: dict[str, Any] = {}
        self.keys: dict[str, Any] = {}
        self.server: dict[str, Any] = {}


def take_litellm(section: Section, target: Target) -> None:
    """`litellm_settings`."""
    drop = section.flag("drop_params")
    if drop is not None:
        if drop:
            for row in target.providers.values():
                row["drop_params"] = True
        section.notes.carried(section.at("drop_params"), f"providers.<name>.drop_params: {str(drop).lower()}")
    _timeout(section, "request_timeout", target)
    _attempts(section, target)
    _limits(section, target, whole_proxy=True)
    if "default_key_generate_params" in section:
        path = section.at("default_key_generate_params")
        _limits(Section(section.raw("default_key_generate_params"), path, section.notes), target, whole_proxy=False)
    if "cache" in section:
        section.notes.dropped(section.at("cache"), "answers are not cached")
    _redis(Section(section.raw("cache_params"), section.at("cache_params"), section.notes), "", target)
    _callbacks(section)


def take_router(section: Section, target: Target) -> None:
    """`router_settings`, but for strategy, aliases and fallbacks."""
    _timeout(section, "timeout", target)
    _attempts(section, target)
    breaker: dict[str, Any] = {}
    fails = section.number("allowed_fails")
    if fails is not None and 0 <= fails < 1000:
        breaker["failures"] = int(fails) + 1
        section.notes.changed(
            section.at("allowed_fails"), "routing.breaker.failures: failures in a row, not per minute"
        )
    cooldown = section.number("cooldown_time")
    if cooldown is not None and cooldown > 0:
        breaker["open_s"] = min(cooldown, MAX_SECONDS)
        section.notes.carried(section.at("cooldown_time"), "routing.breaker.open_s")
    if section.flag("disable_cooldowns"):
        breaker["enabled"] = False
        section.notes.carried(section.at("disable_cooldowns"), "routing.breaker.enabled: false")
    if breaker:
        target.routing["breaker"] = breaker
    if "enable_pre_call_checks" in section:
        section.notes.carried(section.at("enable_pre_call_checks"), "context_tokens of a model are always looked at")
    _redis(section, "redis_", target)


def take_general(section: Section, target: Target) -> None:
    """`general_settings`."""
    key = target.environment.reference(section, "master_key", MASTER_KEY_VARIABLE)
    if key is not None:
        target.keys["master_key"] = key
    database = target.environment.reference(section, "database_url", DATABASE_VARIABLE)
    if database is not None:
        target.store["database"] = database
        section.notes.general("store.database: tables are not shared with LiteLLM, and its keys are not carried over")
    size = section.number("max_request_size_mb")
    if size is not None and size > 0:
        target.server["max_body_bytes"] = int(max(1024, min(size * 1024 * 1024, 1 << 30)))
        section.notes.carried(section.at("max_request_size_mb"), "server.max_body_bytes")
    for name in ("max_parallel_requests", "global_max_parallel_requests"):
        if name in section:
            section.notes.dropped(section.at(name), "set limits.providers.<name>.parallel or limits.defaults.parallel")
    for name in ("background_health_checks", "health_check_interval"):
        if name in section:
            section.notes.dropped(
                section.at(name), "set routing.health_checks, and health_path of the providers to be asked"
            )
    if "enable_jwt_auth" in section:
        section.notes.dropped(section.at("enable_jwt_auth"), "set keys.jwt")
    _callbacks(section)


def _timeout(section: Section, name: str, target: Target) -> None:
    seconds = section.number(name)
    if seconds is None:
        return
    if seconds <= 0:
        section.notes.dropped(section.at(name), "is not in a usable range")
        return
    for row in target.providers.values():
        row["timeout_s"] = min(seconds, MAX_SECONDS)
    told = section.notes.carried if seconds <= MAX_SECONDS else section.notes.changed
    told(section.at(name), f"providers.<name>.timeout_s: {min(seconds, MAX_SECONDS):g}")


def _attempts(section: Section, target: Target) -> None:
    retries = section.number("num_retries")
    if retries is None:
        return
    attempts = max(1, min(_MAX_ATTEMPTS, int(retries) + 1))
    target.routing["max_attempts"] = attempts
    section.notes.changed(
        section.at("num_retries"), f"routing.max_attempts: {attempts}, the first one and fallbacks counted"
    )


def _limits(section: Section, target: Target, *, whole_proxy: bool) -> None:
    meant = "of every key that says nothing else" + (", not of the whole proxy" if whole_proxy else "")
    for name, (field, most) in _LIMITS.items():
        value = section.number(name)
        if value is not None and value >= 0:
            target.defaults[field] = int(min(value, most))
            section.notes.changed(section.at(name), f"limits.defaults.{field}: {meant}")
    budget = section.number("max_budget")
    if budget is None:
        return
    if not 0 <= budget <= 1_000_000_000:
        section.notes.dropped(section.at("max_budget"), "is not in a usable range")
        return
    target.defaults["budget_usd"] = round(budget, 9)
    section.notes.changed(section.at("max_budget"), f"limits.defaults.budget_usd: {meant}")
    given = section.text("budget_duration")
    if given is None:
        section.notes.general(
            "limits.defaults.budget_window: LiteLLM's budget never begins anew, here it does, after 30 days"
        )
        return
    window = _WINDOWS.get(given, given)
    if _DAYS.fullmatch(window) or window == "month":
        target.defaults["budget_window"] = window
        section.notes.carried(section.at("budget_duration"), f"limits.defaults.budget_window: {window}")
    else:
        section.notes.changed(section.at("budget_duration"), "limits.defaults.budget_window: 1d, the shortest there is")
        target.defaults["budget_window"] = "1d"


def _redis(section: Section, prefix: str, target: Target) -> None:
    """Host and port of Redis, which shares counters; with a password the whole address is a secret."""
    names = [
        name for name in (f"{prefix}host", f"{prefix}port", f"{prefix}password", f"{prefix}url") if name in section
    ]
    if not prefix:
        kind = section.text("type")
        if kind is not None and not kind.startswith("redis"):
            section.notes.dropped(section.at("type"), "answers are not cached")
            return
    if not {f"{prefix}host", f"{prefix}url"} & set(names):
        return
    host, port = section.text(f"{prefix}host"), section.number(f"{prefix}port") or 6379
    secret = any(str(section.raw(name)).startswith(ENVIRONMENT) for name in names) or f"{prefix}url" in names
    usable = host is not None and _HOST.fullmatch(host) and 0 < port <= 65_535 and port == int(port)
    if usable and not secret and f"{prefix}password" not in names:
        target.store["redis"] = {"url": f"redis://{host}:{int(port)}"}
        message = "store.redis.url: for limits"
    else:
        target.store["redis"] = {"url": target.environment.need(REDIS_VARIABLE)}
        message = f"store.redis.url: env:{REDIS_VARIABLE}: put redis://:password@host:port into this variable"
    for name in names:
        section.notes.changed(section.at(name), message)


def _callbacks(section: Section) -> None:
    for name in _CALLBACKS:
        if name in section:
            section.notes.dropped(section.at(name), "no callbacks: read the metrics, the access log and the ledger")
