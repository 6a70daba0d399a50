"""Recognises JSON Web Tokens by decoding them (RFC 7519, RFC 7515), not by their looks."""

import base64
import binascii
from typing import Any

import msgspec


def decoded(segment: str) -> dict[str, Any] | None:
    """The JSON object in a base64url segment, or None."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        value = msgspec.json.decode(raw)
    except (binascii.Error, ValueError):
        return None
    return value if isinstance(value, dict) else None


def is_token(segments: list[str]) -> bool:
    """Whether the first segment is a JOSE header, which names an algorithm."""
    header = decoded(segments[0])
    return header is not None and "alg" in header


def is_service_account(segments: list[str]) -> bool:
    """Whether the claims are those of a Kubernetes service account, legacy or projected."""
    claims = decoded(segments[1]) if len(segments) > 1 else None
    if claims is None:
        return False
    if claims.get("iss") == "kubernetes/serviceaccount" or str(claims.get("sub", "")).startswith(
        "system:serviceaccount:"
    ):
        return True
    return any(name == "kubernetes.io" or name.startswith("kubernetes.io/serviceaccount/") for name in claims)
