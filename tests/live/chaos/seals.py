"""Whether what a run left behind is whole: the chain in the events, and every seal of the ledger.

This module owns the walk along the chains of the published revisions, as billing would walk it, and
the start of `chargeline ledger verify`, as a person would start it. What a seal is over is not
known here.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256

from .evidence import Event, Visit


def broken_chains(by_visit: Mapping[Visit, list[Event]]) -> Iterator[str]:
    """Each revision names the chain of the one before it, and its own chain is over its bytes."""
    for visit, events in by_visit.items():
        last = ""
        for event in sorted(events, key=lambda event: int(event.body["revision"])):
            body = event.body
            said = event.raw[: event.raw.rindex(b',"chain":')]
            if body["chain_before"] != last:
                yield f"{visit}: revision {body['revision']} does not follow the one before it"
            last = sha256(last.encode() + said).hexdigest()
            if body["chain"] != last:
                yield f"{visit}: the chain of revision {body['revision']} is not that of its bytes"


def verified_rows(environment: Mapping[str, str]) -> tuple[dict[str, int], list[str]]:
    """How many rows of each table `chargeline ledger verify` has read, and what is broken."""
    command = [sys.executable, "-m", "chargeline.cli", "ledger", "verify", "--json"]
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=False
    )
    tables = [json.loads(line) for line in done.stdout.splitlines()]
    broken = [f"ledger verify: {t['table']}: {t['broken']}" for t in tables if t["broken"]]
    if done.returncode and not broken:
        broken = [f"ledger verify ended with {done.returncode}: {done.stderr}"]
    return {table["table"]: table["rows"] for table in tables}, broken
