"""Addresses and networks, as settings and files name them and as sockets tell them.

It owns how they are read. It does not know who stands behind one.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def address_of(host: str) -> Address | None:
    """An address as a socket tells it, without its zone; None for what is none, such as a name.

    An IPv4 address that came through IPv6 (`::ffff:10.1.2.3`) is the IPv4 address.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def networks_of(written: str) -> tuple[Network, ...]:
    """The networks of `10.1.2.3, 10.9.0.0/16`; an address is a network of one. Raises ValueError
    for a name, a port, or bits of a host beside a network.
    """
    return tuple([ip_network(part.strip()) for part in written.split(",") if part.strip()])


def all_networks(written: str) -> str:
    """The text itself, if it names networks. Raises ValueError."""
    networks_of(written)
    return written
