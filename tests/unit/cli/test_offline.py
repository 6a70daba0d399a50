"""A configuration can be looked at where its secrets are not."""

import pytest

from kaigate.cli.offline import offline
from kaigate.config.problems import ConfigError
from support.configuration import write


def test_secrets_are_placeholders(tmp_path):
    text = "providers: {far: {type: openai, api_key: env:NOT_SET_ANYWHERE}}"
    loaded = offline(write(tmp_path, text))
    assert loaded.secret(loaded.config.providers["far"].api_key) == "unresolved"


def test_a_bad_configuration_is_refused(tmp_path):
    with pytest.raises(ConfigError):
        offline(write(tmp_path, "providers: {far: {type: nothing}}"))
