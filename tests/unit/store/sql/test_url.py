import ssl

import pytest

from kaigate.store.errors import StoreRefused
from kaigate.store.sql.url import parse_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:////var/kg.db", "sqlite+aiosqlite:////var/kg.db"),
        ("sqlite:///kg.db", "sqlite+aiosqlite:///kg.db"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:***@h/d"),
        ("postgresql://u@/d?host=/run/pg", "postgresql+asyncpg://u@/d?host=%2Frun%2Fpg"),
        ("postgresql+psycopg://u@h:5433/d?sslmode=prefer", "postgresql+asyncpg://u@h:5433/d"),
    ],
)
def test_urls_are_given_to_the_asynchronous_drivers(text, shown):
    assert str(parse_url(text)[0]) == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("secret-canary", "cannot be read"),
        ("mysql://u:secret-canary@h/d", "must begin with"),
        ("sqlite://", "names a file"),
        ("sqlite:///:memory:", "names a file"),
        ("postgresql://u:secret-canary@h/d?option=1", "option"),
        ("postgresql://u:secret-canary@h/d?sslmode=maybe", "sslmode"),
        ("postgresql://u:secret-canary@h/d?sslrootcert=/gone.pem", "TLS files"),
    ],
)
def test_what_cannot_be_used_is_refused_without_the_password(text, reason):
    with pytest.raises(StoreRefused, match=reason) as refused:
        parse_url(text)
    assert "secret-canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("mode", "verify", "names"),
    [
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ],
)
def test_tls_means_what_it_means_to_libpq(mode, verify, names):
    context = parse_url(f"postgresql://u@h/d?sslmode={mode}")[1]["ssl"]
    assert (context.verify_mode, context.check_hostname) == (verify, names)


def test_the_driver_looks_for_no_password_file():
    assert parse_url("postgresql://u@h/d")[1]["password"] == ""
    assert "password" not in parse_url("postgresql://u:p@h/d")[1]
