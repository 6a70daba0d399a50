"""On every surface a private request stays private: the judge is a socket in the external zone that records."""

import random

import msgspec
import pytest

from support.dialects import DIALECTS
from support.gateway import AUTH, call, post, running, settings
from support.openai_upstream import completion, http
from support.upstream_faults import Connection, upstream

CONFINED = "kg-confined-" + "0123456789abcdef" * 2
PRIVATE = {
    "by header": ("m", AUTH + "x-kaigate-private: true\r\n"),
    "by key": ("m", f"authorization: Bearer {CONFINED}\r\n"),
    "by model": ("kept", AUTH),
    # A client can raise privacy, never lower it.
    "by model, whatever is asked": ("kept", AUTH + "x-kaigate-private: false\r\n"),
    "by key, whatever is asked": ("m", f"authorization: Bearer {CONFINED}\r\nx-kaigate-private: false\r\n"),
}
VECTORS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "e"}
OTHERS = {
    "/v1/embeddings": {"input": "hello"},
    "/api/embed": {"input": "hello"},
    "/api/embeddings": {"prompt": "hello"},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": "hello"}]},
}


def requests(model: str) -> list[tuple[str, bytes]]:
    """Path and body on every surface, streamed and whole."""
    chats = [(each.path, each.body(stream=stream, model=model)) for each in DIALECTS for stream in (False, True)]
    return chats + [(path, msgspec.json.encode({"model": model, **fields})) for path, fields in OTHERS.items()]


@pytest.mark.parametrize("seed", range(4))
async def test_no_surface_lets_a_private_request_out(tmp_path, seed):
    draw = random.Random(seed)
    failures = [http(b"{}", status) for status in ("503 Busy", "500 Oops", "429 Slow Down", "401 Who")]

    async def moody(connection: Connection) -> None:
        while (request := await connection.request()) is not None:
            if draw.random() < 0.2:
                return
            vectors = msgspec.json.encode({**VECTORS, "usage": {"prompt_tokens": 1, "total_tokens": 1}})
            good = http(vectors if b"/embeddings " in request.split(b"\r\n")[0] else completion())
            await connection.send(draw.choice([good, *failures]))

    async with upstream(moody) as outside, upstream(moody) as inside:
        config = settings(inside.port, providers={"far": {"zone": "external"}})
        config["providers"]["far"]["base_url"] = f"http://127.0.0.1:{outside.port}/v1"
        config["routing"] = {
            "max_attempts": 4,
            "strategy": draw.choice(["ordered", "weighted", "fastest"]),
            "retries": {"backoff_s": 0.001, "max_backoff_s": 0.002},
            "breaker": {"enabled": False},
        }
        both = [{"provider": provider} for provider in draw.sample(["up", "far"], 2)]
        config["models"] = {
            "m": {"deployments": both, "fallbacks": ["last"], "max_tokens": 50},
            "kept": {"deployments": both, "fallbacks": ["last"], "private": True, "max_tokens": 50},
            "last": {"deployments": [{"provider": "far"}], "max_tokens": 50},
        }
        config["keys"]["static"]["confined"] = {"key": "env:CONFINED", "private_only": True}
        async with running(config, tmp_path, {"CONFINED": CONFINED}) as gateway:
            for model, headers in PRIVATE.values():
                for path, body in requests(model):
                    await call(gateway, post(body, path, headers))
            assert (outside.connections, outside.requests) == (0, [])
            served = {request.split(b" ")[1] for request in inside.requests}
            assert served == {b"/v1/chat/completions", b"/v1/embeddings"}
            for path, body in requests("last"):
                await call(gateway, post(body, path))
            assert outside.requests, "the judge can see"
