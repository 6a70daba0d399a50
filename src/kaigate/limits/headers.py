"""The rate-limit headers of an answer, in OpenAI's form."""

from kaigate.limits.model import Bound, Standing, Verdict


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
    # As text first: numbers are written into bytes at three times the cost.
    lines = ""
    if requests is not None:
        bound, standing = requests
        lines = (
            f"x-ratelimit-limit-requests: {bound.limit}\r\nx-ratelimit-remaining-requests: {standing.remaining}\r\n"
            f"x-ratelimit-reset-requests: {duration(standing.reset_ms)}\r\n"
        )
    if tokens is not None:
        bound, standing = tokens
        lines += (
            f"x-ratelimit-limit-tokens: {bound.limit}\r\nx-ratelimit-remaining-tokens: {standing.remaining}\r\n"
            f"x-ratelimit-reset-tokens: {duration(standing.reset_ms)}\r\n"
        )
    return lines.encode()


def duration(milliseconds: int) -> str:
    """As OpenAI writes it: `17ms`, `1s`, `6m0s`, `1h0m0s`; seconds with up to three decimals."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    seconds, rest = divmod(milliseconds, 1000)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    if seconds < 60:
        return f"{seconds}{fraction}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m{seconds}{fraction}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}{fraction}s"
