"""Profiles of the shared files `~/.aws/credentials` and `~/.aws/config`.

Source: AWS SDKs and tools reference guide, "Shared config and credentials files". Static keys, web identity and the
region are read; a profile that runs a program, signs on in a browser or chains to another one is refused.
"""

import configparser
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 1024 * 1024
DEFAULT: Final = "default"

_REFUSED: Final = ("credential_process", "sso_session", "sso_start_url", "source_profile", "credential_source")


class ProfileError(ValueError):
    """A profile that can't be used; the message names files, profiles and settings, never a value."""


def read_profile(env: Mapping[str, str], name: str | None) -> Mapping[str, str] | None:
    """The settings of a profile: `name`, else `AWS_PROFILE`, else `default`. Blocking.

    None where no profile was named and there is no default one. Raises `ProfileError` for one that was named and is
    missing, for files that are malformed, and for a profile without keys whose credentials come in another way.
    """
    wanted = name or env.get("AWS_PROFILE") or DEFAULT
    home = Path(env.get("HOME") or "/")
    config = _read(Path(env.get("AWS_CONFIG_FILE") or home / ".aws" / "config"))
    credentials = _read(Path(env.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws" / "credentials"))
    found: dict[str, str] = {}
    section = wanted if wanted == DEFAULT and config.has_section(wanted) else f"profile {wanted}"
    for parser, title in ((config, section), (credentials, wanted)):
        if parser.has_section(title):
            found.update(parser.items(title))
    if not found:
        if name or env.get("AWS_PROFILE"):
            raise ProfileError(f"the AWS profile {wanted} is in neither the config nor the credentials file")
        return None
    if "aws_access_key_id" not in found:
        for setting in _REFUSED:
            if setting in found:
                raise ProfileError(f"the AWS profile {wanted} uses {setting}, which is not supported")
    return found


def _read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="", strict=False, inline_comment_prefixes=("#", ";"))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return parser
    except OSError as error:
        raise ProfileError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ProfileError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    try:
        parser.read_string(data.decode())
    except (configparser.Error, UnicodeDecodeError):
        raise ProfileError(f"{path} is not a file of AWS settings") from None
    return parser
