import pytest

from kaigate.config.check import check
from kaigate.config.load import load
from support.configuration import TYPES, load_text, refused, write

SERVED = "providers: {ollama: {type: ollama}}\nmodels: {llama3: {}}\nkeys: {master_key: env:KEY}\n"
ENV = {"KEY": "kg-" + "k" * 20}


def test_a_sound_configuration_passes_without_warnings(tmp_path):
    assert load_text(tmp_path, SERVED, ENV).warnings == ()


def test_a_port_serves_one_purpose(tmp_path):
    problem = refused(tmp_path, SERVED + "server: {port: 5000, ops_port: 5000}\n", ENV)
    assert problem == ["gateway.yaml:4:32: server.ops_port: port 5000 is already server.port"]
    assert load_text(tmp_path, SERVED + "server: {port: 0, admin_port: 0, ops_port: 0}\n", ENV)


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "proxy.internal", "", "1.2.3"])
def test_trusted_proxies_are_networks(tmp_path, network):
    [problem] = refused(tmp_path, SERVED + f'server: {{trusted_proxies: [127.0.0.1, "{network}"]}}\n', ENV)
    assert "server.trusted_proxies[1]: must be an IP address or a network" in problem


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_trusting_everyone_is_warned_about(tmp_path, network):
    [warning] = load_text(tmp_path, SERVED + f'server: {{trusted_proxies: ["{network}"]}}\n', ENV).warnings
    assert "forge X-Forwarded-For" in warning


def test_problems_of_all_parts_are_found_at_once(tmp_path):
    text = """\
        server: {replicas: 3}
        providers: {p: {type: opnai}}
        models: {"x:latest": {deployments: [{provider: q}]}}
        keys: {static: {a: {}}}
        """
    assert len(refused(tmp_path, text)) == 7


def test_without_secrets_the_rest_is_still_checked(tmp_path):
    loaded = load(write(tmp_path, SERVED), {}, resolve_secrets=False)
    assert check(loaded, TYPES, read_files=False).warnings == ()
