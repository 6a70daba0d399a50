"""Cross-checks of `guardrails`: patterns are linear-time ones, and none of them switches a guard off by the way."""

from typing import Final

import re2

from kaigate.config.findings import Findings
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import KeyPath

# A pattern that admits all of these is no exception, but an end to redaction.
_UNLIKE: Final = ("0" * 40, "a1-B2_c3.D4/e5+F6=", "two words")


def check_guardrails(config: GatewayConfig, findings: Findings) -> None:
    """The patterns of the guardrail file."""
    path: KeyPath = ("guardrails", "output", "redaction", "exceptions")
    for index, pattern in enumerate(config.guardrails.output.redaction.exceptions):
        _check_exception((*path, index), pattern, findings)


def _check_exception(path: KeyPath, pattern: str, findings: Findings) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        # RE2 knows neither look-around nor back-references: both can take exponential time.
        findings.error(
            path, "is not a pattern of RE2 (https://github.com/google/re2/wiki/Syntax), which is linear-time"
        )
        return
    if all(compiled.fullmatch(text) for text in _UNLIKE):
        findings.error(path, "fits any text, so that nothing would be redacted: use redaction.enabled to switch it off")
