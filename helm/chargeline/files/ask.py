"""Asks the programs of an installation whether they are ready: what `helm test` runs.

READY names their health pages and LISTENING the MLLP listeners, as HOST:PORT with spaces between.
Every pod behind a name is asked. The exit code is 0 if all are ready and listen.
"""

import os
import socket
import sys
import urllib.error
import urllib.request


def addresses(place):
    """Each address of HOST:PORT, as it is written in a URL."""
    host, _colon, port = place.rpartition(":")
    for family, _type, _protocol, _name, address in socket.getaddrinfo(
        host, int(port), type=socket.SOCK_STREAM
    ):
        yield f"[{address[0]}]:{port}" if family == socket.AF_INET6 else f"{address[0]}:{port}"


def ready(address):
    """What /readyz of an address says."""
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=10) as answer:
            return answer.read().decode().strip()
    except urllib.error.HTTPError as refusal:
        return "not ready: " + "; ".join(refusal.read().decode().split("\n")).strip("; ")


def listens(address):
    """Whether somebody accepts a connection at an address."""
    host, _colon, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=10):
        return "listens"


def main():
    """Ask all, print what each says, and return the exit code."""
    failed = False
    for question, places in ((ready, "READY"), (listens, "LISTENING")):
        for place in os.environ.get(places, "").split():
            try:
                told = [(address, question(address)) for address in addresses(place)]
            except OSError as error:
                told = [("", f"no answer: {error}")]
            for address, says in told:
                print(f"{place} {address}: {says}")
                failed |= says not in ("ready", "listens")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
