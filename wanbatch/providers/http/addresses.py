"""Which network addresses a download may connect to.

What it may not do: resolve names or connect (``http_download`` does, and connects to
exactly the address that was judged here).

How it works: an allow-by-exclusion list of our own. ``ipaddress.is_global`` is not
used: on Python 3.11 it calls NAT64, 6to4, site-local and multicast addresses global,
and 100.100.100.200, a cloud's metadata service, is not ``is_private``. An IPv6 address
that carries an IPv4 one (mapped, compatible, 6to4, NAT64, Teredo, ISATAP) is refused
altogether: no public host needs to be reached that way, and each is a way around the
list.
"""

from __future__ import annotations

import ipaddress

NO_ADDRESS = "it is not an IP address"

_FORBIDDEN_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and 100.100.100.200
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the usual metadata address
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments, and Oracle's metadata address
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "168.63.129.16/32",  # Azure's host agent
    )
)

_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_FORBIDDEN_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def objection_to(address: str) -> str | None:
    """Why nothing may be fetched from ``address`` (an IP literal), or ``None`` where it
    is a public unicast one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return NO_ADDRESS
    if isinstance(parsed, ipaddress.IPv4Address):
        return (
            "it is a private, local or reserved address"
            if any(parsed in net for net in _FORBIDDEN_4)
            else None
        )
    if (
        parsed.scope_id is not None
        or parsed not in _PUBLIC_6
        or any(parsed in net for net in _FORBIDDEN_6)
    ):
        return "it is a private, local or reserved address"
    interface = int(parsed) >> 32 & 0xFFFFFFFF
    if interface & 0xFDFFFFFF == 0x00005EFE:  # ISATAP: an IPv4 address in an interface identifier
        return "it carries an IPv4 address"
    return None
