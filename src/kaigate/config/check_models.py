"""Cross-checks of `models` and `provider_models`: every name leads to a provider, and to one only."""

from kaigate.config.findings import Findings
from kaigate.config.models import GatewayConfig, ModelSettings
from kaigate.config.patterns import is_glob, literal_head
from kaigate.config.prefixes import DEFAULT_PREFIXES, PrefixTable, named_by, prefix_table, providers_for
from kaigate.config.problems import KeyPath, shown, suggestion
from kaigate.config.provider_types import ProviderTypes

_LATEST = '":latest" is refused, since what it names changes with every pull: name a version'


def check_models(config: GatewayConfig, types: ProviderTypes, findings: Findings) -> None:
    """The allowlist and the prefixes."""
    if not config.models:
        findings.warn(("models",), "the allowlist is empty: every request will be refused")
    _check_prefixes(config, types, findings)
    table = prefix_table(config)
    for name, settings in config.models.items():
        path: KeyPath = ("models", name)
        if _is_latest(name):
            findings.error(path, _LATEST, key=True)
        providers = _check_deployments(path, config, settings, findings)
        if not settings.deployments:
            providers = _check_provider_of(name, path, table, findings)
        if settings.private and providers and not any(_zone(config, item, types) == "private" for item in providers):
            findings.error((*path, "private"), f"none of its providers is private ({', '.join(providers)})")
    _check_aliases(config, findings)


def _check_prefixes(config: GatewayConfig, types: ProviderTypes, findings: Findings) -> None:
    known = {*config.providers, *types, *DEFAULT_PREFIXES}
    owners: dict[str, str] = {}
    for key, prefixes in config.provider_models.items():
        if key not in known:
            message = f"names no provider and no provider type{suggestion(key, config.providers or sorted(known))}"
            findings.error(("provider_models", key), message, key=True)
        for index, prefix in enumerate(prefixes):
            place = ("provider_models", key, index)
            if is_glob(prefix):
                findings.error(place, "a prefix has no wildcards: write the beginning of the name only")
            owner = owners.setdefault(prefix, key)
            if owner != key and named_by(config, owner) and named_by(config, key):
                findings.error(place, f"this prefix already belongs to {owner}")


def _check_deployments(
    path: KeyPath, config: GatewayConfig, settings: ModelSettings, findings: Findings
) -> tuple[str, ...]:
    providers: list[str] = []
    for index, deployment in enumerate(settings.deployments):
        place = (*path, "deployments", index)
        if deployment.provider in config.providers:
            providers.append(deployment.provider)
        else:
            near = suggestion(deployment.provider, config.providers)
            findings.error((*place, "provider"), f'no provider is named "{shown(deployment.provider)}"{near}')
        if deployment.model is not None and _is_latest(deployment.model):
            findings.error((*place, "model"), _LATEST)
        if deployment.model is not None and is_glob(deployment.model):
            findings.error((*place, "model"), "is the upstream's own name of one model: no wildcards")
    return tuple(providers)


def _check_provider_of(name: str, path: KeyPath, table: PrefixTable, findings: Findings) -> tuple[str, ...]:
    """A name without deployments needs one provider by its prefix; a glob needs one for some name it admits."""
    if is_glob(name):
        head = literal_head(name)
        providers = providers_for(table, head) or tuple(
            provider for prefix, names in table.items() if prefix.startswith(head) for provider in names
        )
    else:
        providers = providers_for(table, name)
        if len(providers) > 1:
            listed = ", ".join(providers)
            findings.error(path, f"its prefix fits several providers ({listed}): name one in deployments", key=True)
    if not providers:
        message = "no prefix of a configured provider fits this name: give deployments, or a prefix in provider_models"
        findings.error(path, message, key=True)
    return providers


def _check_aliases(config: GatewayConfig, findings: Findings) -> None:
    owners: dict[str, str] = {}
    for name, settings in config.models.items():
        for index, alias in enumerate(settings.aliases):
            place = ("models", name, "aliases", index)
            if is_glob(name):
                findings.error(place, "a glob names many models and has no alias")
            if is_glob(alias):
                findings.error(place, "an alias is one name: no wildcards")
            if alias in config.models:
                findings.error(place, f'"{shown(alias)}" is a model of the allowlist itself')
            if alias in owners:
                findings.error(place, f'"{shown(alias)}" is already an alias of {shown(owners[alias])}')
            owners.setdefault(alias, name)


def _is_latest(name: str) -> bool:
    return name.lower().endswith(":latest")


def _zone(config: GatewayConfig, provider: str, types: ProviderTypes) -> str:
    settings = config.providers[provider]
    defaults = types.get(settings.type)
    # An unknown type has been reported; it must not cause a second message here.
    return settings.zone or (defaults.zone if defaults else "private")
