"""Patients' records over the whole ledger: walked through, and counted for the metrics.

It owns the walk, a page of patients at a time, and what is counted of authorizations and courses of
radiation: how they stand on a day, by the words of the engine. A day that passes changes these
counts although no message comes, so a look at the clock must find it. Every program that drafts
looks by itself. A walk reads the whole table, so a large ledger is looked at less often.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import NamedTuple

from chargeline.engine import (
    Contribution,
    History,
    Rulebook,
    WarnAnswer,
    balance_of,
    paces_of_courses,
    warning_of,
    words,
)
from chargeline.ledger.view import View

AUTHORIZED: tuple[words.ContributionKind, ...] = ("authorization", "authorized_units")
TREATED: tuple[words.ContributionKind, ...] = ("fraction", "course_service")
RUNNING_OUT: frozenset[str] = frozenset(
    {"authorization.running_out", "authorization.ending", "authorization.next_dose"}
    | {"authorization.units"}
)
"""What ails an authorization with too little left, or soon too late: codes of its concerns."""
_PATIENTS = 100  # of one page

Opened = Callable[[], AbstractAsyncContextManager[View]]
"""Opens a view on the ledger for each page; a page need not see the moment of the one before."""


class PatientRecord(NamedTuple):
    """What all visits of a patient contribute, of the kinds that were asked for."""

    facility: str
    patient: str
    record: History


class RecordCounts(NamedTuple):
    """How many authorizations and courses stand how.

    `authorizations` are by a code of what a person should see to, or `well`, `waiting` or `over`;
    one with two codes is counted under both. `courses` are by their pace.
    """

    authorizations: Mapping[str, int]
    courses: Mapping[str, int]


async def records_with(
    opened: Opened, kinds: Iterable[words.ContributionKind]
) -> AsyncGenerator[PatientRecord, None]:
    """What the patients contribute of some kinds, by key; patients without any are left out."""
    wanted, after = tuple(kinds), ("", "")
    while True:
        async with opened() as view:
            patients = await view.patients_with(wanted, after=after, most=_PATIENTS)
            rows = await view.contributions(patients, wanted)
        of_patient: dict[tuple[str, str], set[Contribution]] = {key: set() for key in patients}
        for row in rows:
            of_patient[row.facility, row.patient].add(row.contribution)
        for facility, patient in patients:
            record = frozenset(of_patient[facility, patient])
            yield PatientRecord(facility, patient, record)
        if len(patients) < _PATIENTS:
            return
        after = patients[-1]


def warning_for(rulebook: Rulebook, payer: str, day: date) -> WarnAnswer | None:
    """When to warn of an authorization of a payer, by the policy that holds on a day."""
    return warning_of(rulebook.policies[rulebook.policy_of_payer(payer)].on(day))


async def counted_records(opened: Opened, rulebook: Rulebook, day: date) -> RecordCounts:
    """How the authorizations and the courses of all patients stand on a day."""
    authorizations: Counter[str] = Counter()
    courses: Counter[str] = Counter()
    rules = rulebook.policies[rulebook.default_policy].on(day)
    async for patient in records_with(opened, (*AUTHORIZED, *TREATED)):
        authorizations.update(_standings(patient.record, rulebook, day))
        courses.update(paces_of_courses(patient.record, rules, day))
        await asyncio.sleep(0)  # messages come first
    return RecordCounts(authorizations, courses)


def _standings(record: History, rulebook: Rulebook, day: date) -> list[str]:
    whole = balance_of((), record, ())
    standings: list[str] = []
    for balance in whole.balances:
        warning = warning_for(rulebook, balance.authorization.payer, day)
        codes = {concern.code for concern in whole.ailing(balance, day, warning)}
        if codes:
            standings += sorted(codes)
        elif balance.is_over(day) or not (balance.waits or balance.in_force):
            standings.append("over")
        else:
            standings.append("waiting" if balance.waits else "well")
    return standings
