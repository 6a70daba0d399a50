"""Which node owns our keys, by what the nodes say. The real ones: tests/integration/store/test_redis_topologies.py."""

import pytest

from kaigate.store.errors import StoreUnavailable
from kaigate.store.redis.dial import Dialer, RedisTls
from kaigate.store.redis.topology import Cluster, Sentinel, Standalone, owner_of, slot_of, topology_of
from kaigate.store.redis.url import Address, RedisUrl

SLOTS = [
    [0, 5460, [b"10.0.0.1", 7000, b"id"], [b"10.0.0.4", 7000, b"id"]],
    [5461, 16383, [b"10.0.0.2", 7001, b"id"]],
]


# Slots as CLUSTER KEYSLOT gives them.
@pytest.mark.parametrize(("tag", "slot"), [("123456789", 12739), ("foo", 12182), ("", 0)])
def test_a_slot_is_that_of_the_cluster_specification(tag, slot):
    assert slot_of(tag) == slot


@pytest.mark.parametrize(
    ("slot", "owner"), [(0, "10.0.0.1"), (5460, "10.0.0.1"), (5461, "10.0.0.2"), (16383, "10.0.0.2")]
)
def test_the_owner_is_the_master_of_the_range(slot, owner):
    address, masters = owner_of(slot, SLOTS, "seed")
    assert address is not None
    assert address.host == owner
    assert masters == (Address("10.0.0.1", 7000), Address("10.0.0.2", 7001))


def test_an_uncovered_slot_has_no_owner():
    assert owner_of(9000, SLOTS[:1], "seed")[0] is None


@pytest.mark.parametrize("host", [b"", b"?", None])
def test_an_unnamed_host_is_the_one_that_was_asked(host):
    assert owner_of(1, [[0, 16383, [host, 7000]]], "seed")[0] == Address("seed", 7000)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("redis://a", Standalone), ("redis+sentinel://a/main", Sentinel), ("redis+cluster://a", Cluster)],
)
def test_the_url_decides(text, kind):
    url = RedisUrl.parse(text)
    assert isinstance(topology_of(url, "kaigate", dialer(url), 1.0), kind)


async def test_a_standalone_server_is_where_the_url_says():
    assert await Standalone(Address("a", 1)).locate() == Address("a", 1)


class Answers(Dialer):
    """Nodes that say what the test wants; None is a node that is down."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    async def ask(self, address, timeout_s, *command):
        self.asked.append(address.host)
        answer = self.answers[address.host]
        if answer is None:
            raise StoreUnavailable
        return answer


async def test_the_sentinel_that_helped_is_asked_first_next_time():
    nodes = Answers({"a": None, "b": [b"10.0.0.9", b"6379"]})
    sentinel = Sentinel((Address("a", 1), Address("b", 1)), "main", nodes, 1.0)
    assert await sentinel.locate() == Address("10.0.0.9", 6379)
    await sentinel.locate()
    assert nodes.asked == ["a", "b", "b"]


@pytest.mark.parametrize("answer", [None, [], [b"h", b"port"], [b"h", b"70000"], [b"h", b"0"], b"OK"])
async def test_without_a_helpful_sentinel_the_master_is_unknown(answer):
    sentinel = Sentinel((Address("a", 1),), "main", Answers({"a": answer}), 1.0)
    with pytest.raises(StoreUnavailable, match="no sentinel"):
        await sentinel.locate()


async def test_a_cluster_is_found_again_through_nodes_that_the_url_does_not_name():
    nodes = Answers({"seed": SLOTS, "10.0.0.1": SLOTS, "10.0.0.2": SLOTS})
    cluster = Cluster((Address("seed", 1),), 6000, nodes, 1.0)
    assert await cluster.locate() == Address("10.0.0.2", 7001)
    nodes.answers["seed"] = None
    assert await cluster.locate() == Address("10.0.0.2", 7001)


@pytest.mark.parametrize("answer", [None, [], b"OK", [[0, 16383, [b"h", b"port"]]], [[0, 16383, 7]]])
async def test_without_a_helpful_node_the_owner_is_unknown(answer):
    cluster = Cluster((Address("seed", 1),), 6000, Answers({"seed": answer}), 1.0)
    with pytest.raises(StoreUnavailable, match="no node"):
        await cluster.locate()


def dialer(url):
    return Dialer(url, RedisTls(), timeout_s=0.05, connect_timeout_s=1.0, max_pending=10)
