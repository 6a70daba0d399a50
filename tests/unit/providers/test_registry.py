"""Every kind of upstream that a configuration may name can be built."""

from urllib.parse import urlsplit

import pytest

from kaigate.providers.registry import ROWS, build
from kaigate.surfaces.openai_chat_params import CARRIED

OWN = {"vllm", "llamacpp", "lmstudio", "ollama"}


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_each_row_builds_a_provider(kind: str) -> None:
    provider = build("mine", kind, api_key="k", api_version="v", organization="o", headers={"a": "b"})
    assert provider.name == "mine"
    assert provider.format == ROWS[kind].format


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_only_servers_of_one_s_own_are_private_by_default(kind: str) -> None:
    row = ROWS[kind]
    assert row.zone == ("private" if kind in OWN else "external")
    if row.base_url is None:
        assert kind in ("azure", "bedrock", "openai_compatible")
        return
    address = urlsplit(row.base_url)
    assert (address.hostname == "127.0.0.1") is (kind in OWN)
    assert address.scheme == ("http" if kind in OWN else "https")
    assert not address.path.endswith("/")


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_rows_speak_of_parameters_that_a_surface_carries(kind: str) -> None:
    assert ROWS[kind].extras <= CARRIED


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        build("mine", "openai2")


def test_the_table_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        ROWS["x"] = ROWS["openai"]  # type: ignore[index]
