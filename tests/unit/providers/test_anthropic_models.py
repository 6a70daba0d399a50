"""Abilities follow from the model's name, wherever the name came from."""

import pytest

from kaigate.providers.anthropic_models import Abilities, abilities


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-3-5-sonnet-20241022", Abilities("none", schema=False)),
        ("claude-3-opus-latest", Abilities("none", schema=False)),
        ("claude-2.1", Abilities("none", schema=False)),
        ("claude-3-7-sonnet-20250219", Abilities("budget", schema=False)),
        ("claude-opus-4", Abilities("budget", schema=False)),
        ("claude-opus-4-0", Abilities("budget", schema=False)),
        ("claude-sonnet-4-20250514", Abilities("budget", schema=False)),
        ("anthropic/claude-sonnet-4@20250514", Abilities("budget", schema=False)),
        ("claude-opus-4-1-20250805", Abilities("budget", schema=True)),
        ("claude-sonnet-4-5", Abilities("budget", schema=True)),
        ("claude-haiku-4-5-20251001", Abilities("budget", schema=True)),
        ("claude-opus-4-6", Abilities("adaptive", schema=True)),
        ("claude-sonnet-4-6", Abilities("adaptive", schema=True)),
        ("claude-opus-4-7", Abilities("adaptive", schema=True, xhigh=True)),
        ("claude-sonnet-5", Abilities("adaptive", schema=True, xhigh=True)),
        ("claude-something-9", Abilities("adaptive", schema=True, xhigh=True)),
        ("qwen3", Abilities("budget", schema=False)),
    ],
)
def test_a_model(model: str, expected: Abilities) -> None:
    assert abilities(model) == expected
