"""The rate-limit headers of an answer, in OpenAI's form."""

from typing import Final

from kaigate.limits.model import Bound, Standing, Verdict

_REQUESTS: Final = (
    b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: %d\r\nx-ratelimit-reset-requests: %b\r\n"
)
_TOKENS: Final = b"x-ratelimit-limit-tokens: %d\r\nx-ratelimit-remaining-tokens: %d\r\nx-ratelimit-reset-tokens: %b\r\n"


def rate_limit_lines(bounds: tuple[Bound, ...], verdict: Verdict) -> bytes:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}` of the bound with the least left of each kind.

    They are lines of a response head, each with its end; none where nothing was counted. Source of the names and of
    the duration's form: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers.
    """
    requests: tuple[Bound, Standing] | None = None
    tokens: tuple[Bound, Standing] | None = None
    for pair in zip(bounds, verdict.standings, strict=False):
        kind = pair[0].kind
        if kind == "requests":
            if requests is None or pair[1].remaining < requests[1].remaining:
                requests = pair
        elif kind == "tokens" and (tokens is None or pair[1].remaining < tokens[1].remaining):
            tokens = pair
    lines = b""
    if requests is not None:
        bound, standing = requests
        lines = _REQUESTS % (bound.limit, standing.remaining, duration(standing.reset_ms))
    if tokens is not None:
        bound, standing = tokens
        lines += _TOKENS % (bound.limit, standing.remaining, duration(standing.reset_ms))
    return lines


def duration(milliseconds: int) -> bytes:
    """As OpenAI writes it: `17ms`, `1s`, `6m0s`, `1h0m0s`; seconds with up to three decimals."""
    if milliseconds < 1000:
        return b"%dms" % milliseconds
    seconds, rest = divmod(milliseconds, 1000)
    fraction = (b".%03d" % rest).rstrip(b"0") if rest else b""
    if seconds < 60:
        return b"%d%bs" % (seconds, fraction)
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return b"%dm%d%bs" % (minutes, seconds, fraction)
    hours, minutes = divmod(minutes, 60)
    return b"%dh%dm%d%bs" % (hours, minutes, seconds, fraction)
