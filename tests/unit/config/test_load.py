from pathlib import Path

import pytest

from kaigate.config.load import config_path, guardrails_beside, load
from kaigate.config.loaded import ServerOverrides
from kaigate.config.problems import ConfigError
from kaigate.config.secrets import SecretRef
from support.configuration import write

KEY = "kg-" + "k" * 20


def problems(path: Path, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, env or {})
    return [str(problem).removeprefix(f"{path.parent}/") for problem in caught.value.problems]


def test_a_file_gives_settings_secrets_sources_and_a_hash(tmp_path):
    path = write(tmp_path, "keys: {static: {app: {key: env:APP_KEY}}}\n")
    loaded = load(path, {"APP_KEY": KEY})
    reference = loaded.config.keys.static["app"].key
    assert reference == SecretRef("env", "APP_KEY")
    assert loaded.secret(reference) == KEY
    assert loaded.sources == (path, tmp_path / "guardrails.yaml")
    assert len(loaded.hash) == 12
    assert KEY not in repr(loaded)


def test_the_hash_follows_settings_and_not_secrets(tmp_path):
    path = write(tmp_path, "keys: {static: {app: {key: env:APP_KEY}}}\n")
    first = load(path, {"APP_KEY": KEY})
    rotated = load(path, {"APP_KEY": KEY + "x"})
    write(tmp_path, "keys: {static: {app: {key: env:APP_KEY, team: t}}}\n")
    assert first.hash == rotated.hash
    assert first.secrets != rotated.secrets
    assert load(path, {"APP_KEY": KEY}).hash != first.hash


def test_order_and_comments_do_not_change_the_hash(tmp_path):
    one = load(write(tmp_path, "server: {port: 1, host: h}\n# x\n"), {}).hash
    assert load(write(tmp_path, "server:\n  host: h\n  port: 1\n"), {}).hash == one


@pytest.mark.parametrize(
    ("main", "beside"),
    [
        ("gateway.yaml", "guardrails.yaml"),
        ("gateway-settings.yaml", "guardrail-settings.yaml"),
        ("other.yaml", "guardrails.yaml"),
        ("gateway.yml", "guardrails.yml"),
    ],
)
def test_the_guardrail_file_is_found_beside(tmp_path, main, beside):
    path = write(tmp_path, "server: {port: 1}\n", main)
    write(tmp_path, "output: {redaction: {enabled: false}}\n", beside)
    assert guardrails_beside(path) == tmp_path / beside
    assert not load(path, {}).config.guardrails.output.redaction.enabled


def test_mistakes_in_the_guardrail_file_are_found_with_those_of_the_main_file(tmp_path):
    path = write(tmp_path, "sever: {}\n")
    write(tmp_path, "output:\n  redaction:\n    enabeld: true\n", "guardrails.yaml")
    assert problems(path) == [
        'gateway.yaml:1:1: sever: unknown key "sever" (did you mean "server"?)',
        'guardrails.yaml:3:5: guardrails.output.redaction.enabeld: unknown key "enabeld" (did you mean "enabled"?)',
    ]


def test_guardrails_in_both_files_are_refused(tmp_path):
    path = write(tmp_path, "server: {}\nguardrails: {}\n")
    write(tmp_path, "output: {}\n", "guardrails.yaml")
    assert problems(path) == [
        "gateway.yaml:2:1: guardrails: guardrails are configured here and in guardrails.yaml: keep one of them"
    ]


def test_inline_guardrails_alone_are_fine(tmp_path):
    path = write(tmp_path, "guardrails: {output: {redaction: {enabled: false}}}\n")
    assert not load(path, {}).config.guardrails.output.redaction.enabled


def test_a_dangling_guardrail_link_is_refused_and_not_ignored(tmp_path):
    path = write(tmp_path, "server: {}\n")
    (tmp_path / "guardrails.yaml").symlink_to(tmp_path / "gone.yaml")
    [problem] = problems(path)
    assert "guardrails.yaml: cannot be read" in problem


def test_a_broken_guardrail_file_is_refused(tmp_path):
    path = write(tmp_path, "server: {}\n")
    write(tmp_path, "output: {a: b: c}\n", "guardrails.yaml")
    [problem] = problems(path)
    assert "is not YAML" in problem


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "5\n"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert problems(write(tmp_path, text)) == ["gateway.yaml:1:1: must be a mapping (key: value)"]


def test_sections_with_only_comments_are_absent(tmp_path):
    loaded = load(write(tmp_path, "server:\n  # port: 1\nproviders:\nkeys:\n"), {})
    assert loaded.config.server.port == 4000
    assert loaded.config.providers == {}


def test_every_unresolved_secret_is_named_with_its_place(tmp_path):
    path = write(
        tmp_path,
        """\
        providers:
          openai: {type: openai, api_key: env:MISSING_ONE}
        keys:
          static:
            app: {key: file:/nonexistent/key}
        """,
    )
    assert problems(path) == [
        "gateway.yaml:2:35: providers.openai.api_key: env:MISSING_ONE: the environment variable is not set",
        "gateway.yaml:5:16: keys.static.app.key: file:/nonexistent/key: cannot be read: No such file or directory",
    ]
    assert load(path, {}, resolve_secrets=False).secrets == {}


def test_the_master_key_of_the_environment_wins(tmp_path):
    path = write(tmp_path, "keys: {master_key: env:OTHER}\n")
    loaded = load(path, {"KAIGATE_MASTER_KEY": KEY})
    assert loaded.secret(loaded.config.keys.master_key) == KEY


def test_command_line_overrides_the_file_and_is_remembered(tmp_path):
    path = write(tmp_path, "server: {port: 1, host: h}\n")
    loaded = load(path, {}, overrides=ServerOverrides(port=2))
    assert (loaded.config.server.port, loaded.config.server.host) == (2, "h")
    assert loaded.overrides.port == 2


def test_the_path_comes_from_the_option_then_the_environment(tmp_path):
    path = write(tmp_path, "server: {port: 7}\n")
    assert config_path(Path("a"), {"KAIGATE_CONFIG": "b"}) == Path("a")
    assert config_path(None, {}) is None
    assert load(None, {"KAIGATE_CONFIG": str(path)}).config.server.port == 7
    with pytest.raises(ConfigError, match="KAIGATE_CONFIG"):
        load(None, {})


@pytest.mark.parametrize(
    ("variable", "where"),
    [("KAIGATE_REDIS_URL", lambda store: store.redis.url), ("KAIGATE_DATABASE_URL", lambda store: store.database)],
)
def test_stores_of_the_environment_come_before_those_of_the_file(tmp_path, variable, where):
    path = write(tmp_path, "store: {redis: {url: 'redis://file'}, database: 'postgresql://file/db'}\n")
    assert where(load(path, {}).config.store).endswith(("://file", "://file/db"))
    loaded = load(path, {variable: "redis://u:p@x"})
    assert where(loaded.config.store) == SecretRef("env", variable)
    assert loaded.secret(SecretRef("env", variable)) == "redis://u:p@x"
