"""Only failures before the upstream can have worked are safe to repeat."""

import pytest

from kaigate.transport import errors


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        (errors.ConnectFailed, True),
        (errors.ConnectTimeout, True),
        (errors.PoolTimeout, True),
        (errors.TlsFailed, False),
        (errors.EgressRefused, False),
        (errors.InvalidRequest, False),
        (errors.FirstByteTimeout, False),
        (errors.IdleTimeout, False),
        (errors.TotalTimeout, False),
        (errors.Truncated, False),
        (errors.StaleConnection, False),
        (errors.ProtocolError, False),
        (errors.HeadersTooLarge, False),
        (errors.BodyTooLarge, False),
    ],
)
def test_retryable_says_that_the_request_was_not_worked_on(kind: type[errors.TransportError], retryable: bool) -> None:
    assert issubclass(kind, errors.TransportError)
    assert kind("x").retryable is retryable
