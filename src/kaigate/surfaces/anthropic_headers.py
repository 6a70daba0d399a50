"""Headers in which Anthropic's Messages API carries parameters: to hints for a provider of the same format."""

from collections.abc import Mapping
from typing import Final

from kaigate.errors import RequestInvalidError

_VERSION: Final = b"anthropic-version"
_BETA: Final = b"anthropic-beta"
_WORD: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
_MAX_VERSION: Final = 32
_MAX_BETA: Final = 1024


def hints(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    """`anthropic-version` and `anthropic-beta`, checked; raises `RequestInvalidError` for what is neither.

    Both are optional here. A beta is passed on only where the provider's configuration allows it.
    """
    found: dict[str, str] = {}
    version = headers.get(_VERSION)
    if version:
        if len(version) > _MAX_VERSION or version.translate(None, _WORD):
            raise _invalid("anthropic-version", "a date such as 2023-06-01")
        found["anthropic-version"] = version.decode("ascii")
    beta = headers.get(_BETA)
    if beta:
        if len(beta) > _MAX_BETA or beta.translate(None, _WORD + b", "):
            raise _invalid("anthropic-beta", f"names parted by commas, of at most {_MAX_BETA} bytes")
        names = [name.strip() for name in beta.decode("ascii").split(",")]
        if any(" " in name for name in names):
            raise _invalid("anthropic-beta", "names parted by commas")
        betas = ",".join(dict.fromkeys(name for name in names if name))
        if betas:
            found["anthropic-beta"] = betas
    return found


def _invalid(name: str, form: str) -> RequestInvalidError:
    return RequestInvalidError("invalid_request", f"The header {name} must be {form}.", param=name)
