"""The judgement at the end of a run: everything that is not as it must be.

This module owns the list of what is asked. Each question has a module of its own: `evidence.py` for
the drafts, `aside.py` for what was parked, `seals.py` for the chains and seals.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..service import Service
from .aside import Parked, parked, put_aside_wrongly
from .evidence import Body, Evidence, Visit, differences, drafted_by_code, gathered, revisions
from .hostile import Sent
from .seals import broken_chains, verified_rows


class Judgement(NamedTuple):
    """All problems of a run, and what they were looked for in.

    `wanted` is what `chargeline code` drafts, `verified` the rows that `ledger verify` has read, by
    table.
    """

    problems: list[str]
    evidence: Evidence
    wanted: dict[Visit, list[Body]]
    parked: list[Parked]
    verified: dict[str, int]


async def judged(
    service: Service, honest: Sequence[bytes], hostile: Sequence[bytes], sent: Sequence[Sent],
    folder: Path,
) -> Judgement:  # fmt: skip
    """Judge a service that has worked off the good messages of all senders, and what else was sent.

    `honest` are messages of which none may be parked, `hostile` the good ones of a sender that also
    sent others.
    """
    wanted = drafted_by_code([*honest, *hostile], folder)
    evidence, rows = await gathered(service), await parked(service)
    verified, broken = verified_rows(service.environment)
    problems = [
        *differences(evidence, wanted),
        *broken_chains(revisions(evidence.drafts)),
        *put_aside_wrongly(rows, evidence.parked, sent, honest=set(honest)),
        *broken,
    ]
    return Judgement(problems, evidence, wanted, rows, verified)
