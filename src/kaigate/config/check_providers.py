"""Cross-checks of `providers`: types, addresses, zones, headers, TLS files."""

import ipaddress
import os
import re
import stat
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from kaigate.config.findings import Findings
from kaigate.config.models import GatewayConfig, ProviderSettings, TlsOptions
from kaigate.config.problems import KeyPath, suggestion
from kaigate.config.provider_types import ProviderDefaults, ProviderTypes

# RFC 9110, 5.6.2 (token) and 5.5 (field value, without obs-text).
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
_FRAMING: Final = frozenset(
    ("host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect")
)
_CREDENTIALS: Final = frozenset(
    ("authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key", "x-auth-token")
)


def check_providers(config: GatewayConfig, types: ProviderTypes, findings: Findings, *, read_files: bool) -> None:
    """Every provider by itself."""
    for name, settings in config.providers.items():
        path: KeyPath = ("providers", name)
        defaults = types.get(settings.type)
        if defaults is None:
            findings.error((*path, "type"), f"unknown provider type{suggestion(settings.type, types)}")
        else:
            _check_address(path, settings, defaults, findings)
        _check_headers(path, settings, findings)
        _check_tls((*path, "tls"), settings.tls, findings, read_files=read_files)


def _check_address(path: KeyPath, settings: ProviderSettings, defaults: ProviderDefaults, findings: Findings) -> None:
    url = settings.base_url or defaults.base_url
    if url is None:
        findings.error(path, f"providers of type {settings.type} need a base_url", key=True)
        return
    wrong = url_problem(url)
    if wrong is not None:
        findings.error((*path, "base_url"), wrong)
        return
    zone = settings.zone or defaults.zone
    parts = urlsplit(url)
    if parts.scheme == "http" and zone == "external" and not _is_loopback(parts.hostname or ""):
        findings.warn((*path, "base_url"), "prompts and the key cross the network unencrypted: use https://")
    if zone == "private" and defaults.zone == "external" and settings.base_url is None:
        findings.warn(
            (*path, "zone"), f"the public API of {settings.type} is declared private: private data may go there"
        )


def url_problem(url: str) -> str | None:
    """What is wrong with a base URL, without repeating it; None for `http(s)://host[:port][/path]`."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return "must be printable ASCII without spaces"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has an invalid host or port"
    if parts.scheme not in {"http", "https"}:
        return "must begin with http:// or https://"
    return _authority_problem(url, parts, port)


def _authority_problem(url: str, parts: SplitResult, port: int | None) -> str | None:
    if "@" in parts.netloc:
        return "must not hold a user or password: credentials go into api_key"
    if "?" in url or "#" in url:
        return "must not have a query or fragment"
    if not parts.hostname or "%" in parts.hostname:
        return "must name a host"
    return "must not have port 0" if port == 0 else None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_headers(path: KeyPath, settings: ProviderSettings, findings: Findings) -> None:
    seen: set[str] = set()
    for name, value in settings.headers.items():
        place = (*path, "headers", name)
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            findings.error(place, "is not a header name", key=True)
        elif lower in _CREDENTIALS:
            findings.error(place, "holds a credential in the file: use api_key with env:NAME or file:/path", key=True)
        elif lower in _FRAMING:
            findings.error(place, "is set by the gateway itself", key=True)
        elif lower in seen:
            findings.error(place, "is given twice: header names ignore case", key=True)
        if not _HEADER_VALUE.fullmatch(value):
            findings.error(place, "must be printable ASCII on one line, without spaces around it")
        seen.add(lower)


def _check_tls(path: KeyPath, tls: TlsOptions, findings: Findings, *, read_files: bool) -> None:
    if tls.client_key_file is not None and tls.client_cert_file is None:
        findings.error((*path, "client_key_file"), "needs client_cert_file beside it")
    if not read_files:
        return
    for name in ("ca_file", "client_cert_file", "client_key_file"):
        file = getattr(tls, name)
        if file is None:
            continue
        if not os.access(file, os.R_OK) or not Path(file).is_file():
            findings.error((*path, name), "cannot be read")
        elif name == "client_key_file" and Path(file).stat().st_mode & stat.S_IROTH:
            findings.warn((*path, name), "the private key may be read by every user of this machine: chmod o-r")
