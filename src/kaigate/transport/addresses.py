"""Which IP addresses may never be connected to, judged on the address that a name resolved to.

Special-purpose registries: RFC 6890, RFC 4291, RFC 6052 (NAT64), RFC 6598 (CGNAT).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

METADATA = frozenset(
    {
        ip_address("169.254.169.254"),  # EC2, GCE, Azure
        ip_address("fd00:ec2::254"),
        ip_address("100.100.100.200"),  # Alibaba Cloud
        ip_address("fd20:ce::254"),  # GCE
    }
)
POD_IDENTITY = frozenset(
    {
        ip_address("169.254.170.23"),  # EKS Pod Identity
        ip_address("fd00:ec2::23"),
        ip_address("169.254.170.2"),  # ECS task credentials
    }
)
NAT64 = IPv6Network("64:ff9b::/96")
TRANSITION = (
    IPv6Network("64:ff9b:1::/48"),  # local NAT64: the embedded address has no fixed place
    IPv6Network("2001::/32"),  # Teredo
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("::/96"),  # IPv4-compatible, deprecated; holds :: and ::1, which are judged before
)
CGNAT = IPv4Network("100.64.0.0/10")
THIS_NETWORK = IPv4Network("0.0.0.0/8")


def refusal(address: str, *, declared: bool, pod_identity: bool = False) -> str | None:
    """Why `address` (a literal, without a port) may not be connected to; None where it may.

    `declared`: the operator named the host, so private, shared (CGNAT) and loopback addresses are allowed.
    `pod_identity` allows the link-local addresses of AWS's credential agents, nothing else of that range.
    """
    if "%" in address:
        return "a scoped address"
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        embedded = ip.ipv4_mapped or (_nat64(ip) if ip in NAT64 else None)
        if embedded is not None:
            return refusal(str(embedded), declared=declared)
    if ip in METADATA:
        return "a metadata address"
    if ip in POD_IDENTITY:
        return None if pod_identity else "a credential agent's address, which is not enabled"
    return _never(ip) or (None if declared else _only_declared(ip))


def _nat64(ip: IPv6Address) -> IPv4Address:
    return IPv4Address(int(ip) & 0xFFFF_FFFF)


def _never(ip: IPv4Address | IPv6Address) -> str | None:
    if ip.is_link_local:
        return "a link-local address"
    if ip.is_multicast:
        return "a multicast address"
    if ip.is_unspecified or (isinstance(ip, IPv4Address) and ip in THIS_NETWORK):
        return "an unspecified address"
    if isinstance(ip, IPv4Address):
        return "a reserved address" if ip.is_reserved else None
    if ip.is_site_local:
        return "a site-local address"
    if not ip.is_loopback and any(ip in network for network in TRANSITION):
        return "a transition-mechanism address"
    return None


def _only_declared(ip: IPv4Address | IPv6Address) -> str | None:
    if ip.is_loopback:
        return "a loopback address"
    if (isinstance(ip, IPv4Address) and ip in CGNAT) or not ip.is_global:
        return "a private address"
    return None
