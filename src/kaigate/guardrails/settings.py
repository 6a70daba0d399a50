"""What an operator may change about secret redaction."""

import msgspec


class RedactionSettings(msgspec.Struct, frozen=True):
    """Secret redaction of answers.

    `exceptions` are RE2 patterns over ASCII text: a finding of at most 4096 characters that lies within a match stays;
    a match may begin up to 96 characters before it and end with its word. Blocks of private keys have no exceptions.
    `literals` are further texts of 4 to 256 characters to redact. `disabled_types` are names of
    `findings.TYPES`. `allow_checksums` leaves hex digests that are introduced as such (`sha256:...`, `md5 ...`).
    """

    enabled: bool = True
    exceptions: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    disabled_types: tuple[str, ...] = ()
    allow_checksums: bool = True
