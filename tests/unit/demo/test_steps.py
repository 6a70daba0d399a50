"""Each step notices when what it claims is not so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from demo.stack import Stack
from demo.steps import FAKE_AWS_KEY, PLACEHOLDER, STEPS, Outcome

SENTENCE = "The capital of France is Paris."
KEY = "kg-right-key"


class Scripted(BaseHTTPRequestHandler):
    """A gateway and a model server in one: with a key it guards, without one it says what the model says."""

    faults: frozenset[str] = frozenset()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        authorization = self.headers.get("Authorization")
        if authorization not in (None, f"Bearer {KEY}") and "any key" not in self.server.faults:
            self._answer(401, {"error": {"code": "invalid_api_key", "message": "no"}})
        elif body["model"] != "smollm2" and "any model" not in self.server.faults:
            self._answer(404, {"error": {"code": "model_not_found", "message": "no"}})
        elif body.get("stream"):
            self._stream(self._text(body, guarded=True))
        else:
            text = self._text(body, guarded=authorization is not None)
            answer = {"choices": [{"message": {"content": text}}], "provider": "local", "usage": {"total_tokens": 3}}
            if "no usage" in self.server.faults:
                del answer["usage"]
            self._answer(200, answer)

    def _text(self, body: dict[str, object], *, guarded: bool) -> str:
        if FAKE_AWS_KEY not in json.dumps(body):
            return "I do not know." if "ignorant" in self.server.faults else SENTENCE
        if "deaf" in self.server.faults:
            return "The AWS key is red."
        redacts = guarded and "blind" not in self.server.faults
        return f"The AWS key is {PLACEHOLDER if redacts else FAKE_AWS_KEY}."

    def _stream(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        pieces = [text] if "one piece" in self.server.faults else text.split(" ")
        for number, piece in enumerate(pieces):
            delta = {"content": piece if number == 0 else f" {piece}"}
            self.wfile.write(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode())
            self.wfile.flush()
        if "cut" not in self.server.faults:
            self.wfile.write(b"data: [DONE]\n\n")

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def scripted(*faults: str) -> Iterator[Stack]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as server:
        server.faults = frozenset(faults)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        try:
            yield Stack(url, url, "", "", KEY, ())
        finally:
            server.shutdown()
            thread.join()


def broken(outcome: Outcome) -> list[str]:
    return [claim for claim, held in outcome.claims if not held]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_holds_against_a_gateway_that_does_its_work(step) -> None:
    with scripted() as stack:
        assert broken(step.perform(stack)) == []


@pytest.mark.parametrize(
    ("number", "fault", "claims"),
    [
        (0, "ignorant", ["the answer names Paris"]),
        (0, "no usage", ["usage is filled"]),
        (1, "one piece", ["several pieces arrive, one after another"]),
        (1, "ignorant", ["together they name Paris"]),
        (2, "any model", ["status 404", "error code model_not_found"]),
        (3, "any key", ["status 401", "error code invalid_api_key"]),
        (4, "deaf", ["the model itself repeats the key", "the guarded answer has the placeholder"]),
        (
            4,
            "blind",
            ["the guarded answer has the placeholder", "and is otherwise the same", "no part of the key is left"],
        ),
    ],
)
def test_a_step_names_the_claim_that_does_not_hold(number: int, fault: str, claims: list[str]) -> None:
    with scripted(fault) as stack:
        assert broken(STEPS[number].perform(stack)) == claims


def test_a_stream_that_is_cut_is_a_failure() -> None:
    with scripted("cut") as stack, pytest.raises(ValueError, match="DONE"):
        STEPS[1].perform(stack)
