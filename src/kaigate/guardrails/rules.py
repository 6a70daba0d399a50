"""The rules: what in a word is a secret.

A word is a run of printable ASCII without white space and quotes; `before` is the raw text in front of it. Matching is
RE2's, in linear time. A finding that touches the end of an open word (its end is not known yet) is marked by its
position alone: the automaton decides what that means.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import re2

from kaigate.guardrails import jwt
from kaigate.guardrails.findings import Finding, SecretType
from kaigate.guardrails.token_formats import TOKEN_FORMATS

Rule = Callable[[str, str], Iterator[Finding]]
"""Findings in a word, given the text before it."""

CONTEXT: Final = 96
"""Characters before a finding that its rule may look at."""

_ALNUM: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_BASE64: Final = _ALNUM | frozenset("+/")

AWS_KEY: Final = r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
JWT: Final = r"eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){1,4}"
HEX: Final = r"[0-9a-fA-F]{32,}"
AWS_SECRET: Final = r"[A-Za-z0-9/+]{40,}"  # noqa: S105 -- a pattern
URL: Final = r"[A-Za-z][A-Za-z0-9+.-]{1,30}://"
BEARER_TOKEN: Final = r"[A-Za-z0-9._~+/=-]{16,}"  # noqa: S105 -- a pattern

_aws_key = re2.compile(AWS_KEY)
_jwt = re2.compile(JWT)
_hex = re2.compile(HEX)
_aws_secret = re2.compile(AWS_SECRET)
_url = re2.compile(URL)
_bearer_token = re2.compile(BEARER_TOKEN)
_git_context = re2.compile(
    r"(?i)\b(?:commits?|committed|sha|sha1|git|revs?|revision|head|merged?|parents?|tree|blob|checkout|branch|index|ref)\b"
)
_secret_context = re2.compile(r"(?i)aws|amazon|secret|access.?key|credential|passw|token|api.?key|private.?key")
_bearer_before = re2.compile(r"(?i)(?:^|[^A-Za-z0-9])bearer[ \t]+$")
_token_formats = [(re2.compile(row.pattern), row.mixed) for row in TOKEN_FORMATS]

_MIN_ENTROPY: Final = 4.0
_AWS_SECRET_LENGTH: Final = 40
_GIT_SHA_LENGTHS: Final = frozenset((40, 64))


def aws_keys(word: str, before: str) -> Iterator[Finding]:
    """AWS access key ids, standing alone (AWS IAM user guide, "IAM identifiers")."""
    for match in _aws_key.finditer(word):
        start, end = match.span()
        if _left(word, before, start) not in _ALNUM and _right(word, end) not in _ALNUM:
            yield Finding("aws_key", start, end)


def jwts(word: str, _before: str) -> Iterator[Finding]:
    """JSON Web Tokens, those of Kubernetes service accounts by their own name."""
    for match in _jwt.finditer(word):
        segments = match.group().split(".")
        if jwt.is_token(segments):
            kind: SecretType = "k8s_token" if jwt.is_service_account(segments) else "jwt"
            yield Finding(kind, *match.span())


def connection_strings(word: str, _before: str) -> Iterator[Finding]:
    """The user and password of a URL (RFC 3986 userinfo), when there is a password.

    Passwords are often not escaped: the last `@` before the query ends them, whatever they hold.
    """
    for match in _url.finditer(word):
        start = match.end()
        query = word.find("?", start)
        end = word.rfind("@", start, query if query >= 0 else len(word))
        if end < 0:
            end = word.rfind("@", start)
        user, colon, password = word[start : max(end, start)].partition(":")
        if colon and password and not any(mark in user for mark in "/?#"):
            yield Finding("connection_string", start, end)
            return


def open_connection_string(window: str) -> Finding | None:
    """The credentials of a URL whose authority (RFC 3986) has not ended where the window does."""
    for match in _url.finditer(window):
        user, colon, password = window[match.end() :].partition(":")
        if colon and not any(mark in user + password for mark in "/?#@"):
            return Finding("connection_string", match.end(), len(window))
    return None


def api_keys(word: str, before: str) -> Iterator[Finding]:
    """Tokens of the providers in the table."""
    for pattern, mixed in _token_formats:
        for match in pattern.finditer(word):
            start, end = match.span()
            if _left(word, before, start) in _ALNUM:
                continue
            if not mixed or _is_mixed(match.group()):
                yield Finding("api_key", start, end)


def bearer_tokens(word: str, before: str) -> Iterator[Finding]:
    """The token after `Bearer` (RFC 6750), when it holds letters and digits as no word of prose does."""
    match = _bearer_token.match(word)
    if match is not None and _is_mixed(match.group()) and _bearer_before.search(before) is not None:
        yield Finding("bearer_token", *match.span())


def hex_tokens(word: str, before: str) -> Iterator[Finding]:
    """32 or more hex digits that are no git object named as one; digits alone are a number."""
    for match in _hex.finditer(word):
        start, end = match.span()
        left = _left(word, before, start)
        after_0x = left in ("x", "X") and _left(word, before, start - 1) == "0"
        if (left in _ALNUM and not after_0x) or _right(word, end) in _ALNUM or match.group().isdigit():
            continue
        if end - start in _GIT_SHA_LENGTHS and _git_context.search(_context(word, before, start)) is not None:
            continue
        yield Finding("hex_token", start, end)


def possible_secrets(word: str, before: str) -> Iterator[Finding]:
    """The shape of an AWS secret access key: exactly 40 base64 characters, random, in a context that speaks of one."""
    for match in _aws_secret.finditer(word):
        start, end = match.span()
        if end - start != _AWS_SECRET_LENGTH or _left(word, before, start) in _BASE64 or _right(word, end) == "=":
            continue
        if _is_random(match.group()) and _secret_context.search(_context(word, before, start)) is not None:
            yield Finding("possible_secret", start, end)


def literal_rule(literals: tuple[str, ...]) -> Rule:
    """A rule for texts that the configuration names."""

    def literal_texts(word: str, _before: str) -> Iterator[Finding]:
        for literal in literals:
            start = word.find(literal)
            while start >= 0:
                yield Finding("literal", start, start + len(literal))
                start = word.find(literal, start + len(literal))

    return literal_texts


RULES: Final[tuple[Rule, ...]] = (
    aws_keys,
    jwts,
    connection_strings,
    api_keys,
    bearer_tokens,
    hex_tokens,
    possible_secrets,
)


def _left(word: str, before: str, start: int) -> str:
    return word[start - 1] if start > 0 else before[start - 1 :][:1] if before else ""


def _right(word: str, end: int) -> str:
    return word[end : end + 1]


def _context(word: str, before: str, start: int) -> str:
    return (before + word[:start])[-CONTEXT:]


def _is_mixed(text: str) -> bool:
    return any(char.isdigit() for char in text) and any(char.isalpha() for char in text)


def _is_random(text: str) -> bool:
    """Upper case, lower case and digits, at 4 bits a character or more."""
    if text.islower() or text.isupper() or not _is_mixed(text):
        return False
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) >= _MIN_ENTROPY


def follows_bearer(before: str) -> bool:
    """Whether what comes next is the token of a `Bearer` scheme."""
    return before[-1:] in (" ", "\t") and before.rstrip(" \t")[-6:].lower() == "bearer"
