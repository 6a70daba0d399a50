"""Generated requests, fitting the published description or not: none gets a 5xx, every refusal has our grammar."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jsonschema_rs
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from kaigate.admin.openapi import description
from kaigate.app.routes import grammar
from support.gateway_process import KEY, GatewayProcess, running_gateway
from support.openai_upstream import DONE, STREAM_HEAD, chunk, completion, http, stream_of
from support.upstream_faults import Connection, upstream

MODES = schemathesis.GenerationMode


def generator(*modes: schemathesis.GenerationMode) -> schemathesis.BaseSchema:
    """The published description as a source of requests that fit it, don't, or both."""
    made = schemathesis.openapi.from_dict(description(), config=schemathesis.Config())
    made.config.generation.update(modes=list(modes))
    return made


API = generator(MODES.POSITIVE, MODES.NEGATIVE)
SERVED = generator(MODES.POSITIVE).include(method="POST")
SCHEMAS = description()["components"]["schemas"]
ERRORS = {
    vendor: jsonschema_rs.validator_for(SCHEMAS[name])
    for vendor, name in {"openai": "Error", "anthropic": "AnthropicError", "ollama": "OllamaError"}.items()
}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]
BOUNDED = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


async def model_server(connection: Connection) -> None:
    """Answers whatever it is asked, as a stream where that is what it is asked for."""
    while (request := await connection.request()) is not None:
        if b'"stream":true' in request:
            events = b"".join(map(chunk, stream_of(["generated"])))
            await connection.send(STREAM_HEAD + events + DONE)
        elif b" /v1/embeddings " in request:
            await connection.send(http(vectors(request.partition(b"\r\n\r\n")[2])))
        else:
            await connection.send(http(completion("generated")))


def vectors(body: bytes) -> bytes:
    """A vector for each input: one text, texts, one text as tokens, texts as tokens."""
    asked = msgspec.json.decode(body)["input"]
    count = len(asked) if isinstance(asked, list) and not isinstance(asked[0], int) else 1
    data = [{"index": index, "embedding": [0.5]} for index in range(count)]
    return msgspec.json.encode({"data": data, "model": "up", "usage": {"prompt_tokens": 1, "total_tokens": 1}})


@pytest.fixture(scope="module")
def upstream_port() -> Iterator[int]:
    """A model server in its own thread."""
    ready, ports = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with upstream(model_server) as up:
            ports.append(up.port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(5)
    yield ports[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(5)
    loop.close()


@pytest.fixture(scope="module")
def gateway(upstream_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = {
        "server": {"auth_failures_per_minute": 100_000},
        "providers": {
            "up": {
                "type": "openai_compatible",
                "base_url": f"http://127.0.0.1:{upstream_port}/v1",
                "drop_params": True,
            }
        },
        "models": {"m": {"deployments": [{"provider": "up"}]}},
    }
    with running_gateway(config, tmp_path_factory.mktemp("schemathesis")) as process:
        yield process
        assert "Traceback" not in process.log()


@dataclass
class Caller:
    """Sends cases on one connection and remembers their statuses."""

    gateway: GatewayProcess
    session: requests.Session
    statuses: Counter[int] = field(default_factory=Counter)

    def check(self, case: schemathesis.Case) -> None:
        """Send a case and look at the form of its answer, and at its text where it is documented."""
        headers = {"authorization": f"Bearer {KEY}"}
        response = case.call(base_url=self.gateway.url, session=self.session, headers=headers, timeout=10)
        self.statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            surface = grammar(urlsplit(response.request.url).path.encode())
            ERRORS[surface.partition("_")[0]].validate(response.json())
        assert response.headers["x-request-id"]


@pytest.fixture(scope="module")
def caller(gateway: GatewayProcess) -> Iterator[Caller]:
    with requests.Session() as session:
        made = Caller(gateway, session)
        yield made
        # That nothing fails says something only if the requests got everywhere.
        assert {200, 400, 401, 404, 405, 415} <= set(made.statuses)
        assert made.statuses[200] > 100


@API.parametrize()
@BOUNDED
def test_no_request_is_answered_with_a_server_error(case, caller):
    caller.check(case)


@SERVED.parametrize()
@BOUNDED
def test_a_request_for_a_served_model_is_answered_or_refused(case, caller):
    if isinstance(case.body, dict):
        case.body["model"] = "m"
        if case.path == "/v1/chat/completions":
            case.body["logprobs"] = case.body.get("top_logprobs") is not None
        for refused in ("store", "modalities"):
            case.body.pop(refused, None)
    caller.check(case)
