"""What a feed says, as facts that no longer depend on HL7.

It owns the events that enter the engine. Each event names the message and the field that it came
from. It does not know segments or code tables: the reader and the interface profile have already
said which word means "start". Events are named tuples because a feed makes millions of them.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from chargeline.engine.answer_words import AnswerChoice, LineChoice
from chargeline.engine.finding import Finding
from chargeline.engine.words import (
    ActionCharted,
    CompletionCharted,
    Component,
    DeviceCharted,
    MethodCharted,
    OrderControlFact,
    OrderKind,
    PatientClassFact,
    PurposeCharted,
    RecordStatus,
    RouteCharted,
)

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""A time before every message. A message without MSH-7 counts as sent at this time."""


class MessageRef(NamedTuple):
    """One message of the feed: enough to find the message again, and nothing of the patient.

    `digest` is the hash of the message without its number (MSH-10) and time (MSH-7), so a resend
    under another number has the same digest. `sent` is MSH-7 in UTC, None if not valued.
    """

    digest: str
    control_id: str
    type: str
    sent: datetime | None


class Source(NamedTuple):
    """Where a fact stood: a message, and a field as the standard writes it, such as RXA[2]-3."""

    message: MessageRef
    address: str

    @property
    def place(self) -> tuple[int, ...]:
        """The numbers of the address, so that the tenth row of a message is after the ninth.

        OBX[10]-5 is (10, 5), and its second repetition OBX[10]-5[2] is (10, 5, 2).
        """
        return tuple([int(number) for number in _NUMBER.findall(self.address)])


_NUMBER = re.compile(r"\d+")

# HL7 chapter 4A: 999 in RXA-6 says that the amount is not known.
AMOUNT_UNKNOWN = Decimal(999)


class ByBody(NamedTuple):
    """How a dose by kilogram or square metre was worked out, or why it was not.

    `lacking` is "" where it was worked out, else what is wrong with the measure. `source` is where
    the measure stands, None without one, and `arithmetic` is the sum as a person writes it.
    """

    lacking: str
    source: Source | None = None
    arithmetic: str = ""


