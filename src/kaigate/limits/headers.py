"""The rate-limit headers of an answer, in OpenAI's form."""

from typing import Final

from kaigate.limits.model import Bound, Kind, Standing, Verdict

_NAMES: Final[dict[Kind, tuple[bytes, bytes, bytes]]] = {
    "requests": (b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests"),
    "tokens": (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens"),
}


def rate_limit_headers(bounds: tuple[Bound, ...], verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}` of the bound with the least left of each kind.

    Where a verdict has no standings, because nothing was counted, there are no headers. Source of the names and of the
    duration's form: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers.
    """
    tightest: dict[Kind, tuple[Bound, Standing]] = {}
    for bound, standing in zip(bounds, verdict.standings, strict=False):
        kind = bound.kind
        if kind in _NAMES and (kind not in tightest or standing.remaining < tightest[kind][1].remaining):
            tightest[kind] = (bound, standing)
    headers = []
    for kind, (bound, standing) in tightest.items():
        limit, remaining, reset = _NAMES[kind]
        headers.append((limit, b"%d" % bound.limit))
        headers.append((remaining, b"%d" % standing.remaining))
        headers.append((reset, duration(standing.reset_ms)))
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
