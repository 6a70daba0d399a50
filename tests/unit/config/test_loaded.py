from pathlib import Path

from kaigate.config.loaded import LoadedConfig, ServerOverrides, config_hash, references
from kaigate.config.models import (
    DeploymentSettings,
    GatewayConfig,
    KeySettings,
    ModelSettings,
    ProviderSettings,
    StaticKey,
)
from kaigate.config.secrets import Secret, SecretRef

FILE = SecretRef("file", "/run/key")
ENV = SecretRef("env", "KEY")
CONFIG = GatewayConfig(
    providers={"p": ProviderSettings(type="openai", api_key=ENV)},
    models={"m": ModelSettings(deployments=(DeploymentSettings(provider="p"),))},
    keys=KeySettings(master_key=ENV, static={"app": StaticKey(key=FILE)}),
)


def test_references_are_found_wherever_they_stand():
    assert list(references(CONFIG)) == [
        (("providers", "p", "api_key"), ENV),
        (("keys", "master_key"), ENV),
        (("keys", "static", "app", "key"), FILE),
    ]


def test_a_loaded_configuration_gives_secrets_and_hides_them():
    loaded = LoadedConfig(CONFIG, secrets={ENV: Secret("canary")})
    assert loaded.secret(ENV) == "canary"
    assert loaded.secret(None) is None
    assert "canary" not in repr(loaded)


def test_secret_files_are_watched_with_the_sources():
    loaded = LoadedConfig(CONFIG, secrets={ENV: Secret("a"), FILE: Secret("b")}, sources=(Path("/etc/g.yaml"),))
    assert loaded.watched == (Path("/etc/g.yaml"), Path("/run/key"))


def test_overrides_replace_only_what_is_given():
    server = ServerOverrides(port=0, reuse_port=True).apply(CONFIG).server
    assert (server.port, server.reuse_port, server.host) == (0, True, "127.0.0.1")
    assert ServerOverrides().apply(CONFIG) is CONFIG


def test_the_hash_is_short_and_stable():
    assert config_hash(CONFIG) == config_hash(CONFIG.model_copy())
    assert len(config_hash(CONFIG)) == 12
