"""TLS towards upstreams: always verified, TLS 1.2 or newer, HTTP/1.1 only."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Files and names for one upstream's TLS; verification cannot be switched off.

    `ca_file` replaces the system's certificate authorities. `server_hostname` is the name sent and checked where it
    differs from the origin's host.
    """

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    server_hostname: str | None = None

    def __post_init__(self) -> None:
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key needs client_cert")


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """Context that verifies chain and name. Reads files: blocking; raises OSError (ssl.SSLError for bad contents)."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=settings.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if settings.client_cert is not None:
        context.load_cert_chain(settings.client_cert, settings.client_key)
    return context
