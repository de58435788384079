"""A visit that somebody types, in the notation of cases: for teaching, disputes and what-if.

This module owns how typed lines become a timeline, and refuses what cannot be read in words that
quote it. The visit is nobody's and nothing of it is kept.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from chargeline.engine import Finding, FindingError, Timeline, VisitContext, words
from chargeline.rulebook.cases import PATIENT, timeline_with
from chargeline.rulebook.notation import FIRST_DAY, administration_of


class NotationError(FindingError, ValueError):
    """A typed line cannot be read. The error has a finding for each."""


class TypedVisit(NamedTuple):
    """What somebody types: administrations, a text each, and what the visit is.

    `payer` is as IN1-3 writes it, `diagnosis` a code of ICD-10-CM, and `day` the first day.
    """

    given: Sequence[str]
    payer: str = ""
    diagnosis: str = ""
    patient_class: words.PatientClassFact = "outpatient"
    day: date = FIRST_DAY


def typed_timeline(typed: TypedVisit) -> Timeline:
    """The timeline of a typed visit, all in UTC. Raises NotationError."""
    items, mistakes = [], []
    for number, text in enumerate(typed.given, start=1):
        try:
            items.append(administration_of(text, number, typed.day))
        except ValueError as error:
            mistakes.append(_unreadable(str(error), number))
    if mistakes:
        raise NotationError(*mistakes)
    context = VisitContext(
        patient=PATIENT,
        classes=((None, typed.patient_class),),
        payer=typed.payer,
        diagnoses=(typed.diagnosis,) if typed.diagnosis else (),
    )
    return timeline_with(items, context)


def _unreadable(says: str, number: int) -> Finding:
    return Finding(
        "rules.case",
        expected="the notation of rules/README.md",
        found=says,
        where=f"text {number}",
        do='write it like "pembrolizumab 200 mg iv 09:00-09:30"',
    )
