import pytest

from kaigate.config.check_providers import url_problem
from support.configuration import load_text, refused

MODELS = "models: {m: {deployments: [{provider: p}]}}\nkeys: {master_key: env:KEY}\n"
ENV = {"KEY": "kg-" + "k" * 20}


def provider(settings: str) -> str:
    return f"providers: {{p: {{{settings}}}}}\n{MODELS}"


def test_an_unknown_type_names_the_nearest_one(tmp_path):
    assert refused(tmp_path, provider("type: opnai"), ENV) == [
        'gateway.yaml:1:23: providers.p.type: unknown provider type (did you mean "openai"?)'
    ]


def test_a_type_without_an_address_of_its_own_needs_one(tmp_path):
    assert refused(tmp_path, provider("type: vllm"), ENV) == [
        "gateway.yaml:1:13: providers.p: providers of type vllm need a base_url"
    ]
    assert load_text(tmp_path, provider('type: vllm, base_url: "http://vllm:8000/v1"'), ENV).warnings == ()


@pytest.mark.parametrize(
    "url",
    ["https://h", "http://h:8000/v1", "https://[::1]:8000/a/b/", "http://127.0.0.1:1", "https://a.b-c.example"],
)
def test_base_urls_that_are_fine(url):
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://h", "begin with http"),
        ("h:8000", "begin with http"),
        ("//h", "begin with http"),
        ("https://", "name a host"),
        ("https:///path", "name a host"),
        ("https://user:secret@h", "user or password"),
        ("https://user@h", "user or password"),
        ("https://h?key=secret", "query"),
        ("https://h/#x", "query or fragment"),
        ("https://h:0", "port 0"),
        ("https://h:99999", "invalid host or port"),
        ("https://h:x", "invalid host or port"),
        ("https://[::1", "invalid host or port"),
        ("https://h%41", "name a host"),
        ("https://h /", "printable ASCII"),
        ("https://h\n", "printable ASCII"),
        ("https://bücher.example", "printable ASCII"),
    ],
)
def test_base_urls_that_are_refused_without_being_repeated(url, reason):
    message = url_problem(url)
    assert message is not None
    assert reason in message
    assert "secret" not in message


def test_plain_http_to_an_external_provider_is_warned_about(tmp_path):
    text = provider('type: openai_compatible, base_url: "http://api.example/v1"')
    [warning] = load_text(tmp_path, text, ENV).warnings
    assert "unencrypted" in warning


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "a.localhost"])
def test_plain_http_to_this_machine_is_not(tmp_path, host):
    text = provider(f'type: openai_compatible, base_url: "http://{host}:1/v1"')
    assert load_text(tmp_path, text, ENV).warnings == ()


def test_declaring_a_public_api_private_is_warned_about(tmp_path):
    [warning] = load_text(tmp_path, provider("type: openai, zone: private"), ENV).warnings
    assert "declared private" in warning


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ('"bad name": x', "is not a header name"),
        ('"x\\r\\nhost": x', "is not a header name"),
        ("Authorization: x", "use api_key"),
        ("X-Api-Key: x", "use api_key"),
        ("Host: x", "set by the gateway"),
        ("transfer-encoding: chunked", "set by the gateway"),
        ("X-A: x, x-a: y", "given twice"),
        ('X-A: "a\\nb: c"', "one line"),
        ('X-A: " a"', "one line"),
        ('X-A: "é"', "one line"),
    ],
)
def test_headers_are_valid_and_hold_no_credential(tmp_path, headers, reason):
    [problem] = refused(tmp_path, provider(f"type: openai, headers: {{{headers}}}"), ENV)
    assert reason in problem


def test_ordinary_headers_pass(tmp_path):
    text = provider('type: openai, headers: {OpenAI-Project: "proj 1", X-Empty: ""}')
    assert load_text(tmp_path, text, ENV).warnings == ()


def test_tls_files_are_read_at_load(tmp_path):
    (tmp_path / "ca.pem").write_text("x")
    settings = f'type: openai, tls: {{ca_file: "{tmp_path}/ca.pem", client_cert_file: "{tmp_path}/none.pem"}}'
    [problem] = refused(tmp_path, provider(settings), ENV)
    assert "providers.p.tls.client_cert_file: cannot be read" in problem


def test_a_client_key_needs_its_certificate_and_is_kept_from_others(tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("x")
    key.chmod(0o644)
    problems = refused(tmp_path, provider(f'type: openai, tls: {{client_key_file: "{key}"}}'), ENV)
    assert problems == [problem for problem in problems if "needs client_cert_file" in problem]
    settings = f'type: openai, tls: {{client_key_file: "{key}", client_cert_file: "{key}"}}'
    [warning] = load_text(tmp_path, provider(settings), ENV).warnings
    assert "chmod o-r" in warning
    key.chmod(0o640)
    assert load_text(tmp_path, provider(settings), ENV).warnings == ()
