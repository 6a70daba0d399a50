"""Entries of the allowlist, made of their configuration: deployments with what each can, must not and may do."""

from collections.abc import Mapping

from kaigate.config.models import DeploymentSettings, GatewayConfig, ModelSettings, Zone
from kaigate.config.prefixes import prefix_table, providers_for
from kaigate.config.routing_settings import Capabilities, Capability, Part
from kaigate.money import from_usd
from kaigate.pipeline.plan import Deployment, ModelEntry, Pin
from kaigate.providers.ollama import in_window
from kaigate.providers.ollama_tags import full_name, plain_digest
from kaigate.routing.digests import place_of
from kaigate.routing.upstream import BuiltProvider


class EntryBuilder:
    """Makes entries of one cross-checked configuration; `providers` holds each of its providers by name."""

    __slots__ = ("_blocked", "_config", "_prefixes", "_providers")

    def __init__(self, config: GatewayConfig, providers: Mapping[str, BuiltProvider]) -> None:
        self._config = config
        self._providers = providers
        self._prefixes = prefix_table(config)
        zones = config.routing.zones
        of_zone: dict[Zone, frozenset[Part]] = {
            "private": zones.private.blocked(),
            "external": zones.external.blocked(),
        }
        self._blocked = {
            name: config.providers[name].blocked() | of_zone[built.zone] for name, built in providers.items()
        }

    def entry(self, name: str, settings: ModelSettings, *, label: str | None = None) -> ModelEntry:
        """The entry of `name`; without deployments its prefix picks the provider. `label` is the glob that admits it.

        A deployment of weight 0 is kept: the plan says that it is drained.
        """
        chosen = settings.deployments or tuple(
            DeploymentSettings(provider=provider) for provider in providers_for(self._prefixes, name)
        )
        label = label or name
        routing = self._config.routing
        ceilings = [usd for usd in (routing.max_cost_usd, settings.max_cost_usd) if usd is not None]
        return ModelEntry(
            name=name,
            label=label,
            deployments=tuple(self._deployment(item, name, label, settings) for item in chosen),
            max_tokens=settings.max_tokens,
            max_input_tokens=settings.max_input_tokens,
            private=settings.private,
            strategy=settings.strategy or routing.strategy,
            fallbacks=settings.fallbacks,
            context_fallbacks=settings.context_fallbacks,
            hosted_tools=frozenset(settings.hosted_tools),
            max_cost=from_usd(min(ceilings)) if ceilings else None,
        )

    def _deployment(self, item: DeploymentSettings, name: str, label: str, settings: ModelSettings) -> Deployment:
        built = self._providers[item.provider]
        model = item.model or name
        context_tokens = item.context_tokens or settings.context_tokens
        return Deployment(
            provider=in_window(
                built.provider,
                context_tokens=context_tokens,
                max_input_tokens=settings.max_input_tokens,
                max_tokens=settings.max_tokens,
            ),
            target=built.target,
            base_path=built.base_path,
            model=model,
            zone=built.zone,
            deadlines=built.deadlines_within(settings.timeout_s),
            header_lines=f"x-kaigate-provider: {item.provider}\r\nx-kaigate-model: {model}\r\n".encode(),
            label=label,
            weight=item.weight,
            order=item.order,
            context_tokens=context_tokens,
            lacks=_lacks(item.capabilities or settings.capabilities),
            blocks=self._blocked[item.provider],
            hosted_tools=frozenset(settings.hosted_tools),
            max_tokens=settings.max_tokens,
            max_input_tokens=settings.max_input_tokens,
            pin=_pin(item.digest or settings.digest, model, built),
        )


def _pin(digest: str | None, model: str, built: BuiltProvider) -> Pin | None:
    plain = None if digest is None else plain_digest(digest)
    return None if plain is None else Pin(place_of(built.target, built.base_path), full_name(model), plain)


def _lacks(capabilities: Capabilities) -> frozenset[Capability]:
    every: tuple[Capability, ...] = ("tools", "vision", "json_schema", "reasoning", "audio", "documents")
    return frozenset(each for each in every if getattr(capabilities, each) is False)
