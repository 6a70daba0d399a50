"""From the URL of the configuration to what SQLAlchemy's asynchronous drivers want."""

import ssl
from typing import Any, Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from kaigate.store.errors import StoreRefused

_VERIFYING: Final = ("verify-ca", "verify-full")
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", *_VERIFYING)


def parse_url(text: str) -> tuple[URL, dict[str, Any]]:
    """The driver's URL and its connect arguments; raises `StoreRefused`, never repeating the URL.

    `sqlite:///relative.db`, `sqlite:////absolute.db`; `postgresql://` and `postgres://` with libpq's `sslmode`,
    `sslrootcert`, `sslcert`, `sslkey` and `application_name`
    (https://www.postgresql.org/docs/current/libpq-connect.html). Blocking where certificates are read.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreRefused("the database URL cannot be read") from None
    family = url.drivername.partition("+")[0]
    if family == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreRefused("an SQLite URL names a file, like sqlite:////var/lib/kaigate/kaigate.db")
        return url.set(drivername="sqlite+aiosqlite"), {}
    if family in {"postgresql", "postgres"}:
        return _postgresql(url)
    raise StoreRefused("the database URL must begin with sqlite:// or postgresql://")


def _postgresql(url: URL) -> tuple[URL, dict[str, Any]]:
    query = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    mode = query.pop("sslmode", None)
    root, certificate, key = (query.pop(name, None) for name in ("sslrootcert", "sslcert", "sslkey"))
    arguments: dict[str, Any] = {"server_settings": {"application_name": query.pop("application_name", "kaigate")}}
    if not url.password:
        # Otherwise the driver looks for password files at every connect, in the event loop.
        arguments["password"] = ""
    unknown = query.keys() - {"host", "port"}
    if unknown:
        raise StoreRefused(f"the database URL has a parameter that is not known: {min(unknown)}")
    if mode is not None and mode not in _SSL_MODES:
        raise StoreRefused(f"sslmode must be one of {', '.join(_SSL_MODES)}")
    if root or certificate or mode in {"require", *_VERIFYING}:
        arguments["ssl"] = _context(mode, root, certificate, key)
    elif mode is not None:
        arguments["ssl"] = mode
    return url.set(drivername="postgresql+asyncpg", query=query), arguments


def _context(mode: str | None, root: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=root)
        if certificate:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        raise StoreRefused(f"the database's TLS files cannot be read: {error.strerror or 'not PEM'}") from None
    # As libpq: a given authority is always checked, the name only with verify-full.
    context.check_hostname = mode == "verify-full"
    if mode == "require" and root is None:
        context.verify_mode = ssl.CERT_NONE
    return context
