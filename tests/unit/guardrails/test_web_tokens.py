"""Web tokens are known by what they say, not by how they look."""

import base64

import pytest

from kaigate.guardrails.redaction import RedactionSettings, Redactor
from kaigate.guardrails.web_tokens import decoded
from support.secrets import ALNUM, JWT, K8S, jwt, segment

REDACTOR = Redactor.build(RedactionSettings())


def raw(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


SPACED = raw('{ "alg": "HS256" }')


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (JWT, "jwt"),
        (K8S, "k8s_token"),
        (jwt({"kubernetes.io/serviceaccount/namespace": "x"}), "k8s_token"),
        (f"{segment({'alg': 'none'})}.{segment({'a': 1})}.", "jwt"),
        (f"{segment({'alg': 'none'})}.{segment({'a': 1})}", "jwt"),
        (f"{segment({'alg': 'dir', 'enc': 'A'})}..{ALNUM}.{ALNUM}.{ALNUM}", "jwt"),
        (f"{SPACED}.{raw('{}')}.{ALNUM}", "jwt"),
        (f"{segment({'alg': 'RS256', 'x5c': ['A' * 3000]})}.{segment({'a': 1})}.{ALNUM}", "jwt"),
        (jwt({"sub": "x" * 9000}), "jwt"),
        (jwt({"sub": "system:serviceaccount:a:b", "x": "x" * 9000}), "k8s_token"),
    ],
)
def test_tokens_are_found_with_their_kind(token, kind):
    text = f"({token}) next"
    found = REDACTOR.redact(text).findings
    assert [(f.type, f.start, text[f.end :].lstrip(".")) for f in found] == [(kind, 1, ") next")]


@pytest.mark.parametrize(
    "text",
    [
        f"{segment({'typ': 'JWT'})}.{segment({'a': 1})}.{ALNUM}",
        "eyJhbGciOiJ.not.json",
        f"{segment({'alg': 'x'})}. A header alone.",
        f"{raw('{' * 200)}.{ALNUM}.{ALNUM}",
        "eyJ" + "_" * 40 + ".a.b",
        segment(["alg"]) + ".a.b",
    ],
)
def test_what_has_no_header_is_no_token(text):
    assert REDACTOR.redact(text).text is text


@pytest.mark.parametrize(
    ("text", "value"), [("YWJj", b"abc"), ("YWI", b"ab"), ("YWJjZ", b"abc"), ("", b""), ("é", b"")]
)
def test_incomplete_base64_is_decoded_as_far_as_it_goes(text, value):
    assert decoded(text) == value
