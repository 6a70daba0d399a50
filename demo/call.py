"""One HTTP call, as a request that we send and as the curl command that sends the same."""

import http
import http.client
import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 60.0
BODY_LIMIT: Final = 1 << 20

Json = Mapping[str, object]


@dataclass(frozen=True)
class Call:
    """A POST of `body` as JSON to `url`, with `key` as bearer token if given."""

    url: str
    body: Json
    key: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers that both the request and the command carry."""
        authorization = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        return authorization | {"Content-Type": "application/json"}

    def payload(self) -> str:
        """The body as JSON text."""
        return json.dumps(self.body, ensure_ascii=False)

    def curl(self) -> str:
        """The shell command that sends this call."""
        flags = "-sSN" if self.body.get("stream") else "-sS"
        options = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers().items()]
        return " \\\n  ".join([f"curl {flags} {self.url}", *options, f"-d {shlex.quote(self.payload())}"])


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as a JSON object; ValueError for anything else."""
        decoded = json.loads(self.body)
        if not isinstance(decoded, dict):
            raise ValueError("the answer is not a JSON object")  # noqa: TRY004 - bad data, not a bad type of ours
        return decoded

    def text(self) -> str:
        """The text of the first choice of a chat completion; empty without one."""
        return _first(self.json(), "message")


def send(call: Call) -> Answer:
    """Send `call` and read the answer whole; raises OSError or http.client.HTTPException."""
    with closing(_connection(call)) as connection:
        response = _request(connection, call)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read(BODY_LIMIT))


def stream(call: Call) -> Iterator[str]:
    """Send `call` and yield the text of each event until `[DONE]`; ValueError for a refusal and an end without it."""
    with closing(_connection(call)) as connection:
        response = _request(connection, call)
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"status {response.status}: {response.read(BODY_LIMIT).decode()}")
        for line in iter(lambda: response.readline(BODY_LIMIT), b""):
            data = line.removeprefix(b"data: ").strip()
            if data == b"[DONE]":
                return
            if line.startswith(b"data: "):
                yield _first(json.loads(data), "delta")
        raise ValueError("the stream ended without [DONE]")


def _connection(call: Call) -> http.client.HTTPConnection:
    parts = urlsplit(call.url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)


def _request(connection: http.client.HTTPConnection, call: Call) -> http.client.HTTPResponse:
    connection.request("POST", urlsplit(call.url).path, call.payload().encode(), call.headers())
    return connection.getresponse()


def _first(answer: Mapping[str, object], part: str) -> str:
    match answer:
        case {"choices": [choice, *_]} if isinstance(choice, dict):
            return (choice.get(part) or {}).get("content") or ""
        case _:
            return ""
