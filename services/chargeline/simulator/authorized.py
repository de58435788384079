"""Treatments that need a payer's authorization: three doses, and the life cycle of what was asked.

This module owns the life cycles, with what a person should be told at each dose, counted by hand. A
life cycle is a list of what the payer said and when; the hospital's desk would have entered it with
`chargeline auth import`, so the messages are those of that verb. It does not know how chargeline
counts. Siltuximab needs an authorization of UnitedHealthcare from 1 October 2026 on
(rules/base/authorizations.csv), so the treatments begin then; patients and numbers are invented.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chargeline.engine import authorization_words, claim_words
from chargeline.hl7.authorization_messages import AuthorizationNotice, notice_message
from chargeline.simulator.messages import PROCESSING_ID
from chargeline.simulator.steps import bag
from chargeline.simulator.visits import ZONE, Amount, InventedVisit, give, new_patient, working_day

FIRST_TREATMENT = 800001
FIRST_DAY = date(2026, 10, 5)
PAYER, DRUG, CODE = "UNITEDHEALTHCARE", "siltuximab", "J2860"
DOSE_MG, UNITS = "800", 80  # of 10 mg a unit
DOSES, DAYS_BETWEEN = 3, 15  # working days: three weeks
_STEP = bag(DRUG, DOSE_MG, (60, 60))


class PayerStep(NamedTuple):
    """What the payer said, so many days after the first dose (before it below 0).

    `units`, and the days `since` and `until`, counted from the first dose, are those that were
    granted; a step without units says nothing of them, but for the last day of an expired one.
    """

    days: int
    status: authorization_words.AuthorizationStatus
    units: int | None = None
    since: int = 0
    until: int = 180
    payer: str = PAYER


class LifeCycle(NamedTuple):
    """A life cycle, and what is said at each dose: the edits about its authorization.

    `numbered` are the doses whose line has the number, from 1. `named`: registration sends the
    number with the visit (IN1-14).
    """

    name: str
    steps: tuple[PayerStep, ...]
    said: tuple[tuple[claim_words.EditName, ...], ...]
    numbered: tuple[int, ...] = ()
    named: bool = False


_ASKED = PayerStep(-10, "requested", 240)
_ALL = (1, 2, 3)

LIFE_CYCLES = (
    LifeCycle(
        "used up",
        (_ASKED, PayerStep(-8, "pended"), PayerStep(-3, "approved", 200)),
        ((), ("authorization.running_out",), ("authorization.units",)),
        numbered=(1, 2),
    ),
    LifeCycle("approved", (_ASKED, PayerStep(-3, "approved", 400)), ((), (), ()), numbered=_ALL),
    LifeCycle(
        "running out",
        (_ASKED, PayerStep(-3, "approved", 250)),
        ((), (), ("authorization.running_out",)),
        numbered=_ALL,
    ),
    LifeCycle(
        "expiring",
        (_ASKED, PayerStep(-3, "approved", 400, until=25)),
        ((), ("authorization.ending",), ("authorization.expired",)),
        numbered=(1, 2),
    ),
    LifeCycle(
        "pended, and never decided",
        (_ASKED, PayerStep(-8, "pended")),
        (("authorization.undecided",),) * DOSES,
    ),
    LifeCycle("denied", (_ASKED, PayerStep(-3, "denied")), (("authorization.denied",),) * DOSES),
    LifeCycle(
        "denied, appealed, and granted otherwise",
        (
            _ASKED,
            PayerStep(-9, "denied"),
            PayerStep(-7, "appealed"),
            PayerStep(-1, "modified", 250),
        ),
        ((), (), ("authorization.running_out",)),
        numbered=_ALL,
    ),
    LifeCycle(
        "from the day after the first dose",
        (_ASKED, PayerStep(-3, "approved", 400, since=1)),
        (("authorization.not_begun",), (), ()),
        numbered=(2, 3),
    ),
    LifeCycle(
        "of another payer",
        (PayerStep(-3, "approved", 400, payer="ZEBRAHEALTH"),),
        (("authorization.other_payer",),) * DOSES,
    ),
    LifeCycle(
        "told after the first dose",
        (PayerStep(2, "approved", 400),),
        ((), (), ()),
        numbered=_ALL,
    ),
    LifeCycle("never asked for", (), (("authorization.missing",),) * DOSES),
    LifeCycle(
        "its number only", (), (("authorization.only_number",),) * DOSES, numbered=_ALL, named=True
    ),
    LifeCycle(
        "ended early by the payer",
        (_ASKED, PayerStep(-3, "approved", 400), PayerStep(28, "expired", until=25)),
        ((), ("authorization.ending",), ("authorization.expired",)),
        numbered=(1, 2),
    ),
)


class AuthorizedTreatment(NamedTuple):
    """One treatment: a visit for each dose, and the payer's messages as (arrival, bytes)."""

    number: str
    life_cycle: LifeCycle
    visits: tuple[InventedVisit, ...]
    told: tuple[tuple[datetime, bytes], ...]

    def truth(self, visits: list[dict[str, object]]) -> dict[str, object]:
        """The treatment as truth.json gives it, with the truths of its visits."""
        return {
            "authorization": self.number,
            "life_cycle": self.life_cycle.name,
            "code": CODE,
            "visits": visits,
        }

    def visit_truths(self) -> list[dict[str, object]]:
        """What is billed and said at each dose."""
        doses = enumerate(zip(self.visits, self.life_cycle.said, strict=True), start=1)
        return [
            {
                "visit": visit.number,
                "units": UNITS,
                "numbered": dose in self.life_cycle.numbered,
                "said": list(said),
            }
            for dose, (visit, said) in doses
        ]


