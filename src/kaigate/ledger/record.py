"""One record per admitted request: what the ledger keeps."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from kaigate.chat.usage import Usage

Outcome = Literal["ok", "failed", "blocked", "gone"]
# A million dollars and a trillion tokens in one request are a mistake, and sums of them would leave 64 bits.
MAX_NANODOLLARS: Final = 10**15
MAX_TOKENS: Final = 10**12
# The end of the year 9999, the last one that a day can be written of.
MAX_AT_MS: Final = 253_402_300_799_999

# As wide as the columns of kaigate.store.sql.usage_tables, in characters.
_Name = Annotated[str, Meta(max_length=64)]
_Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]


class UsageRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Names, counts and money of one request; never text of it. What is decoded is within the bounds given here.

    `id` is the reservation's, unique for ever, and what makes delivery idempotent. `at_ms` is Unix time in
    milliseconds. `estimated` marks a record that an expired reservation left: the true one replaces it when it comes.
    `outcome` is `ok`, `failed` (the upstream or the gateway), `blocked` (a guardrail) or `gone` (the client left).
    """

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    at_ms: Annotated[int, Meta(ge=0, le=MAX_AT_MS)]
    request_id: Annotated[str, Meta(max_length=256)]
    key_id: _Name
    team: _Name
    user: Annotated[str, Meta(max_length=128)]
    model: Annotated[str, Meta(max_length=256)]
    provider: _Name
    surface: _Name
    outcome: Outcome
    nanodollars: Annotated[int, Meta(ge=0, le=MAX_NANODOLLARS)]
    input_tokens: _Tokens
    output_tokens: _Tokens
    cached_tokens: _Tokens = 0
    estimated: bool = False


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(UsageRecord).decode
decode_all = msgspec.json.Decoder(list[UsageRecord]).decode


class RecordForm:
    """The records of one key, team, user, model, provider and surface, written without a struct for each of them."""

    __slots__ = ("_names",)

    def __init__(self, *, key_id: str, team: str, user: str, model: str, provider: str, surface: str) -> None:
        names = {"key_id": key_id, "team": team, "user": user, "model": model, "provider": provider, "surface": surface}
        self._names: Final = msgspec.json.encode(names).decode()[1:-1]

    def record(  # noqa: PLR0917 -- in the order of the record's fields
        self,
        made: str,
        at_ms: int,
        request_id: str,
        outcome: Outcome,
        nanodollars: int,
        usage: Usage,
    ) -> bytes:
        """What `encode` gives; `made`, the id, and `request_id` are of characters that JSON does not escape."""
        return (
            f'{{"id":"{made}","at_ms":{at_ms},"request_id":"{request_id}",{self._names},"outcome":"{outcome}",'
            f'"nanodollars":{nanodollars},"input_tokens":{usage.input_tokens},"output_tokens":{usage.output_tokens},'
            f'"cached_tokens":{usage.cached_input_tokens},"estimated":{"true" if usage.estimated else "false"}}}'
        ).encode()
