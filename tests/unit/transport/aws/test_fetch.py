"""Requests for credentials are bounded, and guarded as every other."""

from pathlib import Path

import pytest

from kaigate.transport.aws.credentials import CredentialsError
from kaigate.transport.aws.fetch import fetch, read_token, target_of
from kaigate.transport.egress import EgressGuard
from kaigate.transport.http import HttpClient, Origin


async def test_a_host_that_the_guard_does_not_know_is_not_asked() -> None:
    client = HttpClient(guard=EgressGuard([]))
    target = target_of(Origin("http", "127.0.0.1", 9), local=True)
    with pytest.raises(CredentialsError, match=r"STS could not be reached \(EgressRefused\)"):
        await fetch(client, target, "GET", "/", (), source="STS")
    await client.aclose()


def test_what_is_local_uses_no_proxy() -> None:
    origin = Origin("http", "127.0.0.1", 9)
    assert (target_of(origin, local=True).zone, target_of(origin, local=False).zone) == ("private", "external")


def test_a_token_file_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b" x\n")
    assert read_token(str(file)) == b"x"
    file.write_bytes(b"x" * 70_000)
    with pytest.raises(CredentialsError, match="too large"):
        read_token(str(file))
