"""From a request to its pipeline: routes, request ids, addresses, and who is refused before any stage."""

from types import SimpleNamespace
from typing import get_args

import msgspec
import pytest

from kaigate.app.data import DataApp
from kaigate.app.incoming import Incoming
from kaigate.app.lifecycle import Lifecycle
from kaigate.app.routes import PipelineName
from kaigate.clock import SystemClock
from kaigate.keys.address import ProxyTrust
from kaigate.surfaces.anthropic_messages import AnthropicMessages
from kaigate.surfaces.ollama_chat import OllamaChat
from kaigate.surfaces.openai_chat import OpenAIChat
from kaigate.telemetry.metrics import Metrics

NAMES = get_args(PipelineName)
SURFACES = (OpenAIChat(), AnthropicMessages(), OllamaChat())


class Recorder:
    """Stands in for a pipeline."""

    def __init__(self, name, seen) -> None:
        self.name, self.seen = name, seen

    async def run(self, exchange, reply):
        self.seen.append((self.name, exchange))


class Served:
    """A data application whose pipelines write down what reaches them."""

    def __init__(self, state: str = "ready", proxies: ProxyTrust | None = None) -> None:
        self.seen, self.refused = [], []
        self.lifecycle = Lifecycle()
        self.lifecycle.state = state
        self.metrics = Metrics()
        snapshot = SimpleNamespace(
            surfaces={surface.name: surface for surface in SURFACES},
            proxies=proxies,
            refusals=SimpleNamespace(request=self.refused.append),
            pipelines={name: Recorder(name, self.seen) for name in NAMES},
        )
        self.app = DataApp(
            SimpleNamespace(snapshot=snapshot, lifecycle=self.lifecycle, metrics=self.metrics, clock=SystemClock())
        )

    async def ask(self, line: str, *headers: tuple[str, str], host: bool = True):
        """Status, headers and body of the answer; None where a pipeline took the request."""
        method, path = line.split()
        written = []
        connection = SimpleNamespace(
            peer="192.0.2.1", closing=False, write=written.append, answered=lambda _: None, date=lambda: b""
        )
        fields = [(b"host", b"x")] if host else []
        fields += [(name.encode(), value.encode("latin-1")) for name, value in headers]
        request = Incoming(connection, method.encode(), path.encode(), fields)
        request.complete = True
        await self.app(request)
        if not written:
            return None
        head, _, body = b"".join(written).partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:]), body


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("POST /v1/chat/completions", "chat", ""),
        ("GET /v1/models", "models", ""),
        ("GET /v1/models/m", "model", "m"),
        ("GET /v1/models/a%2Fb", "model", "a/b"),
        ("GET /v1/models/a/b", "model", "a/b"),
        ("GET /v1/models/%E2%82%AC", "model", "€"),
        ("GET /v1/models/%ff", "model", "\N{REPLACEMENT CHARACTER}"),
        ("GET /v1/models/", "model", ""),
        ("POST /v1/messages", "chat", ""),
        ("POST /v1/messages/count_tokens", "count_tokens", ""),
        ("POST /api/chat", "chat", ""),
        ("POST /v1/embeddings", "openai_embeddings", ""),
        ("POST /api/embed", "ollama_embed", ""),
        ("GET /api/tags", "ollama_tags", ""),
        ("POST /api/pull", "ollama_management", ""),
        ("DELETE /api/delete", "ollama_management", ""),
        ("GET /api/push", "ollama_management", ""),
        ("HEAD /api/blobs/sha256:0", "ollama_management", ""),
        ("GET /config", "config", ""),
        ("GET /providers", "providers", ""),
        ("GET /settings", "settings", ""),
    ],
)
async def test_each_route_has_its_pipeline(line, name, argument):
    served = Served()
    assert await served.ask(line) is None
    [(reached, exchange)] = served.seen
    assert (reached, exchange.argument) == (name, argument)
    assert served.lifecycle.running == 0


