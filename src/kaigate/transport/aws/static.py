"""Credentials that are simply there: from the configuration, the environment or a file."""

from collections.abc import Mapping, Sequence
from typing import Final

from kaigate.transport.aws.credentials import AwsCredentials, Destination


class StaticCredentials:
    """Credentials that do not change; those of a file are read again when the configuration is."""

    def __init__(self, credentials: AwsCredentials) -> None:
        self._credentials: Final = credentials

    def destinations(self) -> Sequence[Destination]:
        """None."""
        return ()

    def current(self) -> AwsCredentials:
        """The credentials."""
        return self._credentials


def from_environment(env: Mapping[str, str]) -> StaticCredentials | None:
    """`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; None unless both keys are set."""
    key, secret = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        return None
    return StaticCredentials(AwsCredentials(key, secret, env.get("AWS_SESSION_TOKEN") or None))
