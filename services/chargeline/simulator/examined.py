"""Visits with a practitioner beside the infusions: a report, a note, and what the EHR posted.

It owns who is examined and what is documented of it. The truth is the minutes and whether the note
is signed; what is posted may lie below. It does not know how a level is billed. Each visit has a
random stream of its own, so a feed without such visits stays as it is.
"""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import NamedTuple

from chargeline.simulator.charting import Sender
from chargeline.simulator.messages import Letter, letter, segment
from chargeline.simulator.visits import InventedVisit

_DOCTOR = "Z7001^ZEBRADOCTOR^INVENTED^A^^DR^MD"
_MINUTES = (18, 24, 31, 33, 42, 44, 58)
_DECISIONS = (
    ("LOW", "LIMITED", "MODERATE"),
    ("MODERATE", "MODERATE", "MODERATE"),
    ("LOW", "MODERATE", "HIGH"),
    ("HIGH", "MODERATE", "HIGH"),
)
_POSTED = ("99213", "99213", "99214", "99215")
_SIGNED_PERCENT = 85


class Examination(NamedTuple):
    """What is documented of one visit with a practitioner."""

    minutes: int
    decision: tuple[str, str, str]
    is_signed: bool
    posted: str

    def truth(self) -> dict[str, object]:
        """As truth.json gives it."""
        return {"minutes": self.minutes, "signed": self.is_signed, "posted": self.posted}


def examined(visit: InventedVisit, share: float, seed: int) -> Examination | None:
    """The examination of a visit; None where there was none."""
    chance = Random(f"{seed}:{visit.serial()}:examined")
    if visit.cancelled or chance.random() >= share:
        return None
    return Examination(
        minutes=chance.choice(_MINUTES),
        decision=chance.choice(_DECISIONS),
        is_signed=chance.randrange(100) < _SIGNED_PERCENT,
        posted=chance.choice(_POSTED),
    )


def examination_letters(
    visit: InventedVisit, examination: Examination, sender: Sender
) -> Iterator[Letter]:
    """A report of minutes and decision making, the note, and the posted charge."""
    seen = visit.arrived + timedelta(minutes=10)
    number, stamp = f"E{visit.serial()}", sender.stamp(seen)
    rows = [("VISIT-MINUTES", "NM", str(examination.minutes), "min")]
    names = ("MDM-PROBLEMS", "MDM-DATA", "MDM-RISK")
    rows += [(name, "ST", word, "") for name, word in zip(names, examination.decision, strict=True)]
    rows.append(("PATIENT-STATUS", "ST", "ESTABLISHED", ""))
    observed = [
        segment("OBX", {1: str(n), 2: kind, 3: f"{code}^^L", 4: "1", 5: value, 6: unit, 11: "F"})
        for n, (code, kind, value, unit) in enumerate(rows, 1)
    ]
    report = segment("OBR", {1: "1", 3: f"{number}^ZEBRAEHR", 4: "VISIT^visit^L", 7: stamp})
    yield letter(visit, "R01", seen, (report, *observed))
    fields = {1: "1", 2: "PN", 3: "TX", 4: stamp, 9: _DOCTOR, 12: f"{number}N"}
    document = segment("TXA", {**fields, 17: "AU" if examination.is_signed else "DI"})
    yield letter(visit, "T02", seen + timedelta(minutes=20), (document,))
    charge = {1: "1", 2: f"{number}C", 4: stamp, 6: "CG", 7: examination.posted, 10: "1"}
    posted = segment("FT1", {**charge, 20: _DOCTOR, 25: examination.posted, 26: "25"})
    yield letter(visit, "P03", visit.left, (posted,))
