"""What a feed says beside the pharmacy: what was measured, written, charged and booked.

It owns the events of ORU, MDM, DFT and SIU messages, and of observations in other messages, with
their sources. It does not know segments or a sender's codes: the reader and the interface profile
have already said which observation is the weight. What such an event means for a charge is decided
by the charge families and reviews that ask for it.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.care_words import (
    OBSERVED_OF,
    OF_A_DAY,
    AppointmentKindFact,
    AppointmentStateFact,
    AuthorKindFact,
    NoteChange,
    NoteKindFact,
    NoteStateFact,
    Observed,
    ObservedOf,
    PostedKind,
)
from chargeline.engine.events import MessageRef, Source
from chargeline.engine.words import RecordStatus


class Observation(NamedTuple):
    """One OBX in a closed word: what was measured of the patient, or said of a visit or session.

    `value` is a word of ours where the profile knows the sender's, else the text as written (at
    most 200 characters). `amount` is the number of OBX-5, None where it is none; `unit` is OBX-6 as
    written. `day` is the local date of OBX-14, OBR-7, TXA-4 or MSH-7, the first that is valued, and
    `at` the instant, None where only MSH-7 tells it. `group` is the number of the report (OBR-3 or
    TXA-12), "" where the message has none. `by` is the observer's number (OBX-16), "" where none.
    """

    message: MessageRef
    about: Observed
    value: str
    amount: Decimal | None
    unit: str
    day: date
    at: datetime | None
    status: RecordStatus
    group: str
    sub_id: str
    by: str
    address: str

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.message, self.address)


class Note(NamedTuple):
    """One document of the chart (MDM): who wrote what kind of note of which day, and its state.

    `number` is TXA-12, and `parent` that of the note that it adds to or replaces (TXA-13), "" where
    none. `day` is the local date of TXA-4. `author` and `signer` are numbers of people; `signed_on`
    is the local day of the signature (TXA-22), None where no message says it.
    """

    message: MessageRef
    number: str
    parent: str
    kind: NoteKindFact
    change: NoteChange
    day: date
    at: datetime | None
    author: str
    author_kind: AuthorKindFact
    state: NoteStateFact
    signer: str
    signed_on: date | None
    address: str

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.message, self.address)


class PostedCharge(NamedTuple):
    """A charge that another system posted (one FT1 of a DFT).

    `number` is FT1-2, "" where the sender gives none. `day` is the local date of FT1-4. `units` is
    FT1-10, one where it is empty. `course` is the radiation course that the profile finds, "" where
    none. A credit takes back a charge of the same number or of the same code and day. `instead_of`
    are the codes and days of charges in whose place it stands, because its number was sent again,
    and `credited_again` counts the credits of its number in whose place another one stands.
    `sent_again` is when its message came again, None where it did not.
    """

    message: MessageRef
    number: str
    kind: PostedKind
    code: str
    modifiers: tuple[str, ...]
    units: Decimal
    day: date
    at: datetime | None
    performer: str
    course: str
    address: str
    instead_of: tuple[tuple[str, date], ...] = ()
    credited_again: int = 0
    sent_again: datetime | None = None

    @property
    def sent(self) -> datetime | None:
        """When it was said; None where its message has no time."""
        return self.sent_again or self.message.sent

    @property
    def is_whole(self) -> bool:
        """Whether its units are a whole number above zero."""
        return self.units > 0 and self.units == int(self.units)

    @property
    def is_changed(self) -> bool:
        """Whether what was said of its number before may hold beside it."""
        return bool(self.instead_of or self.credited_again)

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.message, self.address)


class Appointment(NamedTuple):
    """What one message says of one booked radiation session (SIU).

    `number` is the number of the appointment (SCH-2, else SCH-1, with the occurrence of SCH-3), and
    `row` tells apart the sessions of one appointment. `day` and `at` are those of the session where
    `timed`, else the day of MSH-7. `course` is the radiation course that the profile finds, "" for
    none. What a message leaves unsaid another one of the same appointment may say.
    """

    message: MessageRef
    number: str
    row: str
    kind: AppointmentKindFact
    state: AppointmentStateFact
    day: date
    at: datetime | None
    timed: bool
    course: str
    address: str

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.message, self.address)


CareEvent = Observation | Note | PostedCharge | Appointment


class Care(NamedTuple):
    """What was said of one day of a visit beside the pharmacy: observations, notes, charges, and
    the appointments of radiation sessions as they now stand.

    Each part is in the order of time, then of its number, so that arrival does not change it.
    """

    observations: tuple[Observation, ...] = ()
    notes: tuple[Note, ...] = ()
    posted: tuple[PostedCharge, ...] = ()
    appointments: tuple[Appointment, ...] = ()

    @property
    def at(self) -> datetime | None:
        """The first time that any part of it tells; None where none does."""
        return min([part.at for part in self.parts if part.at is not None], default=None)

    @property
    def parts(self) -> tuple[CareEvent, ...]:
        """All of it."""
        return (*self.observations, *self.notes, *self.posted, *self.appointments)


NO_CARE = Care()


def care_together(days: Iterable[Care]) -> Care:
    """The care of several days as one."""
    cares = [care for care in days if care is not NO_CARE]
    if not cares:
        return NO_CARE
    together = Care(
        observations=tuple([part for care in cares for part in care.observations]),
        notes=tuple([part for care in cares for part in care.notes]),
        posted=tuple([part for care in cares for part in care.posted]),
        appointments=tuple([part for care in cares for part in care.appointments]),
    )
    return together if together.parts else NO_CARE


def observes(care: Care, kind: ObservedOf) -> bool:
    """Whether any observation of a day is of a kind, such as of a visit or of radiation."""
    return any(OBSERVED_OF[observation.about] == kind for observation in care.observations)


def has_visit(care: Care) -> bool:
    """Whether somebody writes or reports of a practitioner's visit on a day."""
    return observes(care, "visit") or any(note.kind == "visit" for note in care.notes)


def is_of_a_day(observation: Observation) -> bool:
    """Whether an observation is about what was done on its day, and not about the patient."""
    return OBSERVED_OF[observation.about] in OF_A_DAY
