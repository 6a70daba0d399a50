"""Settings are immutable and safe by default."""

import pytest

from kaigate.guardrails.settings import RedactionSettings


def test_redaction_is_on_by_default_and_settings_do_not_change():
    settings = RedactionSettings()
    assert settings.enabled
    with pytest.raises(AttributeError):
        settings.enabled = False
