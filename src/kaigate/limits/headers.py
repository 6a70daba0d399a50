"""The rate-limit headers of an answer, in OpenAI's form."""

from kaigate.limits.model import Bound, Standing, Verdict


def rate_limit_headers(bounds: tuple[Bound, ...], verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}` of the bound with the least left of each kind.

    Where a verdict has no standings, because nothing was counted, there are no headers. Source of the names and of the
    duration's form: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers.
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
    headers: list[tuple[bytes, bytes]] = []
    if requests is not None:
        bound, standing = requests
        headers += (
            (b"x-ratelimit-limit-requests", b"%d" % bound.limit),
            (b"x-ratelimit-remaining-requests", b"%d" % standing.remaining),
            (b"x-ratelimit-reset-requests", duration(standing.reset_ms)),
        )
    if tokens is not None:
        bound, standing = tokens
        headers += (
            (b"x-ratelimit-limit-tokens", b"%d" % bound.limit),
            (b"x-ratelimit-remaining-tokens", b"%d" % standing.remaining),
            (b"x-ratelimit-reset-tokens", duration(standing.reset_ms)),
        )
    return headers


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
