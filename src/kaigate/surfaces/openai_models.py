"""The client surface `GET /v1/models` and `GET /v1/models/{id}` (source: OpenAI API reference, "Models")."""

from collections.abc import Iterable

import msgspec


class ModelEntry(msgspec.Struct, frozen=True, gc=False):
    """One listed model; `created` is seconds since the epoch, `owned_by` the configured provider."""

    id: str
    created: int
    owned_by: str


def model_list(entries: Iterable[ModelEntry]) -> bytes:
    """The body of the list, in the order given."""
    return msgspec.json.encode({"object": "list", "data": [_wire(entry) for entry in entries]})


def model(entry: ModelEntry) -> bytes:
    """The body of one model."""
    return msgspec.json.encode(_wire(entry))


def _wire(entry: ModelEntry) -> dict[str, str | int]:
    return {"id": entry.id, "object": "model", "created": entry.created, "owned_by": entry.owned_by}
