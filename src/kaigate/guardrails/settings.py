"""What an operator may change about secret redaction."""

import msgspec


class RedactionSettings(msgspec.Struct, frozen=True):
    """Secret redaction of answers.

    `exceptions` are RE2 patterns: a finding of at most 4096 characters that one of them matches in full stays.
    `literals` are further texts of 4 to 256 characters to redact. `disabled_types` are names of
    the types of secrets. `allow_checksums` leaves hex digests that are introduced as such
    (`sha256:...`, `md5 ...`).
    """

    enabled: bool = True
    exceptions: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    disabled_types: tuple[str, ...] = ()
    allow_checksums: bool = True
