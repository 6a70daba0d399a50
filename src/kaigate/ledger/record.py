"""One record per admitted request: what the ledger keeps."""

import msgspec


class UsageRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Names, counts and money of one request; never text of it.

    `id` is the reservation's, unique for ever, and what makes delivery idempotent. `at_ms` is Unix time in
    milliseconds. `estimated` marks a record that an expired reservation left: the true one replaces it when it comes.
    `outcome` is `ok`, `failed` (the upstream or the gateway), `blocked` (a guardrail) or `gone` (the client left).
    """

    id: str
    at_ms: int
    request_id: str
    key_id: str
    team: str
    user: str
    model: str
    provider: str
    surface: str
    outcome: str
    nanodollars: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    estimated: bool = False


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(UsageRecord).decode
