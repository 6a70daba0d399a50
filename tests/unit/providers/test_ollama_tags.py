"""What Ollama lists becomes names and digests that can be compared, and nothing else does."""

import msgspec
import pytest

from kaigate.errors import UpstreamFailedError
from kaigate.providers.ollama_tags import MAX_NAME, decode_tags, full_name, plain_digest

DIGEST = "0123456789abcdef" * 4

# As in Ollama's API documentation.
LISTED = {
    "name": "deepseek-r1:latest",
    "model": "deepseek-r1:latest",
    "modified_at": "2025-05-10T08:06:48.639712648-07:00",
    "size": 4683075271,
    "digest": "0a8c266910232fd3291e71e5ba1e058cc5af9d411192cf88b6d30e92b6e73163",
    "details": {"family": "qwen2", "families": ["qwen2"]},
}


def test_names_and_digests_are_read():
    assert decode_tags(msgspec.json.encode({"models": [LISTED]})) == {"deepseek-r1:latest": LISTED["digest"]}


@pytest.mark.parametrize("body", [b'{"models":null}', b'{"models":[]}'])
def test_a_server_without_models_lists_none(body):
    assert decode_tags(body) == {}


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"<html>", b'{"models":{}}', b'{"models":[{"name":"m"}]}', b'{"models":[{"name":"\xff"}]}'],
)
def test_anything_else_is_refused(body):
    with pytest.raises(UpstreamFailedError):
        decode_tags(body)


@pytest.mark.parametrize("digest", ["", "latest", DIGEST[:-1], DIGEST[:-1] + "g", "md5:" + DIGEST])
def test_a_model_whose_digest_is_none_is_not_listed(digest):
    assert decode_tags(msgspec.json.encode({"models": [{"name": "m", "digest": digest}]})) == {}


def test_a_name_of_no_bound_is_not_listed():
    body = msgspec.json.encode({"models": [{"name": "m" * (MAX_NAME + 1), "digest": DIGEST}]})
    assert decode_tags(body) == {}


@pytest.mark.parametrize("text", [DIGEST, f"sha256:{DIGEST}", DIGEST.upper()])
def test_a_digest_is_the_same_in_every_spelling(text):
    assert plain_digest(text) == DIGEST


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("Llama3.2:3B", "llama3.2:3b"),
        ("library/llama3.2:3b", "llama3.2:3b"),
        ("registry.ollama.ai/library/llama3.2", "llama3.2:latest"),
        ("me/model:v1", "me/model:v1"),
        ("hf.co/me/model", "hf.co/me/model:latest"),
        ("localhost:5000/me/model", "localhost:5000/me/model:latest"),
    ],
)
def test_a_name_has_its_tag(name, full):
    assert full_name(name) == full