class DrugAmount(NamedTuple):
    """One drug as the sender names it. `amount` is None when not valued; `unit` is as written.

    `address` is the field of the code, and `amount_address` that of the amount. `product` is the id
    of a row of the formulary where a person has said which product it was. `unreadable` is the
    shape of an amount that is no number, such as "6 characters, digits and letters". `by_body` says
    how a dose by kilogram or square metre was worked out, None for any other dose.
    """

    codes: tuple[str, ...]
    text: str
    amount: Decimal | None
    unit: str
    component: Component
    address: str
    amount_address: str = ""
    product: str = ""
    unreadable: str = ""
    by_body: ByBody | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether an amount is charted that says nothing of the dose."""
        return bool(self.unreadable) or self.amount == AMOUNT_UNKNOWN

    @property
    def names(self) -> tuple[str, ...]:
        """The codes, and the text in small letters if there is one."""
        return (*self.codes, self.text.lower()) if self.text else self.codes


class WastedAmount(NamedTuple):
    """An amount that was drawn up and discarded, as charted.

    `message` is the message that tells it; None until the timeline says so. `is_signed`: it says
    who discarded it or charted it. `has_reason`: it says why. Neither is carried further: a reason
    may name the patient. When it was is the time of its row, and no row is without one.
    """

    amount: Decimal
    unit: str
    address: str
    message: MessageRef | None = None
    is_signed: bool = False
    has_reason: bool = False


class VialCode(NamedTuple):
    """The NDC of a vial that was used, as charted.

    `lot` is the lot number, "" where none is charted. `scanned`: the code stands for one vial that
    was opened. A code that names the drug of the row says which product it is, and not how many.
    `message` is as in `WastedAmount`.
    """

    ndc: str
    address: str
    lot: str = ""
    scanned: bool = True
    message: MessageRef | None = None


ANY_SENDER = "*"


class Record(NamedTuple):
    """One RXA: what a nurse charted about one order at one moment.

    `at` is RXA-3 and `until` is RXA-4 in UTC, None when not valued. `at_twice` and `until_twice`
    say that the local time occurs twice that night, because the clock was put back. `charted_by` is
    the nurse's number, "" where the site does not show it. `at_address` and `until_address` are
    where the times stand, "" for RXA-3 and RXA-4. `discounted`: the drug was bought under 340B.
    `order_cancelled` is since when the order is cancelled by the ORC of the row itself, BEGINNING
    if that gives no time; None if it does not say so. `contradicted` are the words of a note that
    say otherwise than the row, "" if none do. `other_numbers` are as in `OrderFact`. `sender` is
    the application that sent the row (MSH-3.1, in capitals), and `may_correct` names those whose
    rows it may correct or void besides its own; ANY_SENDER among them is all.
    """

    message: MessageRef
    ordinal: int
    order: str
    local_number: str
    sub_id: str
    action: ActionCharted
    action_address: str
    at: datetime
    day: date
    until: datetime | None
    at_twice: bool
    until_twice: bool
    open_means_running: bool
    drugs: tuple[DrugAmount, ...]
    route: RouteCharted
    route_text: str
    method: MethodCharted
    line: str
    device: DeviceCharted
    rate: str
    completion: CompletionCharted
    status: RecordStatus
    recorded: datetime | None
    purpose: PurposeCharted
    primary: bool
    wasted: tuple[WastedAmount, ...]
    vials: tuple[VialCode, ...]
    not_bought: bool = False
    discounted: bool = False
    charted_by: str = ""
    order_cancelled: datetime | None = None
    contradicted: str = ""
    at_address: str = ""
    until_address: str = ""
    other_numbers: tuple[str, ...] = ()
    sender: str = ""
    may_correct: frozenset[str] = frozenset()


class Dispensed(NamedTuple):
    """What the pharmacy handed out (RXD) or told to give (RXG) for an order.

    `number` is RXD-1 or RXG-1, by which a later message corrects an earlier one; "" where the
    sender gives none. `day` is the local date. `drug` has the amount in the unit as written, such
    as vials or mg. `ndcs` are the codes that the message calls NDCs. `taken_back`: the message
    cancels what was handed out.
    """

    order: str
    kind: OrderKind
    number: str
    day: date
    drug: DrugAmount
    ndcs: tuple[str, ...]
    lot: str
    source: Source
    taken_back: bool = False


class OrderFact(NamedTuple):
    """What RDE, RDS or RGV says of an order: its drugs, its route, and how long it should run.

    `minutes` is the ordered duration, None if the message does not say it. `control` says whether
    the order is in force since `controlled`, "" if the message does not say it. `other_numbers`
    are the numbers besides `order` by which the ORC names it: that of the placer where `order` is
    that of the filler. `dispensed` is what an RDS or an RGV says was handed out.
    """

    message: MessageRef
    order: str
    kind: OrderKind
    control: OrderControlFact
    drugs: tuple[DrugAmount, ...]
    route: RouteCharted
    route_text: str
    method: MethodCharted
    line: str
    device: DeviceCharted
    minutes: int | None
    minutes_address: str
    primary: bool
    controlled: datetime | None = None
    other_numbers: tuple[str, ...] = ()
    dispensed: Dispensed | None = None
    starts: datetime | None = None


class VisitFact(NamedTuple):
    """What one message says of the visit itself; None means "says nothing", "" means "deleted".

    `trigger` is the ADT event, such as A01, or "" for other messages. `effective` is when the event
    happened. `place` is the nursing unit or clinic, and `site` the facility in which that is
    (PV1-3.4). `practitioners` are the NPIs of who attends, orders and performs. `diagnoses` and
    `authorizations` are the whole lists of the message, and `not_numbers` the words in place of a
    number of an authorization, such as NONE. `payer_doubt` says why the insurances of the message
    do not tell who pays; `payer` is "" then. `replaces_patient` is the patient to whom the visit
    no longer belongs (A44).
    """

    message: MessageRef
    trigger: str = ""
    effective: datetime | None = None
    patient: str | None = None
    patient_class: PatientClassFact | None = None
    payer: str | None = None
    payer_name: str | None = None
    authorizations: tuple[str, ...] | None = None
    not_numbers: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] | None = None
    admitted: datetime | None = None
    discharged: datetime | None = None
    replaces_patient: str | None = None
    place: str | None = None
    site: str | None = None
    practitioners: tuple[str, ...] = ()
    payer_doubt: Finding | None = None


class Unreadable(NamedTuple):
    """A part of a message that could not be used, and why. Its visit has an open question."""

    message: MessageRef
    finding: Finding


class ClockAhead(NamedTuple):
    """A message whose sender's clock ran ahead of its arrival; its time was bounded by that."""

    message: MessageRef
    finding: Finding


class VisitMerge(NamedTuple):
    """Everything under the prior visit number belongs to the surviving one (A35, A41 ...)."""

    message: MessageRef
    prior: str
    surviving: str


class PatientMerge(NamedTuple):
    """Two medical record numbers are one person (A34, A36, A40 ...)."""

    message: MessageRef
    prior: str
    surviving: str


ANSWER = "answer"
"""The type of the message that stands for what a person said."""


class Answer(NamedTuple):
    """What a person says about a question: a choice from its closed list, with a value or "".

    `code`, `drug` and `administrations` are those of the question, so an answer says by itself
    what it is about. `fingerprint` stands for the facts that were asked about; when they change,
    the answer holds no longer. `message` stands for the answer itself: its digest is the number of
    the answer, its type is `answer`, and `sent` is when the person gave it.
    """

    message: MessageRef
    question_id: str
    code: str
    drug: str
    administrations: tuple[str, ...]
    fingerprint: str
    choice: AnswerChoice
    value: str
    by: str
    reason: str


class LineAnswer(NamedTuple):
    """What a person says about a charge line, or about all lines of a visit (`line_id` is "").

    `fingerprint` stands for the line as it was drafted; an override or a withholding holds as long
    as the line is drafted so. `message` is as in `Answer`.
    """

    message: MessageRef
    line_id: str
    fingerprint: str
    choice: LineChoice
    value: str
    by: str
    reason: str


class VisitKey(NamedTuple):
    """Facility and visit number: the key of a timeline, of a draft and of a Kafka message."""

    facility: str
    visit: str
