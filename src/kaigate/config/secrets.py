"""Secrets by reference: what a file may say (`env:NAME`, `file:/path`) and the value behind it, never shown."""

import hmac
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

MAX_SECRET_BYTES: Final = 65_536

_PATTERN: Final = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$"
_REFERENCE: Final = re.compile(r"(?P<scheme>env|file):(?P<target>.+)", re.DOTALL)
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class SecretError(ValueError):
    """A reference that cannot be resolved; the message names the reference, never a value."""


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is kept: the variable `target` of the environment, or the file at the absolute path `target`."""

    scheme: Literal["env", "file"]
    target: str

    HELP: ClassVar[str] = (
        "a secret is written as env:NAME or file:/absolute/path, never as its value "
        "(if this was a real secret, replace it: it is in a file now)"
    )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `env:NAME` or `file:/path`; raises ValueError without repeating the text, which may be a secret."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise ValueError(cls.HELP)
        target = match["target"]
        if match["scheme"] == "env":
            if not _ENV_NAME.fullmatch(target):
                raise ValueError("env: is followed by the name of an environment variable, like env:OPENAI_API_KEY")
            return cls("env", target)
        if not target.startswith("/") or not target.isprintable():
            raise ValueError("file: is followed by an absolute path, like file:/run/secrets/openai")
        return cls("file", target)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.target}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(_validate, core_schema.str_schema()),
            python_schema=core_schema.is_instance_schema(cls),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": _PATTERN, "examples": ["env:OPENAI_API_KEY", "file:/run/secrets/openai"]}


def _validate(text: str) -> SecretRef:
    try:
        return SecretRef.parse(text)
    except ValueError as error:
        raise PydanticCustomError("secret_reference", "{reason}", {"reason": str(error)}) from None


class Secret:
    """A resolved secret. Only `reveal` gives the value; no representation, format or comparison leaks it."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value, for the one place that sends or compares it."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    # Not a dictionary key: a hash of the value would be a fingerprint.
    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")


def resolve(reference: SecretRef, env: Mapping[str, str]) -> Secret:
    """The value behind a reference, read anew each time so that a rotated file is seen. Blocking; `SecretError`."""
    if reference.scheme == "env":
        value = env.get(reference.target)
        if not value:
            raise SecretError(f"{reference}: the environment variable is not set")
    else:
        value = _read(reference)
    if not value.strip():
        raise SecretError(f"{reference}: is empty")
    if not value.isprintable():
        raise SecretError(f"{reference}: holds a line break or another control character within")
    return Secret(value)


def _read(reference: SecretRef) -> str:
    try:
        # Not blocking: a path that names a pipe would wait for its writer.
        descriptor = os.open(reference.target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SecretError(f"{reference}: is not a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(MAX_SECRET_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SecretError(f"{reference}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_SECRET_BYTES:
        raise SecretError(f"{reference}: is larger than {MAX_SECRET_BYTES} bytes")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError(f"{reference}: is not UTF-8 text") from None
