"""The rate-limit headers of an answer, in OpenAI's form."""

from kaigate.limits.bounds import Terms
from kaigate.limits.model import Standing, Verdict


def rate_limit_lines(terms: Terms, verdict: Verdict) -> bytes:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}` of the bound with the least left of each kind.

    They are lines of a response head, each with its end; none where nothing was counted. Source of the names and of
    the duration's form: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers.
    """
    bounds, standings = terms.bounds, verdict.standings
    if not standings:
        return b""
    # As text first: numbers are written into bytes at three times the cost.
    lines = ""
    if terms.requests:
        position = _tightest(terms.requests, standings)
        bound, standing = bounds[position], standings[position]
        lines = (
            f"x-ratelimit-limit-requests: {bound.limit}\r\nx-ratelimit-remaining-requests: {standing.remaining}\r\n"
            f"x-ratelimit-reset-requests: {duration(standing.reset_ms)}\r\n"
        )
    if terms.tokens:
        position = _tightest(terms.tokens, standings)
        bound, standing = bounds[position], standings[position]
        lines += (
            f"x-ratelimit-limit-tokens: {bound.limit}\r\nx-ratelimit-remaining-tokens: {standing.remaining}\r\n"
            f"x-ratelimit-reset-tokens: {duration(standing.reset_ms)}\r\n"
        )
    return lines.encode()


def _tightest(positions: tuple[int, ...], standings: tuple[Standing, ...]) -> int:
    if len(positions) == 1:
        return positions[0]
    return min(positions, key=lambda position: standings[position].remaining)


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
