from kaigate.cli import start as module
from kaigate.cli.start import start
from kaigate.config.loaded import ServerOverrides
from support.configuration import write

GOOD = "providers: {ollama: {type: ollama}}\nmodels: {llama3: {}}\nkeys: {master_key: env:KEY}\n"


def test_a_checked_configuration_is_served_with_its_path(tmp_path, monkeypatch):
    served = []
    monkeypatch.setenv("KEY", "kg-" + "k" * 20)
    monkeypatch.setattr(module, "run", lambda loaded, **rest: served.append((loaded, rest)) or 0)
    path = write(tmp_path, GOOD)
    assert start(path, ServerOverrides(port=9)) == 0
    [(loaded, rest)] = served
    assert loaded.config.server.port == 9
    assert rest == {"config_path": path, "generated_key": None}


def test_a_refused_configuration_is_told_and_not_served(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "run", lambda *args, **rest: 1 / 0)
    path = write(tmp_path, "providers: {ollama: {type: olama}}\nmodels: {'x:latest': {}}\n")
    assert start(path, ServerOverrides()) == 1
    errors = capsys.readouterr().err
    assert f"{path}:1:28: providers.ollama.type: unknown provider type" in errors
    assert '":latest" is refused' in errors
    assert errors.endswith("configuration refused: 3 problems\n")


def test_without_a_file_a_key_is_generated(monkeypatch):
    served = []
    for name in ("KAIGATE_CONFIG", "KAIGATE_MASTER_KEY", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "o" * 20)
    monkeypatch.setattr(module, "run", lambda loaded, **rest: served.append((loaded, rest)) or 0)
    assert start(None, ServerOverrides()) == 0
    [(loaded, rest)] = served
    assert rest["config_path"] is None
    assert rest["generated_key"].startswith("kg-")
    assert loaded.secret(loaded.config.keys.master_key) == rest["generated_key"]