@pytest.mark.parametrize(
    ("line", "status", "code", "allow"),
    [
        ("GET /v1/chat/completions", 405, "method_not_allowed", "POST"),
        ("HEAD /v1/models", 405, None, "GET"),
        ("DELETE /v1/models/m", 405, "method_not_allowed", "GET"),
        ("POST /health", 405, "method_not_allowed", "GET, HEAD"),
        ("GET /V1/models", 404, "route_not_found", None),
        ("GET /v1/models%2Fm", 404, "route_not_found", None),
        ("GET /v1/files", 404, "route_not_found", None),
        ("POST /", 405, "method_not_allowed", "GET, HEAD"),
        ("GET /v1/responses/resp_1", 404, "route_not_found", None),
    ],
)
async def test_nothing_else_reaches_a_pipeline(line, status, code, allow):
    served = Served()
    got, headers, body = await served.ask(line)
    assert (got, headers.get("allow")) == (status, allow)
    assert served.seen == []
    assert [exchange.status for exchange in served.refused] == [status]
    if code is not None:
        assert msgspec.json.decode(body)["error"]["code"] == code
        assert served.metrics.registry.get_sample_value("kaigate_requests_refused_total", {"code": code}) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_who_looks_for_ollama_finds_it_without_a_key(method):
    status, headers, body = await Served().ask(f"{method} /")
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert body == (b"Ollama is running" if method == "GET" else b"")


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("GET /api/nothing", {"error": str}),
        ("GET /api/chat", {"error": str}),
        ("GET /v1/messages", {"type": str, "error": dict, "request_id": str}),
        ("POST /v1/messages/batches", {"type": str, "error": dict, "request_id": str}),
        ("GET /v1/nothing", {"error": dict}),
    ],
)
async def test_refusals_are_in_the_grammar_of_the_path(line, body):
    _, _, got = await Served().ask(line)
    assert {name: type(value) for name, value in msgspec.json.decode(got).items()} == body


async def test_anthropics_clients_find_the_request_id_where_they_look():
    served = Served()
    _, headers, body = await served.ask("GET /v1/messages")
    assert headers["request-id"] == headers["x-request-id"] == msgspec.json.decode(body)["request_id"]
    _, headers, _ = await served.ask("GET /v1/nothing")
    assert "request-id" not in headers


async def test_lines_of_a_list_are_joined_and_of_other_headers_the_last_counts():
    served = Served()
    await served.ask("POST /v1/messages", ("anthropic-beta", "a"), ("x-other", "1"), ("anthropic-beta", "b,c"))
    await served.ask("POST /v1/messages", ("x-other", "1"), ("x-other", "2"))
    first, second = (exchange.headers for _, exchange in served.seen)
    assert (first[b"anthropic-beta"], first[b"x-other"]) == (b"a, b,c", b"1")
    assert second[b"x-other"] == b"2"
    assert b"anthropic-beta" not in second


@pytest.mark.parametrize(
    "name",
    [
        "anthropic-version",
        "authorization",
        "content-type",
        "host",
        "x-api-key",
        "x-kaigate-max-cost-usd",
        "x-kaigate-private",
        "x-kaigate-user",
    ],
)
async def test_fields_that_decide_are_sent_once(name):
    served = Served()
    twice = [(name, "a")] * (1 if name == "host" else 2)
    status, _, body = await served.ask("GET /v1/models", *twice)
    assert (status, msgspec.json.decode(body)["error"]["code"]) == (400, "invalid_request")
    assert served.seen == []


async def test_a_request_names_its_host_since_http_1_1():
    served = Served()
    status, _, _ = await served.ask("GET /v1/models", host=False)
    assert status == 400


@pytest.mark.parametrize(("state", "status"), [("ready", None), ("draining", None), ("refusing", 503)])
async def test_work_is_refused_only_at_the_end_of_draining(state, status):
    served = Served(state)
    answer = await served.ask("GET /v1/models")
    assert (answer and answer[0]) == status
    if answer:
        assert answer[1]["retry-after"] == "1"
        assert msgspec.json.decode(answer[2])["error"]["code"] == "draining"
    # Probes are answered always: they are how one learns of it.
    assert (await served.ask("GET /health/liveliness"))[0] == 200


async def test_request_ids_are_taken_over_or_made_and_never_repeat():
    served = Served()
    await served.ask("GET /v1/models", ("x-request-id", "mine-1"))
    await served.ask("GET /v1/models", ("x-request-id", "a b"))
    await served.ask("GET /v1/models")
    ids = [exchange.request_id for _, exchange in served.seen]
    assert ids[0] == "mine-1"
    assert len(set(ids)) == 3
    assert all(" " not in each and len(each) > 4 for each in ids)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (None, ["203.0.113.9"], "192.0.2.1"),
        (ProxyTrust(["192.0.2.0/24"]), ["203.0.113.9"], "203.0.113.9"),
        (ProxyTrust(["192.0.2.0/24"]), ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (ProxyTrust(["192.0.2.0/24"]), [], "192.0.2.1"),
        (ProxyTrust(["10.0.0.0/8"]), ["203.0.113.9"], "192.0.2.1"),
    ],
)
async def test_the_clients_address_is_believed_from_trusted_proxies_only(proxies, forwarded, address):
    served = Served(proxies=proxies)
    await served.ask("GET /v1/models", *(("x-forwarded-for", each) for each in forwarded))
    assert served.seen[0][1].client.address == address
