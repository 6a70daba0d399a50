"""Chat completions recorded from real providers, read from a folder outside the repository."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

FOLDER = Path(
    os.environ.get("KAIGATE_RECORDED_TRAFFIC")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "recorded-traffic"
)
FOLDERS = ("test_openai", "test_deepseek", "test_ollama", "test_tool_choice_matrix", "test_stream_close")


@dataclass(frozen=True)
class Recording:
    """One recorded answer of a `/chat/completions` endpoint."""

    name: str
    uri: str
    status: int
    request: dict[str, Any]
    body: bytes

    @property
    def stream(self) -> bool:
        return self.body.startswith((b"data:", b":"))


def recordings() -> list[Recording]:
    """All recorded chat completions; empty where the folder is absent."""
    found = [
        recording
        for folder in FOLDERS
        for path in sorted((FOLDER / folder).glob("*.yaml"))
        for recording in _read(path)
    ]
    return [recording for recording in found if b'"' in recording.body]


def _read(path: Path) -> Iterator[Recording]:
    document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for index, interaction in enumerate(document.get("interactions", ())):
        if "request" not in interaction:  # recorded in another format than HTTP
            continue
        uri = interaction["request"]["uri"]
        if "/chat/completions" not in uri:
            continue
        answer = interaction["response"]
        yield Recording(
            f"{path.parent.name}/{path.stem}-{index}",
            uri,
            answer["status"]["code"],
            _request(interaction["request"]),
            _body(answer),
        )


def _request(request: dict[str, Any]) -> dict[str, Any]:
    body = request.get("parsed_body") or request.get("body") or {}
    return msgspec.json.decode(body) if isinstance(body, str | bytes) else body


def _body(answer: dict[str, Any]) -> bytes:
    if "parsed_body" in answer:
        return msgspec.json.encode(answer["parsed_body"])
    body = answer.get("body") or b""
    if isinstance(body, dict):
        body = body.get("string", b"")
    return body.encode() if isinstance(body, str) else body
