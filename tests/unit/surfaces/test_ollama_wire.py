"""The tables of Ollama's wire types name fields that exist, or that do not."""

import msgspec

from kaigate.surfaces.ollama_wire import ALLOWED, REFUSED, ChatBody, GenerateBody, Options


def names(kind: type[msgspec.Struct]) -> set[str]:
    return set(kind.__struct_encode_fields__)


def test_what_is_refused_is_not_a_field() -> None:
    for path in REFUSED:
        outer, _, inner = path.partition(".")
        if inner:
            assert outer == "options"
            assert inner not in names(Options)
        else:
            assert outer not in names(ChatBody) | names(GenerateBody)


def test_what_is_explained_is_a_field() -> None:
    fields = names(ChatBody) | names(GenerateBody)
    assert {path.split("[")[0] for path in ALLOWED} <= fields
