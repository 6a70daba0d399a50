"""Passwords in URLs are found however they are written; URLs without one are left alone."""

import pytest

from kaigate.guardrails.connection_strings import user_part
from kaigate.guardrails.redaction import RedactionSettings, Redactor

REDACTOR = Redactor.build(RedactionSettings())
SCHEMES = [
    "postgres",
    "postgresql",
    "postgresql+psycopg2",
    "mysql",
    "mysql+aiomysql",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "redis",
    "rediss",
    "valkey",
    "valkeys",
    "amqp",
    "amqps",
    "mssql",
    "mssql+pyodbc",
    "sqlserver",
    "clickhouse",
    "nats",
    "ldap",
    "POSTGRES",
    "jdbc:postgresql",
    "https",
    "ftp",
    "custom+db",
]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_user_and_password_are_redacted_for_every_scheme(scheme):
    text = f'DSN="{scheme}://us.er:s3cr%2Ft@db.example:1234/x?y=z"'
    assert REDACTOR.redact(text).text == f'DSN="{scheme}://[REDACTED]@db.example:1234/x?y=z"'


@pytest.mark.parametrize(
    ("rest", "kept"),
    [
        ("u:p@h", "h"),
        (":p@h:1/0", "h:1/0"),
        ("u:p@ss@h/d", "h/d"),
        ("u:p/a/b@h", "h"),
        ("u:p#a?b@h", "h"),
        ("u:p?a=b@h", "h"),
        ("u:123/x@h", "h"),
        ("u:p@h1:1,h2:2/d", "h1:1,h2:2/d"),
        ("u:p@h/d?mail=a@b", "h/d?mail=a@b"),
        ("u:p%40:q@h", "h"),
    ],
)
def test_the_user_part_ends_at_the_last_at_that_can_end_it(rest, kept):
    assert rest[user_part(rest) :] == "@" + kept


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "h",
        "h:1",
        "h:1/0",
        "u@h",
        "u:@h",
        "@h",
        ":@h",
        "h:1/0?mail=a@b",
        "h1:1,h2:2/d?mail=a@b",
        "h:1?mail=a@b",
        "h/x:y@z",
        "u:${PASSWORD}@h",
        "u:$PW@h",
        "u:{password}@h",
        "u:%s@h",
        "u:***@h",
        "u:xxxx@h",
        "u:[REDACTED]@h",
        "[REDACTED]@h",
    ],
)
def test_without_a_password_there_is_nothing_to_redact(rest):
    assert user_part(rest) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:pä55wörd@h/db", "postgres://[REDACTED]@h/db"),
        ("postgres://u:p(a)s,s;w|{d}@h/db", "postgres://[REDACTED]@h/db"),
        ("redis://a:b@h,redis://c:d@h", "redis://[REDACTED]@h,redis://[REDACTED]@h"),
        ("https://example.com:8080/a@b https://u:p@h/a:b@c", "https://example.com:8080/a@b https://[REDACTED]@h/a:b@c"),
        ("见redis://h:6379。电邮a@b", "见redis://h:6379。电邮a@b"),
    ],
)
def test_urls_in_text(text, expected):
    assert REDACTOR.redact(text).text == expected
    for size in range(1, len(text)):
        stream = REDACTOR.stream()
        out = "".join(stream.feed(text[i : i + size]) for i in range(0, len(text), size)) + stream.flush()
        assert out == expected, size
