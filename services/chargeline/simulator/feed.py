"""A whole feed from a seed, and its files.

This module puts the messages of all visits into one stream, in order of arrival. It does not know
what is in a visit or in a message. All chance comes from the seed, so the same arguments give the
same bytes.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from chargeline.simulator.authorized import AuthorizedTreatment, treatments
from chargeline.simulator.charting import records_of, sender_of
from chargeline.simulator.courses import course_messages
from chargeline.simulator.examined import Examination, examination_letters, examined
from chargeline.simulator.faults import Struck, struck, told
from chargeline.simulator.mess import (
    Dial,
    cancelled_visit,
    muddle_letters,
    muddle_records,
    muddle_visit,
)
from chargeline.simulator.messages import (
    Letter,
    administration_letters,
    dispense_letters,
    letter,
    order_letters,
    render,
    visit_segments,
)
from chargeline.simulator.visits import FACILITIES, InventedVisit, plan_visits


class InventedFeed(NamedTuple):
    """Messages as (style of the sender, bytes) in order of arrival, and what truly happened.

    The segments of a message end with CR; there is no MLLP frame. `truth` is the content of
    truth.json.
    """

    messages: tuple[tuple[str, bytes], ...]
    truth: dict[str, object]


def simulate(
    *,
    visits: int,
    seed: int,
    style: str = "mixed",
    mess: float = 0.0,
    faults: float = 0.0,
    courses: int = 0,
    examinations: float = 0.0,
    authorizations: int = 0,
    first_day: date = date(2026, 3, 2),
) -> InventedFeed:
    """Invent a number of visits from `first_day` on, and the messages about them.

    style: "standard", "action-stream" or "mixed" (each visit has one of the two). mess: 0.0 for a
    clean feed, up to 1.0 for one with many of the troubles of real feeds. faults: the share of
    visits in which something is charted or written wrongly. What was truly given depends on neither
    of them. courses: how many courses of radiation a standard sender reports beside. examinations:
    the share of visits in which a practitioner sees the patient too. authorizations: how many
    treatments are given beside that need an authorization. Messages of courses, examinations and
    treatments arrive as they were sent. Raises ValueError for an unknown style, or a share out of
    range.
    """
    if style not in (*FACILITIES, "mixed"):
        raise ValueError(f"style: expected standard, action-stream or mixed, found {style!r}")
    for name, level in (("mess", mess), ("faults", faults), ("examinations", examinations)):
        if not 0.0 <= level <= 1.0:
            raise ValueError(f"{name}: expected a number from 0.0 to 1.0, found {level}")
    truths: list[dict[str, object]] = []
    others: list[dict[str, object]] = []
    posted: list[tuple[datetime, str, bytes]] = []
    for planned in plan_visits(visits, seed, style, first_day):
        dial = Dial(mess, seed, planned.serial())
        visit, mistake = muddle_visit(planned, dial), cancelled_visit(planned, dial)
        fault = struck(visit, faults, seed)
        later = fault.another_visit() if fault else None
        truths.append(told(visit, fault))
        posted += _post(visit, None if later else fault, seed, mess)
        posted += _examined(visit, truths[-1], examinations, seed, mess=mess)
        for other, its_fault in ((mistake, None), (later, fault)):
            if other:
                others.append(told(other, None))
                posted += _post(other, its_fault, seed, mess)
    courses_told = []
    for course, messages in course_messages(courses, seed, first_day):
        courses_told.append(course)
        posted += messages
    authorized = []
    for treatment in treatments(authorizations, seed):
        truth_of_treatment, messages = _treated(treatment, examinations, seed)
        authorized.append(truth_of_treatment)
        posted += messages
    posted.sort(key=lambda item: item[0])
    # Visits that come of mess or faults are last: the others have the same place with and without.
    truth: dict[str, object] = {"seed": seed, "visits": truths + others}
    if courses_told:
        truth["courses"] = courses_told
    if authorized:
        truth["authorizations"] = authorized
    return InventedFeed(tuple((style, text) for _, style, text in posted), truth)


def _post(
    visit: InventedVisit, fault: Struck | None, seed: int, mess: float
) -> Iterator[tuple[datetime, str, bytes]]:
    """All messages of one visit, as (arrival, style, bytes)."""
    spared = fault.fault().spared if fault else frozenset[str]()
    dial = Dial(mess, seed, visit.serial(), spared)
    sender = sender_of(visit, dial.stream("sender"))
    charted = fault.charted(visit) if fault else visit
    records = muddle_records(records_of(charted, sender, dial.stream("charting")), dial)
    letters = [
        *_stay(visit),
        *order_letters(charted, sender),
        *dispense_letters(charted, sender),
        *administration_letters(charted, sender, fault.on_records(records) if fault else records),
    ]
    muddled = muddle_letters(fault.on_letters(letters) if fault else letters, visit, sender, dial)
    posted = [(each.arrives, each, render(visit, sender, each)) for each in muddled]
    for arrives, _letter, text in fault.on_posted(posted) if fault else posted:
        yield arrives, visit.style, text


def _treated(
    treatment: AuthorizedTreatment, examinations: float, seed: int
) -> tuple[dict[str, object], list[tuple[datetime, str, bytes]]]:
    """The truth and the messages of a treatment under an authorization."""
    of_visits = treatment.visit_truths()
    posted = [(arrives, "standard", text) for arrives, text in treatment.told]
    for visit, truth in zip(treatment.visits, of_visits, strict=True):
        posted += _post(visit, None, seed, 0.0)
        posted += _examined(visit, truth, examinations, seed, mess=0.0)
    return treatment.truth(of_visits), posted


def _examined(
    visit: InventedVisit, truth: dict[str, object], share: float, seed: int, *, mess: float
) -> Iterator[tuple[datetime, str, bytes]]:
    """The messages about the examination of a visit, if it has one; the truth tells of it."""
    examination = examined(visit, share, seed)
    if examination is not None:
        truth["examination"] = examination.truth()
        yield from _post_examination(visit, examination, seed, mess)


def _post_examination(
    visit: InventedVisit, examination: Examination, seed: int, mess: float
) -> Iterator[tuple[datetime, str, bytes]]:
    """The messages about a visit with a practitioner, numbered apart from those of the pharmacy."""
    sender = sender_of(visit, Dial(mess, seed, visit.serial()).stream("sender"))
    for number, sent in enumerate(examination_letters(visit, examination, sender), 1):
        numbered = replace(sent, control=f"X{visit.serial()}{number}")
        yield sent.arrives, visit.style, render(visit, sender, numbered)


def _stay(visit: InventedVisit) -> Iterator[Letter]:
    """A04 at the arrival, then A03 at the discharge, or A11 if the registration was a mistake."""
    yield letter(visit, "A04", visit.arrived, visit_segments(visit))
    if visit.cancelled:
        yield letter(visit, "A11", visit.left)
    else:
        yield replace(
            letter(visit, "A03", visit.left, visit_segments(visit)), discharged=visit.left
        )


def write_feed(feed: InventedFeed, directory: Path) -> None:
    """Write STYLE.hl7 for each style that has messages, and truth.json, into `directory`.

    Messages follow one another without a separator: `MSH|` comes right after the CR of the message
    before. If a style has no messages, a file that an earlier feed left for it is removed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for style in FACILITIES:
        path = directory / f"{style}.hl7"
        text = b"".join(message for sender, message in feed.messages if sender == style)
        if text:
            path.write_bytes(text)
        else:
            path.unlink(missing_ok=True)
    (directory / "truth.json").write_text(json.dumps(feed.truth, indent=1) + "\n", encoding="utf-8")