def treatments(count: int, seed: int) -> Iterator[AuthorizedTreatment]:
    """So many treatments; the life cycles take turns in the order of LIFE_CYCLES."""
    for index in range(count):
        serial = FIRST_TREATMENT + index
        life_cycle = LIFE_CYCLES[index % len(LIFE_CYCLES)]
        number = f"ZA{serial}"
        visits = tuple(_visits(life_cycle, number, serial, Random(f"{seed}:{serial}:authorized")))
        told = tuple([_told(step, number, visits[0]) for step in life_cycle.steps])
        yield AuthorizedTreatment(number, life_cycle, visits, told)


def _visits(
    life_cycle: LifeCycle, number: str, serial: int, chance: Random
) -> Iterator[InventedVisit]:
    patient = new_patient(chance, serial, sexes=("F", "M"))._replace(payer=PAYER)
    clock = time(8 + chance.randrange(5), 0)
    for dose in range(DOSES):
        day = working_day(FIRST_DAY, dose * DAYS_BETWEEN)
        arrived = datetime.combine(day, clock, ZoneInfo(ZONE)).astimezone(UTC)
        given = give(
            chance=chance,
            step=_STEP,
            drugs=(Amount(DRUG, DOSE_MG, "mg"),),
            order=f"F{serial}{dose}-1",
            line="PORT",
            style="standard",
            begin=arrived + timedelta(minutes=40),
        )
        yield InventedVisit(
            number=f"V{serial}{dose}",
            style="standard",
            patient=patient,
            category="outpatient",
            authorization=number if life_cycle.named else "",
            diagnoses=("D47.Z2",),
            arrived=arrived,
            left=given.stop() + timedelta(minutes=15),
            administrations=(given,),
        )


def _told(step: PayerStep, number: str, first: InventedVisit) -> tuple[datetime, bytes]:
    """The message of one step, and when it arrives."""
    day = first.arrived.astimezone(ZoneInfo(ZONE)).date()
    received = datetime.combine(day + timedelta(days=step.days), time(15, 30))
    granted = step.units is not None
    has_end = granted or step.status == "expired"
    notice = AuthorizationNotice(
        facility=first.facility(),
        payer=step.payer,
        patient=first.patient.number,
        number=number,
        status=step.status,
        received=received,
        codes=(CODE,),
        diagnoses=first.diagnoses,
        starts=day + timedelta(days=step.since) if granted else None,
        until=day + timedelta(days=step.until) if has_end else None,
        units=step.units,
        basis="units" if granted else "",
        decided=None if step.status == "requested" else received,
    )
    at = received.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    return at, notice_message(notice, processing=PROCESSING_ID)
