"""A body has one reading, and what is unknown is named."""

from typing import Any

import msgspec
import pytest

from kaigate.errors import RequestInvalidError
from kaigate.surfaces.strict_struct import StrictDecoder


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    a: int | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    inner: Inner | None = None
    free: Any = None


DECODER = StrictDecoder(Body, refused={"old": "use name.", "inner.b": "use a."})


def test_a_body_is_read() -> None:
    assert DECODER.decode(b'{"name":"x","inner":{"a":1},"free":{"b":[]}}', max_depth=4) == Body(
        "x", Inner(1), {"b": []}
    )


@pytest.mark.parametrize(
    ("body", "said", "param"),
    [
        (b'{"name":"x","old":1}', "'old' is not served: use name", "old"),
        (b'{"name":"x","inner":{"b":1}}', "'inner.b' is not served: use a", "inner.b"),
        (b'{"name":"x","inner":{"c":1}}', "inner has the unknown field 'c'", "inner.c"),
        (b'{"name":"x","nme":1}', "did you mean 'name'", "nme"),
        (b'{"name":5}', "name: expected string", "name"),
        (b"{}", "name is required", "name"),
        (b'{"name":"x","name":"y"}', "twice", None),
        (b'{"name":"x","free":{"a":1,"a":2}}', "twice", None),
        (b'{"name":"x","free":[[[[]]]]}', "deeper than 4", None),
        (b"[5]", "must be a JSON object", None),
    ],
)
def test_what_is_not_is_refused(body: bytes, said: str, param: str | None) -> None:
    with pytest.raises(RequestInvalidError, match=said) as caught:
        DECODER.decode(body, max_depth=4)
    assert caught.value.param == param
