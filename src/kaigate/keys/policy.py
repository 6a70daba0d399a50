"""What the configuration says about keys that don't say it themselves: defaults, presets, teams."""

from collections.abc import Mapping
from typing import Self

import msgspec

from kaigate.config.models import GatewayConfig, KeyLimits, LimitSettings, StaticKey
from kaigate.keys.record import KeyRights
from kaigate.money import from_usd
from kaigate.pipeline.principal import UNLIMITED, Limits


class KeyPolicy(msgspec.Struct, frozen=True):
    """Defaults and presets with every limit said, UNLIMITED where there is none; limits of teams by name."""

    defaults: Limits = Limits()
    presets: Mapping[str, Limits] = {}
    teams: Mapping[str, Limits] = {}

    @classmethod
    def build(cls, config: GatewayConfig) -> Self:
        """From a cross-checked configuration, whose amounts are exact."""
        settings = config.limits
        return cls(
            defaults=_whole(settings.defaults),
            presets={name: _whole(preset) for name, preset in settings.presets.items()},
            teams={name: own_limits(team) for name, team in settings.teams.items()},
        )

    def explicit(self, rights: KeyRights) -> Limits:
        """The limits of a key with its preset; None is the configured default."""
        preset = self.presets.get(rights.preset) if rights.preset is not None else None
        return rights.limits if preset is None else overlaid(rights.limits, preset)

    def effective(self, rights: KeyRights) -> Limits:
        """The limits that hold for a key, none of them None; UNLIMITED is no limit."""
        return overlaid(overlaid(self.explicit(rights), self.defaults), _NOTHING_SAID)

    def team(self, name: str) -> Limits:
        """The limits of a team of the configuration; None is not said."""
        return self.teams.get(name, Limits())

    def of_static(self, key: StaticKey) -> Limits:
        """The limits of a key of the configuration file; None is the configured default."""
        return self.explicit(KeyRights(limits=own_limits(key.limits), preset=key.preset))


_NOTHING_SAID = Limits(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, "30d", UNLIMITED)


def own_limits(settings: LimitSettings) -> Limits:
    """Limits as they stand in the file; None is not said."""
    return Limits(
        rpm=settings.rpm,
        tpm=settings.tpm,
        parallel=settings.parallel,
        budget=None if settings.budget_usd is None else from_usd(settings.budget_usd),
        budget_window=settings.budget_window,
        max_input_tokens=settings.max_input_tokens if isinstance(settings, KeyLimits) else None,
    )


def _whole(settings: KeyLimits) -> Limits:
    # null in the file is no limit here: there is nothing further to inherit from.
    return overlaid(own_limits(settings), _NOTHING_SAID)


def overlaid(upper: Limits, lower: Limits) -> Limits:
    """The upper limits, the lower ones where the upper say nothing. A budget and its window belong together."""
    fields = {name: getattr(upper, name) for name in Limits.__struct_fields__}
    if upper.budget is not None and upper.budget_window is None:
        fields["budget_window"] = lower.budget_window
    return Limits(**{name: getattr(lower, name) if value is None else value for name, value in fields.items()})
