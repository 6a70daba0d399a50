"""Strict decoding of a body into a wire struct: one reading only, and unknown fields refused with a remedy."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from kaigate.errors import RequestInvalidError
from kaigate.surfaces import json_body
from kaigate.surfaces.field_errors import field_error, unknown_parameter

T = TypeVar("T", bound=msgspec.Struct)

NOTHING: Final[Mapping[str, str]] = {}


class StrictDecoder(Generic[T]):
    """Decodes bodies of one struct type, whose objects forbid unknown fields.

    `refused` says for known but unserved fields what to do instead; a field of an object is named `options.num_gpu`.
    `allowed` maps a path without indices to the values it admits, for messages.
    """

    def __init__(
        self, kind: type[T], *, refused: Mapping[str, str] = NOTHING, allowed: Mapping[str, str] = NOTHING
    ) -> None:
        self._decoder: Final = msgspec.json.Decoder(kind)
        self._known: Final = kind.__struct_encode_fields__
        self._refused: Final = refused
        self._allowed: Final = allowed

    def decode(self, body: bytes, *, max_depth: int) -> T:
        """The struct; raises `RequestInvalidError` naming the field in the client's grammar."""
        try:
            wire = json_body.parse(self._decoder, body, max_depth=max_depth)
        except msgspec.ValidationError as error:
            message = str(error)
            if "unknown field" in message:
                self._refuse_unknown(json_body.tree(body, max_depth=max_depth))
            raise field_error(message, self._allowed) from None
        keys = json_body.count_keys(json_body.tree(body, max_depth=max_depth), max_depth)
        json_body.require_unique_keys(body, keys)
        return wire

    def _refuse_unknown(self, tree: Any) -> None:
        if not isinstance(tree, dict):
            return
        for name, value in tree.items():
            self._refuse(name)
            if name not in self._known:
                raise unknown_parameter(name, self._known)
            for inner in value if isinstance(value, dict) else ():
                self._refuse(f"{name}.{inner}")

    def _refuse(self, path: str) -> None:
        remedy = self._refused.get(path)
        if remedy is not None:
            raise RequestInvalidError(
                "unsupported_parameter", f"The parameter '{path}' is not served: {remedy}", param=path
            )
