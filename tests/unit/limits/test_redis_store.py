"""What the shared store sends, and how it reads an answer; the real server is in tests/integration/limits."""

from collections.abc import Sequence

import hiredis
import msgspec

from kaigate.limits.model import Ask, Bound, Settlement, Standing, Verdict
from kaigate.limits.redis_store import DELIVERED_AT_ONCE, MOST_PREPARED, RENEWED_AT_ONCE, SETTLED_AT_ONCE, RedisStore
from kaigate.limits.scripts import SCRIPTS
from kaigate.store.redis.replies import ErrorReply
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
PACKED = [
    *("requests", 5, 60_000, "tokens", 500, 1000, "parallel", 3, 60_000),
    *("budget", "1000000000000000000", 2_000),
]


class Recorder:
    """Notes calls and gives a prepared reply; `unknown` as long as the server does not know the script."""

    def __init__(self, reply: object = None) -> None:
        self.reply = reply
        self.calls: list[tuple[object, ...]] = []
        self.sent: list[list[bytes]] = []
        self.unknown = False

    async def send(self, packed: bytes) -> object:
        if self.unknown:
            raise ErrorReply("NOSCRIPT", "NOSCRIPT no matching script")
        reader = hiredis.Reader()
        reader.feed(packed)
        self.sent.append(reader.gets())
        assert reader.gets() is False
        return self.reply

    async def script(self, script: Script, keys: Sequence[bytes | str], args: Sequence[bytes | str | int]) -> object:
        self.calls.append((script, list(keys), list(args)))
        return self.reply

    async def command(self, *args: bytes | str | int) -> object:
        self.calls.append(args)
        return self.reply

    async def ping(self) -> float:
        return 0.25


async def test_an_ask_is_one_call_whose_keys_share_a_tag():
    redis = Recorder([-1, 0, 3, 60_000, 440, 900, 2, 1000, b"99280074525900688", 1_000])
    ask = Ask("r1", BOUNDS, 60, 7, 30_000, b"record")
    assert await RedisStore(redis, "kg").admit(ask) == Verdict(
        -1,
        0,
        (
            Standing(3, 60_000),
            Standing(440, 900),
            Standing(2, 1000),
            Standing(99_280_074_525_900_688, 1_000),
        ),
    )
    ((name, sha1, count, *rest),) = redis.sent
    assert (name, sha1, count) == (b"EVALSHA", SCRIPTS.admit.sha1, b"6")
    assert rest[:6] == [b"{kg}:expiries", *(key.encode() for key in KEYS), b"{kg}:r:r1"]
    assert rest[6:8] == [b"60 7 30000 ", b"record"]
    assert msgspec.msgpack.decode(rest[8]) == PACKED


async def test_what_was_not_executed_is_sent_again_with_its_source_at_hand():
    redis = Recorder([-1, 0, 3, 60_000, 440, 900, 2, 1000, b"5", 1_000])
    redis.unknown = True
    verdict = await RedisStore(redis, "kg", now_ms=lambda: 77).admit(Ask("r1", BOUNDS, 60, 7, 30_000, b"record"))
    assert verdict.refused == -1
    ((script, keys, args),) = redis.calls
    assert script is SCRIPTS.admit
    assert keys == ["{kg}:expiries", *KEYS, b"{kg}:r:r1"]
    assert args[:2] == [b"60 7 30000 77", b"record"]
    assert msgspec.msgpack.decode(args[2]) == PACKED


async def test_prepared_calls_are_bounded_and_never_mistaken_for_each_other():
    redis = Recorder([-1, 0, 2, 1_000])
    store = RedisStore(redis, "kg")
    for number in range(MOST_PREPARED + 5):
        await store.admit(Ask("r", (Bound(f"key:{number}", "requests", 5),), 1, 1, 1, b""))
        assert redis.sent[-1][4] == b"{kg}:w:r:60000:key:%d" % number
    assert len(store._prepared) == MOST_PREPARED


async def test_numbers_of_the_server_are_taken_as_they_are():
    redis = Recorder([3, 7, 5, 0, 440, 500, 0, 1000, 12, 8])
    bounds = (*BOUNDS[:3], Bound("key:a", "budget", 10**15 - 1, window="w", ends_at_ms=2_000))
    verdict = await RedisStore(redis, "kg").admit(Ask("r1", bounds, 60, 7, 30_000, b"record"))
    assert verdict == Verdict(3, 7, (Standing(5, 0), Standing(440, 500), Standing(0, 1000), Standing(12, 8)))


async def test_settlements_are_one_call():
    redis = Recorder([])
    store = RedisStore(redis, "kg", now_ms=lambda: 77)
    await store.settle_all([Settlement("r1", BOUNDS, 5, 6, b"truth"), Settlement("r2", BOUNDS, 7, 10**18, b"")])
    ((script, keys, args),) = redis.calls
    assert script is SCRIPTS.settle
    assert keys == ["{kg}:expiries", "{kg}:outbox"]
    assert args[:2] == [77, "{kg}:r:"]
    assert msgspec.msgpack.decode(args[2]) == [["r1", "truth", 5, "6"], ["r2", "", 7, str(10**18)]]


async def test_what_was_spent_under_a_lost_reservation_is_sent_with_its_budgets():
    redis = Recorder([b"r2"])
    store = RedisStore(redis, "kg")
    await store.settle_all([Settlement("r1", BOUNDS, 5, 6, b"a"), Settlement("r2", BOUNDS, 7, 8, b"b")])
    _, (script, _, args) = redis.calls
    assert script is SCRIPTS.settle
    assert msgspec.msgpack.decode(args[2]) == [["r2", "b", 7, "8", [KEYS[3], 2_000]]]


async def test_many_settlements_are_sent_in_parts():
    redis = Recorder([])
    await RedisStore(redis, "kg").settle_all([Settlement(f"r{n}", (), 0, 0, b"") for n in range(SETTLED_AT_ONCE + 1)])
    assert [len(msgspec.msgpack.decode(call[2][2])) for call in redis.calls] == [SETTLED_AT_ONCE, 1]


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
