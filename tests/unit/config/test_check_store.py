import pytest

from support.configuration import load_text, refused

BASE = "providers: {ollama: {type: ollama}}\nmodels: {llama3: {}}\nkeys: {static: {a: {key: env:KEY}}}\n"
ENV = {"KEY": "kg-" + "k" * 20, "REDIS": "rediss://u:secret@v:6380/1", "PG": "postgresql://u:secret@p/kaigate"}


@pytest.mark.parametrize(
    "store",
    [
        "{redis: {url: env:REDIS}, database: env:PG}",
        "{redis: {url: 'redis+sentinel://a:26379,b:26379/main'}, database: 'sqlite:////var/lib/kaigate/kaigate.db'}",
        "{redis: {url: 'redis://127.0.0.1:6379'}}",
    ],
)
def test_sound_stores_pass_without_warnings(tmp_path, store):
    assert load_text(tmp_path, f"{BASE}store: {store}\n", ENV).warnings == ()


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("{redis: {url: 'http://127.0.0.1'}}", "store.redis.url: must begin with one of redis://"),
        ("{database: env:REDIS}", "store.database: must begin with one of sqlite://"),
        ("{database: 'postgresql://u:secret@p/kaigate'}", "store.database: has a password in it"),
        ("{redis: {url: 'redis://[::1'}}", "store.redis.url: is not a URL"),
        ("{redis: {client_cert_file: /a.pem}}", "store.redis: client_cert_file and client_key_file belong together"),
    ],
)
def test_stores_that_can_not_be_used_are_refused_without_their_passwords(tmp_path, store, reason):
    [problem] = refused(tmp_path, f"{BASE}store: {store}\n", ENV)
    assert reason in problem
    assert "secret@" not in problem


def test_replicas_share_counters_keys_and_the_pepper(tmp_path):
    problems = refused(tmp_path, BASE + "server: {replicas: 2}\n", ENV)
    for word in ("Valkey", "PostgreSQL", "pepper"):
        assert sum(word in problem for problem in problems) == 1
    peppered = BASE.replace("keys: {", "keys: {pepper: env:KEY, ")
    both = peppered + "server: {replicas: 2}\nstore: {redis: {url: env:REDIS}, database: env:PG}\n"
    assert load_text(tmp_path, both, ENV).warnings == ()
    file = peppered + "server: {replicas: 2}\nstore: {redis: {url: env:REDIS}, database: 'sqlite:///a.db'}\n"
    [problem] = refused(tmp_path, file, ENV)
    assert "PostgreSQL" in problem
