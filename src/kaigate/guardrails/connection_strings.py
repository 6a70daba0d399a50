"""Passwords in the user part of URLs (RFC 3986, section 3.2.1), also where they are not escaped as they should be.

The user part ends at the last `@` that can end it. Real passwords contain `/`, `@`, `#` and `?` unescaped, so for data
stores the whole URL is looked at; for web addresses, where such characters follow the host, only the authority is.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import re2

from kaigate.guardrails.characters import ALNUM, TOKEN, run_end
from kaigate.guardrails.findings import CONNECTION_STRING
from kaigate.guardrails.rules import CAP, Candidate

_STORES: Final = (
    "amqps?|bolt|cassandra|clickhouse|cockroachdb|couchbases?|couchdb|elasticsearch|ibmdb2?|influxdb|jdbc|kafka|ldaps?"
    "|mariadb|memcached|mongodb|mssql|mysqlx?|nats|neo4js?|oracle|postgis|postgres|postgresql|presto|pulsar|rabbitmq"
    "|rediss?|redshift|rqlite|sap|smtps?|snowflake|sqlserver|stomp|trino|valkeys?|vertica|yugabytedb"
)
# Passwords go on up to here; letters of other alphabets may be in one, CJK text is what follows the URL.
_ENDS: Final = "\\s\"'`<>\\x00-\\x1f\\x7f\u2000-\U0010ffff"

TRIGGERS: Final = (
    rf"(?i)(?:{_STORES})(?:\+[a-z0-9_]{{1,16}})?://",
    r"://[^\s/?#\"'<>]*:[^\s/?#\"'<>]*@",
)
"""A URL with a password holds one of these."""

_MAX_SCHEME: Final = 32
_store: Final[Any] = re2.compile(rf"(?i)(?:{_STORES})(?:\+[a-z0-9_]{{1,16}})?$")
_end: Final = re.compile(f"[{_ENDS}]")  # one class, on str: the other alphabets count
_authority_end: Final = re.compile("[/?#\\s\"'`<>\\x00-\\x1f\\x7f-\U0010ffff]")
_host_list: Final[Any] = re2.compile(r"[A-Za-z0-9_.-]*:[0-9]{1,5}(?:,[A-Za-z0-9_.-]*(?::[0-9]{1,5})?)*")
_plain_rest: Final[Any] = re2.compile(r"[A-Za-z0-9_.~!$*+%/-]*")
_query: Final[Any] = re2.compile(r"\?[A-Za-z0-9_.%-]+=")
_stand_in: Final[Any] = re2.compile(
    r"\$\{?[A-Za-z0-9_]+\}?|\{+[A-Za-z0-9_ .$-]+\}+|%[sv]|\*+|[xX]{3,}|\.{3,}|\[[A-Z_ -]+\]"
)


def candidates(text: str, data: bytes, begin: int, final: bool) -> Iterator[Candidate]:
    """User parts with a password in URLs that begin at or after `begin`, and URLs that may still turn out to be one."""
    at = data.find(b"://", begin)
    while at >= 0:
        following = data.find(b"://", at + 3)
        if at and text[at - 1] in ALNUM:
            candidate = _in_url(text, data, at, len(text) if following < 0 else following, final=final)
            if candidate is not None:
                yield candidate
        at = following


def _in_url(text: str, data: bytes, anchor: int, stop: int, *, final: bool) -> Candidate | None:
    start = anchor + 3
    limit = min(start + CAP, stop)
    store = _store.search(data[max(0, anchor - _MAX_SCHEME) : anchor])
    if store is not None:
        anchor -= store.end() - store.start()  # the trigger begins here
    match = (_authority_end if store is None else _end).search(text, start, limit)
    if match is None and limit == len(text) and not final:
        return Candidate(anchor, start, limit, "", open=True)
    end = limit if match is None else match.start()
    rest = data[start:end].decode("ascii") if text.isascii() else _letters(text[start:end])
    length = user_part(rest)
    if length:
        return Candidate(anchor, start, start + length, CONNECTION_STRING, open=False)
    if store is None or end < start + CAP or not _may_hold_password(rest):
        return None
    end = run_end(text, end, TOKEN)
    return Candidate(anchor, start, end, CONNECTION_STRING, open=not final and end == len(text))


def _letters(rest: str) -> str:
    return "".join(char if char.isascii() else "x" for char in rest)


def user_part(rest: str) -> int:
    """Length of the `user:password` with which `rest`, a URL behind its `://`, begins; 0 if there is no password."""
    query = _query.search(rest.encode())
    at = rest.rfind("@", 0, query.start() if query is not None else len(rest))
    if at < 0:
        at = rest.rfind("@")
    if at < 0 or not _may_hold_password(rest[:at]):
        return 0
    user, _, password = rest[:at].partition(":")
    if not password or "/" in user or "?" in user or _stand_in.fullmatch(password) is not None:
        return 0
    return at


def _may_hold_password(part: str) -> bool:
    """Whether this is no list of hosts with a path behind it in which there is an `@`."""
    if ":" not in part:
        return False
    hosts, slash, rest = part.partition("/")
    if not slash:
        hosts, slash, rest = part.partition("?")
        return not slash or _host_list.fullmatch(hosts) is None or "=" not in rest
    return _host_list.fullmatch(hosts) is None or _plain_rest.fullmatch(rest) is not None
