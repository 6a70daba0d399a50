"""What the shared store sends, and how it reads an answer; the real server is in tests/integration/limits."""

from collections.abc import Sequence

import msgspec

from kaigate.limits.model import Ask, Bound, Settlement, Standing, Verdict
from kaigate.limits.redis_store import DELIVERED_AT_ONCE, RENEWED_AT_ONCE, RedisStore
from kaigate.limits.scripts import SCRIPTS
from kaigate.store.redis.script import Script

BOUNDS = (
    Bound("key:a b}{", "requests", 5),
    Bound("team:t", "tokens", 500, window_ms=1000),
    Bound("key:a", "parallel", 3),
    Bound("key:a", "budget", 10**18, window="30d-2027-01-02", ends_at_ms=2_000),
)
KEYS = [
    "{kg}:w:r:60000:key:a b}{",
    "{kg}:w:t:1000:team:t",
    "{kg}:l:key:a",
    "{kg}:b:30d-2027-01-02:key:a",
]


class Recorder:
    """Notes calls and gives a prepared reply."""

    def __init__(self, reply: object = None) -> None:
        self.reply = reply
        self.calls: list[tuple[object, ...]] = []

    async def script(self, script: Script, keys: Sequence[bytes | str], args: Sequence[bytes | str | int]) -> object:
        self.calls.append((script, list(keys), list(args)))
        return self.reply

    async def command(self, *args: bytes | str | int) -> object:
        self.calls.append(args)
        return self.reply

    async def ping(self) -> float:
        return 0.25


async def test_an_ask_is_one_call_whose_keys_share_a_tag():
    redis = Recorder([-1, 0, 1_000, 2, 1_000, 60, 900, 0, 0, b"900719925474099300", b"5"])
    ask = Ask("r1", BOUNDS, 60, 7, 30_000, b"record")
    assert await RedisStore(redis, "kg").admit(ask) == Verdict(
        -1,
        0,
        (
            Standing(3, 60_000),
            Standing(440, 900),
            Standing(2, 1000),
            Standing(10**18 - 900_719_925_474_099_300 - 12, 1_000),
        ),
    )
    ((script, keys, args),) = redis.calls
    assert script is SCRIPTS.admit
    assert keys == ["{kg}:expiries", "{kg}:r:r1", *KEYS]
    assert args[:3] == ["", "r1", b"record"]
    assert msgspec.msgpack.decode(args[3]) == [
        *(60, "7", 30_000),
        *("requests", 5, 60_000, "tokens", 500, 1000, "parallel", 3, 60_000),
        *("budget", "1000000000000000000", 2_000),
    ]


async def test_a_refusal_counts_nothing_into_the_standings():
    redis = Recorder([3, 0, 100_000, 0, 0, 60, 99_500, 3, 0, b"10", b"5"])
    verdict = await RedisStore(redis, "kg").admit(Ask("r1", BOUNDS, 60, 7, 30_000, b"record"))
    assert (verdict.refused, verdict.retry_after_ms) == (3, 0)
    assert verdict.standings == (Standing(5, 0), Standing(440, 500), Standing(0, 1000), Standing(10**18 - 15, 0))


async def test_a_settlement_is_one_call():
    redis = Recorder(1)
    await RedisStore(redis, "kg", now_ms=lambda: 77).settle(Settlement("r1", BOUNDS, 5, 6, b"truth"))
    ((script, keys, args),) = redis.calls
    assert script is SCRIPTS.settle
    assert keys == ["{kg}:expiries", "{kg}:r:r1", "{kg}:outbox", *KEYS]
    assert args[:3] == [77, "r1", b"truth"]
    assert msgspec.msgpack.decode(args[3]) == [
        *(5, "6", "requests", 60_000, "tokens", 1000, "parallel", 60_000, "budget", 2_000)
    ]


async def test_long_lists_are_sent_in_parts():
    redis = Recorder()
    store = RedisStore(redis, "kg")
    names = [f"r{number}" for number in range(2 * DELIVERED_AT_ONCE + 1)]
    await store.renew(names, 30_000)
    await store.restore([(BOUNDS[3], 5)] * (RENEWED_AT_ONCE + 1))
    await store.delivered(names)
    sent = [call for call in redis.calls if call[0] == "XDEL"]
    assert [len(call) - 2 for call in sent] == [DELIVERED_AT_ONCE, DELIVERED_AT_ONCE, 1]
    renewals = [call[2] for call in redis.calls if call[0] is SCRIPTS.renew]
    assert max(len(args) - 3 for args in renewals) == RENEWED_AT_ONCE
    assert [name for args in renewals for name in args[3:]] == names
    assert [len(call[1]) for call in redis.calls if call[0] is SCRIPTS.restore] == [RENEWED_AT_ONCE, 1]
    assert await store.ping() == 0.25
