"""The redactor of log lines: known secret formats, and the configured secrets themselves."""

from collections.abc import Callable, Iterable

from kaigate.guardrails.redaction import Redactor

_MIN_LENGTH = 8


def log_redactor(redactor: Redactor, secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that removes every configured secret of 8 or more characters, then everything that looks like one.

    A configured secret may have no known format: a provider's key of tomorrow, a proxy's password.
    """
    exact = sorted({secret for secret in secrets if len(secret) >= _MIN_LENGTH}, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in exact:
            if secret in text:
                text = text.replace(secret, "[REDACTED]")
        return redactor.redact(text).text

    return redact
