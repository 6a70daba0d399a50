"""The model list in OpenAI's form; the official SDK judges it in `tests/contract`."""

import msgspec

from kaigate.surfaces.openai_models import ModelEntry, model, model_list


def test_one_model() -> None:
    assert model(ModelEntry("m", 5, "local")) == b'{"id":"m","object":"model","created":5,"owned_by":"local"}'


def test_the_list_keeps_its_order() -> None:
    body = msgspec.json.decode(model_list([ModelEntry("b", 1, "x"), ModelEntry("a", 2, "y")]))
    assert body["object"] == "list"
    assert [entry["id"] for entry in body["data"]] == ["b", "a"]


def test_no_models_is_an_empty_list() -> None:
    assert model_list([]) == b'{"object":"list","data":[]}'
