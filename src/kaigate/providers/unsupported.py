"""What becomes of parameters that an upstream can't honour: refused, or dropped and named."""

from typing import Final

import msgspec

from kaigate.chat.request import Sampling
from kaigate.errors import RequestInvalidError

HINTS: Final = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "user",
        "verbosity",
    }
)
"""Parameters that do not change the substance of an answer: where an upstream has no such thing, dropped and named."""


def supported_sampling(
    sampling: Sampling, refused: frozenset[str], dropped: list[str], *, drop_params: bool
) -> Sampling:
    """The sampling without what the upstream does not know; raises unless that may be dropped."""
    if not refused:
        return sampling
    missing = [name for name in Sampling.__struct_fields__ if name in refused and getattr(sampling, name) is not None]
    for name in missing:
        refuse_or_drop(name, dropped, drop_params=drop_params)
    return msgspec.structs.replace(sampling, **dict.fromkeys(missing)) if missing else sampling


def refuse_or_drop(name: str, dropped: list[str], *, drop_params: bool) -> None:
    """Note a parameter as dropped, or refuse the request for it."""
    if name not in HINTS and not drop_params:
        raise RequestInvalidError(
            "unsupported_parameter",
            f"The model behind this name does not support the parameter '{name}'; remove it.",
            param=name,
        )
    dropped.append(name)
