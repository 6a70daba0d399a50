"""What clients of one format do and those of others don't."""

import pytest

from support.dialects import DIALECTS, Dialect
from support.gateway import AUTH, call, running, settings
from support.openai_upstream import answering, completion, http
from support.upstream_faults import upstream

FORM = "application/x-www-form-urlencoded"
TYPES = pytest.mark.parametrize("kind", [FORM, "text/plain", "application/json; charset=utf-16"])


def typed(dialect: Dialect, kind: str, headers: str = AUTH) -> bytes:
    body = dialect.body()
    head = f"POST {dialect.path} HTTP/1.1\r\nhost: x\r\n{headers}content-type: {kind}\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


@TYPES
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
async def test_ollamas_clients_may_call_json_anything(tmp_path, dialect, kind):
    lenient = dialect.path.startswith("/api/")
    async with upstream(answering(http(completion()))) as up, running(settings(up.port), tmp_path) as gateway:
        answer = await call(gateway, typed(dialect, kind))
        assert answer.status == (200 if lenient else 415)
        page = AUTH + "origin: http://evil.example\r\n"
        assert (await call(gateway, typed(dialect, kind, page))).status == 415
        assert (await call(gateway, typed(dialect, "application/json", page))).status == 200
