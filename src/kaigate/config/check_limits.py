"""Cross-checks of `limits` and of prices: every name is one that exists, every amount is exact."""

from collections.abc import Mapping

from kaigate.config.findings import Findings
from kaigate.config.models import GatewayConfig, LimitSettings
from kaigate.config.problems import KeyPath, shown, suggestion
from kaigate.money import from_usd


def check_limits(config: GatewayConfig, findings: Findings) -> None:
    """Limits of every scope, presets of keys, prices of models."""
    limits = config.limits
    scopes: list[tuple[KeyPath, LimitSettings]] = [(("limits", "defaults"), limits.defaults)]
    scopes.append((("limits", "users"), limits.users))
    for section in ("presets", "teams", "models", "providers"):
        scopes.extend((("limits", section, name), item) for name, item in getattr(limits, section).items())
    scopes.extend((("keys", "static", name, "limits"), key.limits) for name, key in config.keys.static.items())
    for path, scope in scopes:
        _check_scope(path, scope, findings)
    _check_names(("limits", "models"), limits.models, config.models, "model of the allowlist", findings)
    _check_names(("limits", "providers"), limits.providers, config.providers, "provider", findings)
    for name, key in config.keys.static.items():
        if key.preset is not None and key.preset not in limits.presets:
            near = suggestion(key.preset, limits.presets)
            message = f'no preset is named "{shown(key.preset)}"{near}'
            findings.error(("keys", "static", name, "preset"), message)
    token = config.keys.jwt
    if token is not None:
        _check_scope(("keys", "jwt", "limits"), token.limits, findings)
        if token.preset is not None and token.preset not in limits.presets:
            message = f'no preset is named "{shown(token.preset)}"{suggestion(token.preset, limits.presets)}'
            findings.error(("keys", "jwt", "preset"), message)
    for name, model in config.models.items():
        for field in ("input", "output", "cached_input", "cache_write"):
            amount = getattr(model.price, field, None)
            _check_amount(("models", name, "price", field), amount, findings)
    if not limits.enabled:
        findings.warn(("limits", "enabled"), "no limit is enforced and no usage is recorded")


def _check_scope(path: KeyPath, scope: LimitSettings, findings: Findings) -> None:
    _check_amount((*path, "budget_usd"), scope.budget_usd, findings)
    if scope.budget_usd is not None and scope.budget_window is None:
        findings.error((*path, "budget_usd"), "needs a budget_window: day, week, month or a number of days such as 30d")
    if scope.budget_usd is None and scope.budget_window is not None and "budget_window" in scope.model_fields_set:
        findings.warn((*path, "budget_window"), "has no effect without budget_usd")


def _check_amount(path: KeyPath, amount: float | None, findings: Findings) -> None:
    if amount is None:
        return
    try:
        from_usd(amount)
    except ValueError as error:
        findings.error(path, str(error))


def _check_names(
    path: KeyPath, named: Mapping[str, LimitSettings], known: Mapping[str, object], what: str, findings: Findings
) -> None:
    for name in named:
        if name not in known:
            message = f'"{shown(name)}" is no {what}{suggestion(name, known)}'
            findings.error((*path, name), message, key=True)
