"""TLS towards upstreams can't be weakened."""

import dataclasses
import ssl
from pathlib import Path

import pytest
import trustme

from kaigate.transport.tls import TlsSettings, client_context


def test_certificates_and_names_are_always_checked() -> None:
    context = client_context(TlsSettings())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_no_setting_switches_verification_off() -> None:
    names = {field.name for field in dataclasses.fields(TlsSettings)}
    assert names == {"ca_file", "client_cert", "client_key", "server_hostname"}


def test_a_ca_file_replaces_the_system_authorities(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(ca_file)
    assert len(client_context(TlsSettings(ca_file=str(ca_file))).get_ca_certs()) == 1


@pytest.mark.parametrize("content", [None, b"not a certificate"])
def test_an_unreadable_ca_file_is_an_os_error(tmp_path: Path, content: bytes | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_bytes(content)
    with pytest.raises(OSError):
        client_context(TlsSettings(ca_file=str(ca_file)))


def test_a_client_certificate_is_loaded_with_its_key(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("client.test")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    client_context(TlsSettings(client_cert=str(tmp_path / "cert.pem"), client_key=str(tmp_path / "key.pem")))
    with pytest.raises(ValueError, match="client_cert"):
        TlsSettings(client_key="x")
