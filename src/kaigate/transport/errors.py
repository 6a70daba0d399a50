"""What can go wrong between the gateway and a model server, named by what happened.

Messages name hosts and limits, never header values, bodies or bytes that the upstream sent.
"""

from typing import ClassVar


class TransportError(Exception):
    """An exchange with an upstream failed.

    `retryable` is True only where the upstream cannot have worked on the request, so that sending it again is safe.
    """

    retryable: ClassVar[bool] = False


class EgressRefused(TransportError):  # noqa: N818 - the names say what happened
    """The egress guard forbids this destination for this exchange."""


class InvalidRequest(TransportError):  # noqa: N818
    """The request's own method, path or headers cannot be sent safely (for example a line break in a header)."""


class ConnectFailed(TransportError):  # noqa: N818
    """No connection: refused, unreachable, or the name does not resolve."""

    retryable = True


class ConnectTimeout(TransportError):  # noqa: N818
    """No connection within `connect_s`."""

    retryable = True


class PoolTimeout(TransportError):  # noqa: N818
    """No slot of the upstream's pool became free in time, or too many exchanges wait already."""

    retryable = True


class TlsFailed(TransportError):  # noqa: N818
    """The TLS handshake or the certificate check failed."""


class FirstByteTimeout(TransportError):  # noqa: N818
    """The response head did not arrive within `first_byte_s`."""


class IdleTimeout(TransportError):  # noqa: N818
    """The body paused for longer than `idle_s`."""


class TotalTimeout(TransportError):  # noqa: N818
    """The whole exchange took longer than `total_s`."""


class Truncated(TransportError):  # noqa: N818
    """The connection ended before the response did."""


class StaleConnection(Truncated):
    """A reused connection closed before the first byte of the response: the usual end of an idle connection."""


class ProtocolError(TransportError):
    """The upstream's bytes are not a well-framed HTTP/1.x response or stream."""


class HeadersTooLarge(ProtocolError):  # noqa: N818
    """The response head or its trailers exceed the limits."""


class BodyTooLarge(TransportError):  # noqa: N818
    """The body is longer than the caller accepts."""
