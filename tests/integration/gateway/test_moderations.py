"""Moderation over a real server: authenticated, bounded, recorded, and nothing is sent upstream."""

import msgspec
import pytest

from support import secrets
from support.gateway import AUTH, call, post, running, settings

PATH = "/v1/moderations"
SECRET = f"The key is {secrets.AWS_KEY}."


def asking(*texts: str, headers: str = AUTH) -> bytes:
    return post(msgspec.json.encode({"model": "kaigate-secrets", "input": list(texts)}), PATH, headers)


@pytest.mark.parametrize("redacting", [True, False])
async def test_secrets_are_flagged_whether_or_not_answers_are_redacted(tmp_path, redacting):
    config = settings(9, guardrails={"output": {"redaction": {"enabled": redacting}}})
    async with running(config, tmp_path) as gateway:
        answer = await call(gateway, asking("fine", SECRET))
        assert [result["flagged"] for result in answer.json()["results"]] == [False, True]
        assert answer.json()["id"] == f"modr-{answer.headers['x-request-id']}"
        assert secrets.AWS_KEY.encode() not in answer.body
        [record] = gateway.records
        assert (record["surface"], record["status"]) == ("moderations", 200)
        assert secrets.AWS_KEY not in repr(record)


async def test_exceptions_are_those_of_answers(tmp_path):
    config = settings(9, guardrails={"output": {"redaction": {"disabled_types": ["aws_key"]}}})
    async with running(config, tmp_path) as gateway:
        answer = await call(gateway, asking(SECRET))
        assert answer.json()["results"][0]["flagged"] is False


async def test_it_is_refused_as_every_route_is(tmp_path):
    async with running(settings(9, server={"max_body_bytes": 1024}), tmp_path) as gateway:
        assert (await call(gateway, asking("x", headers=""))).status == 401
        assert (await call(gateway, asking("x" * 2000))).code == "request_too_large"
        assert (await call(gateway, post(b'{"input": "x"}', PATH))).code == "unsupported_parameter"
        assert (await call(gateway, post(b"{", PATH))).code == "invalid_request"
