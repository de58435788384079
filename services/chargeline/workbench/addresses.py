"""Addresses that several pages lead to.

It owns how a key becomes an address, so that no page writes one by hand.
"""

from urllib.parse import quote


def visit_address(facility: str, visit: str) -> str:
    """Where a visit is shown."""
    return f"/visits/{quote(facility, safe='')}/{quote(visit, safe='')}"
