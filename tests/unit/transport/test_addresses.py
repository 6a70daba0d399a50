"""Forbidden addresses are recognised in every spelling."""

import pytest

from kaigate.transport.addresses import refusal

NEVER = [
    "169.254.169.254", "169.254.170.3", "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1", "fd00:ec2::254",
    "100.100.100.200", "fd20:ce::254", "224.0.0.1", "239.255.255.250", "ff02::1", "0.0.0.0", "0.1.2.3", "::",
    "255.255.255.255", "240.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::169.254.169.254",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:1::1", "::169.254.169.254",
    "fec0::1", "::ffff:224.0.0.1",
]  # fmt: skip
ONLY_DECLARED = [
    "127.0.0.1", "127.1.2.3", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "100.127.255.255", "fd00::1", "fc00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1", "198.18.0.1", "192.0.2.1", "2001:db8::1",
]  # fmt: skip
ALWAYS = [
    "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1",
    "64:ff9b::101:101",
]  # fmt: skip
POD_IDENTITY = ["169.254.170.23", "fd00:ec2::23", "169.254.170.2"]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("pod_identity", [False, True])
def test_metadata_link_local_and_kin_are_never_reached(address: str, pod_identity: bool) -> None:
    assert refusal(address, declared=True, pod_identity=pod_identity)
    assert refusal(address, declared=False, pod_identity=pod_identity)


@pytest.mark.parametrize("address", ONLY_DECLARED)
def test_private_addresses_are_for_declared_hosts(address: str) -> None:
    assert refusal(address, declared=True) is None
    assert refusal(address, declared=False)


@pytest.mark.parametrize("address", ALWAYS)
def test_public_addresses_pass(address: str) -> None:
    assert refusal(address, declared=True) is None
    assert refusal(address, declared=False) is None


@pytest.mark.parametrize("address", POD_IDENTITY)
def test_the_pod_identity_agent_needs_its_flag(address: str) -> None:
    assert refusal(address, declared=True)
    assert refusal(address, declared=True, pod_identity=True) is None


def test_the_pod_identity_agent_has_one_spelling() -> None:
    assert refusal("::ffff:169.254.170.23", declared=True, pod_identity=True)
