"""Cross-checks of routing: fallbacks lead somewhere and end, ceilings are exact amounts, settings have an effect."""

from collections.abc import Iterator

from kaigate.config.findings import Findings
from kaigate.config.models import GatewayConfig, ModelSettings
from kaigate.config.patterns import is_glob
from kaigate.config.problems import KeyPath, shown, suggestion
from kaigate.config.routing_settings import PartRules
from kaigate.money import from_usd


def check_routing(config: GatewayConfig, findings: Findings) -> None:
    """Fallback chains, cost ceilings, weights, parts and health checks."""
    names = {name for name in config.models if not is_glob(name)}
    for name, settings in config.models.items():
        path: KeyPath = ("models", name)
        _check_fallbacks(path, name, settings, names, findings)
        _check_deployments(path, settings, findings)
        _check_amount((*path, "max_cost_usd"), settings.max_cost_usd, findings)
    _check_cycles(config, findings)
    _check_amount(("routing", "max_cost_usd"), config.routing.max_cost_usd, findings)
    for name, provider in config.providers.items():
        _check_parts(("providers", name), provider, findings)
    zones = config.routing.zones
    for zone, rules in (("private", zones.private), ("external", zones.external)):
        _check_parts(("routing", "zones", zone), rules, findings)
    _check_health(config, findings)


def _chains(settings: ModelSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "fallbacks", settings.fallbacks
    yield "context_fallbacks", settings.context_fallbacks


def _check_fallbacks(path: KeyPath, name: str, settings: ModelSettings, names: set[str], findings: Findings) -> None:
    for field, chain in _chains(settings):
        for index, target in enumerate(chain):
            place = (*path, field, index)
            if target == name:
                findings.error(place, "a model is no fallback of itself")
            elif target not in names:
                findings.error(place, f'"{shown(target)}" is no model of the allowlist{suggestion(target, names)}')
            elif target in chain[:index]:
                findings.error(place, f'"{shown(target)}" is already named')
    if settings.context_fallbacks and not _knows_window(settings):
        findings.warn((*path, "context_fallbacks"), "has no effect without context_tokens")


def _knows_window(settings: ModelSettings) -> bool:
    return settings.context_tokens is not None or any(item.context_tokens for item in settings.deployments)


def _check_deployments(path: KeyPath, settings: ModelSettings, findings: Findings) -> None:
    if settings.deployments and not any(item.weight for item in settings.deployments):
        findings.error((*path, "deployments"), "every weight is 0: nothing would serve it")
    seen: set[tuple[str, str | None]] = set()
    for index, item in enumerate(settings.deployments):
        if (item.provider, item.model) in seen:
            findings.error((*path, "deployments", index), "is the same as an earlier one: give that one more weight")
        seen.add((item.provider, item.model))


def _check_cycles(config: GatewayConfig, findings: Findings) -> None:
    """A chain of fallbacks that comes back to where it began never ends."""
    settled: set[str] = set()
    for name in config.models:
        _descend(config, name, (), settled, findings)


def _descend(config: GatewayConfig, name: str, above: tuple[str, ...], settled: set[str], findings: Findings) -> None:
    if name in settled:
        return
    for field, chain in _chains(config.models[name]):
        for index, target in enumerate(chain):
            if target == name or target not in config.models:
                continue
            if target in above:
                circle = " -> ".join(map(shown, (*above[above.index(target) :], name, target)))
                findings.error(("models", name, field, index), f"fallbacks go round in a circle: {circle}")
            else:
                _descend(config, target, (*above, name), settled, findings)
    settled.add(name)


def _check_amount(path: KeyPath, amount: float | None, findings: Findings) -> None:
    if amount is None:
        return
    try:
        from_usd(amount)
    except ValueError as error:
        findings.error(path, str(error))


def _check_parts(path: KeyPath, rules: PartRules, findings: Findings) -> None:
    for index, part in enumerate(rules.block_parts):
        if rules.allow_parts is not None and part in rules.allow_parts:
            findings.error((*path, "block_parts", index), f"{part} is allowed by allow_parts")


def _check_health(config: GatewayConfig, findings: Findings) -> None:
    checks = config.routing.health_checks.enabled
    paths = [name for name, provider in config.providers.items() if provider.health_path is not None]
    if checks and not paths:
        findings.warn(("routing", "health_checks"), "no provider has a health_path: nothing is asked")
    if paths and not checks:
        for name in paths:
            findings.warn(("providers", name, "health_path"), "has no effect without routing.health_checks.enabled")
