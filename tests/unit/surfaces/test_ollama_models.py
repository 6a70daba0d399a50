"""Ollama's informative routes; `tests/contract` has the official client read them."""

import msgspec
import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.ollama_models import (
    MANAGEMENT_ROUTES,
    OllamaModel,
    decode_show,
    management_refusal,
    ps_body,
    show_body,
    tags_body,
    version_body,
)

MODELS = [OllamaModel("llama3.2:3b", 1702388023, "sha256:ab", 8192), OllamaModel("small")]


def test_tags_list_what_may_be_used_in_order() -> None:
    listed = msgspec.json.decode(tags_body(MODELS))["models"]
    assert [(item["name"], item["model"], item["digest"], item["modified_at"]) for item in listed] == [
        ("llama3.2:3b", "llama3.2:3b", "sha256:ab", "2023-12-12T13:33:43Z"),
        ("small", "small", "", "1970-01-01T00:00:00Z"),
    ]
    assert msgspec.json.decode(tags_body([])) == {"models": []}


def test_every_allowed_model_counts_as_running() -> None:
    listed = msgspec.json.decode(ps_body(MODELS))["models"]
    assert [item["name"] for item in listed] == ["llama3.2:3b", "small"]
    assert [item.get("context_length") for item in listed] == [8192, None]


def test_a_model_is_shown_without_its_template() -> None:
    shown = msgspec.json.decode(show_body(MODELS[0]))
    assert shown["model_info"] == {"general.context_length": 8192}
    assert shown["capabilities"] == ["completion"]
    assert not shown.keys() & {"template", "modelfile", "license", "system", "parameters"}


@pytest.mark.parametrize("body", [b'{"model":"a"}', b'{"name":"a"}', b'{"model":"a","name":"b","verbose":true}'])
def test_the_shown_model_is_named(body: bytes) -> None:
    assert decode_show(body, max_depth=8) == "a"


@pytest.mark.parametrize(
    ("body", "param"),
    [(b"{}", "model"), (b'{"model":""}', "model"), (b'{"model":"a","template":"x"}', "template"), (b"[]", None)],
)
def test_what_can_not_be_shown_is_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(RequestInvalidError) as caught:
        decode_show(body, max_depth=8)
    assert caught.value.param == param


def test_the_version_is_one_that_clients_can_compare() -> None:
    version = msgspec.json.decode(version_body())["version"]
    assert all(part.isdigit() for part in version.split("."))


def test_models_are_not_managed_through_the_gateway() -> None:
    assert {path.split("/")[2] for _, path in MANAGEMENT_ROUTES} == {
        "pull",
        "push",
        "create",
        "copy",
        "delete",
        "blobs",
    }
    error = management_refusal()
    assert (error.status, error.code) == (403, "route_not_allowed")
