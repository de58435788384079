"""Which connections carry patients without verified TLS.

It owns the question which server or listener is reached over a network in the clear. Loopback and
Unix sockets never leave the machine. It refuses to know whether a site allows it: checks.py asks.
"""

import os
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from chargeline.settings.values import Settings


def is_local(host: str) -> bool:
    """Whether a host is this machine: loopback by name or number, a Unix socket, or none."""
    name = host.strip("[]").lower()
    if name in ("", "localhost") or name.startswith("/"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False  # a name, which may be any machine


def mllp_in_the_clear(settings: Settings) -> bool:
    """Whether senders of other machines may send without TLS."""
    return settings.mllp_tls_certificate_file is None and not is_local(settings.mllp_host)


def workbench_in_the_clear(settings: Settings) -> bool:
    """Whether other machines reach the workbench, which has no TLS of its own."""
    return not is_local(settings.workbench_host)


def provider_in_the_clear(settings: Settings) -> bool:
    """Whether people or we would reach the identity provider, or people us, without TLS."""
    addresses = map(urlsplit, (settings.workbench_oidc_issuer, settings.workbench_address))
    return any(
        parts.geturl()
        and parts.scheme != "https"
        and not (parts.scheme == "http" and is_local(parts.hostname or "-"))
        for parts in addresses
    )


def kafka_in_the_clear(settings: Settings) -> bool:
    """Whether Kafka is another machine, and we speak to it without TLS."""
    hosts = [server.rpartition(":")[0] for server in settings.kafka_bootstrap.split(",")]
    return not settings.kafka_security_protocol.endswith("SSL") and not all(map(is_local, hosts))


def ledger_in_the_clear(settings: Settings) -> bool:
    """Whether the ledger is a PostgreSQL on another machine whose certificate is not verified.

    What the address does not say, asyncpg takes from PGHOST and PGSSLMODE.
    """
    parts = urlsplit(settings.ledger_address())
    if not parts.scheme.startswith("postgresql"):
        return False
    query = parse_qs(parts.query)
    named = unquote(parts.netloc.rpartition("@")[2]).split(",")
    hosts = [host if host.endswith("]") else host.rpartition(":")[0] or host for host in named]
    if "host" in query:
        hosts = query["host"][-1].split(",")
    elif not any(hosts):
        hosts = os.environ.get("PGHOST", "").split(",")
    mode = query.get("sslmode", [os.environ.get("PGSSLMODE", "")])[-1]
    return mode != "verify-full" and not all(map(is_local, hosts))
