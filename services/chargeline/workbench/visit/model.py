"""The shapes of the Visit screen: what a page shows, in the order in which it stands there.

It owns the shapes only; the files beside it fill them. All text is ready to be shown: times by the
sender's zone, money in dollars, and printable, because a sender may write anything into a name.
Amounts are "" where the site has no price list.
"""

from typing import Literal, NamedTuple

Tone = Literal["blocks", "warns", "notes", "ready", "held", "plain"]
"""How a state is coloured; a glyph and a word always stand beside the colour."""

Letter = Literal["C", "T", "H", "–"]
"""Chemotherapy, therapeutic, hydration, and what is not billed by itself."""

# ------------------------------------------------------------------ the head of the page


class StateShown(NamedTuple):
    """A state as glyph and word. `sign` names the glyph in the sprite of the page."""

    tone: Tone
    word: str

    @property
    def sign(self) -> str:
        """The id of the glyph."""
        return f"sign-{self.tone}"


class PolicyApart(NamedTuple):
    """Another policy, and how many lines and withheld services of the visit end otherwise there."""

    policy: str
    lines: int


class VisitHead(NamedTuple):
    """What stands above everything else. `patient` is masked but for its last four signs."""

    facility: str
    visit: str
    days: str
    place: str
    patient_class: str
    payer: str
    policy: str
    apart: tuple[PolicyApart, ...]
    patient: str
    zone: str
    revision: int
    rulebook: str
    arrived: str
    left: str
    is_revealed: bool


class ReadyShown(NamedTuple):
    """Whether the visit is ready: `lead` in bold, `rest` behind it."""

    tone: Tone
    lead: str
    rest: str


# ------------------------------------------------------------------ questions


class QuestionCard(NamedTuple):
    """One open question. `number` counts from 1 over the page, as the picture marks it."""

    number: int
    question_id: str
    code: str
    sentence: str
    also: str
    state: StateShown
    stake: str
    can_be_answered: bool
    is_chosen: bool


class OutcomeShown(NamedTuple):
    """What a choice drafts with one value; `label` says the value, "" where none is needed.

    `value` is as it may be posted. `gives` are the changed lines, and `money` how much more they
    bring.
    """

    value: str
    label: str
    gives: tuple[str, ...]
    money: str
    tone: Literal["up", "down", "none"]


class ChoiceShown(NamedTuple):
    """One choice. `choice` is the word to post, and its value is posted as `value-CHOICE`.

    `needs` is the kind of value, "" for none, and `hint` how to write it. `is_closed`: the value is
    one of those of the outcomes.
    """

    choice: str
    says: str
    needs: str
    hint: str
    is_closed: bool
    outcomes: tuple[OutcomeShown, ...]


class QuestionPanel(NamedTuple):
    """The chosen question in full, with what each choice drafts."""

    card: QuestionCard
    expected: str
    found: str
    do: str
    sources: tuple["SourceShown", ...]
    fingerprint: str
    choices: tuple[ChoiceShown, ...]


# ------------------------------------------------------------------ lines


class LineRow(NamedTuple):
    """One charge line. `code` is with modifiers; `apart` says what other policies would do."""

    line_id: str
    code: str
    units: int
    drug: str
    what: str
    minutes: str
    amount: str
    state: StateShown
    apart: tuple[str, ...]
    note: str
    is_initial: bool
    is_chosen: bool


class FamilyOfLines(NamedTuple):
    """The lines of one charge family."""

    title: str
    rows: tuple[LineRow, ...]


class WithheldRow(NamedTuple):
    """Something that is not billed, and why; `times` is how often the same was withheld."""

    what: str
    minutes: str
    says: str
    reason: str
    apart: tuple[str, ...]
    times: int


class EditRow(NamedTuple):
    """An edit before the claim; `times` is how many edits of the kind there are."""

    state: StateShown
    code: str
    says: str
    do: str
    who: str
    lines: tuple[str, ...]
    stake: str
    times: int


class BesideRow(NamedTuple):
    """An authorization, a course or a waste line: what it is, and how it stands in short texts."""

    what: str
    cells: tuple[str, ...]


# ------------------------------------------------------------------ why


class SourceShown(NamedTuple):
    """Where a fact stood. `message` is the digest of the message, "" for a person's answer."""

    text: str
    message: str


class MinutesPart(NamedTuple):
    """One row of the sum of minutes: a stretch, a pause, or the total."""

    span: str
    minutes: str
    says: str
    sources: tuple[SourceShown, ...]
    is_total: bool = False


class PolicyGives(NamedTuple):
    """What one policy gives for the administrations of a line."""

    policy: str
    gives: str
    compared: str
    amount: str
    in_use: bool


class StepShown(NamedTuple):
    """One step of reasoning, with the rule, its sources, and the rules that it passed over."""

    topic: str
    says: str
    facts: str
    rule: str
    cited: str
    sources: tuple[SourceShown, ...]
    passed_over: tuple[tuple[str, str], ...]


class WhyOfLine(NamedTuple):
    """Why the chosen line is there. `ruler` is an SVG, "" where no hour counts."""

    row: LineRow
    sentence: str
    parts: tuple[MinutesPart, ...]
    ruler: str
    policies: tuple[PolicyGives, ...]
    positions: tuple[str, ...]
    steps: tuple[StepShown, ...]
    said: tuple[str, ...]


# ------------------------------------------------------------------ times and messages


class TimeRow(NamedTuple):
    """One administration of the table of times: the same facts as its lane in the picture."""

    number: int
    day: str
    letter: Letter
    drug: str
    route: str
    access_line: str
    start: str
    stop: str
    minutes: str
    pauses: str
    entered: str
    charted_by: str
    codes: tuple[str, ...]
    questions: tuple[int, ...]
    sources: tuple[SourceShown, ...]
    note: str


class MessageLink(NamedTuple):
    """A message on which the chosen line or the visit rests."""

    digest: str
    control_id: str
    type: str
    sent: str
    is_chosen: bool


class FieldShown(NamedTuple):
    """One field of a segment with the separator before it; `used` says for what, "" if unused."""

    text: str
    used: str


class SegmentShown(NamedTuple):
    """One segment: its name and its fields."""

    name: str
    fields: tuple[FieldShown, ...]
    uses: tuple[str, ...]


class MessageShown(NamedTuple):
    """One message with the used fields marked; `trouble` is why it cannot be shown, or ""."""

    link: MessageLink
    segments: tuple[SegmentShown, ...]
    trouble: str
    is_revealed: bool


# ------------------------------------------------------------------ history, and the whole


class ChangedLine(NamedTuple):
    """One line that a revision added, changed or removed."""

    sign: Literal["added", "changed", "removed"]
    text: str


class RevisionRow(NamedTuple):
    """One revision; `money` is how much more its lines bring than those before it."""

    number: int
    drafted: str
    status: str
    changes: tuple[ChangedLine, ...]
    money: str


class SaidRow(NamedTuple):
    """What a person said, when and why; `holds` says whether it still counts.

    `number` is that of an answer, which can be taken back; "" for a word on a line, and for an
    answer that was given under another visit, which `other` names and `address` leads to.
    """

    at: str
    by: str
    about: str
    said: str
    because: str
    holds: StateShown
    number: str = ""
    other: str = ""
    address: str = ""


class Picture(NamedTuple):
    """The timeline of one encounter as three SVGs side by side, of one height.

    `caption` says in words what is drawn. `left_out` counts administrations that have no lane.
    """

    title: str
    caption: str
    labels: str
    track: str
    codes: str
    lanes: int
    left_out: int


class ChosenOnPage(NamedTuple):
    """What the address of the page chooses, each "" where nothing is chosen.

    `line` and `question` are ids of the draft, and `message` is a digest. One that the draft does
    not have now chooses nothing.
    """

    line: str = ""
    message: str = ""
    question: str = ""


class VisitPage(NamedTuple):
    """The whole Visit screen."""

    chosen: ChosenOnPage
    head: VisitHead
    ready: ReadyShown
    questions: tuple[QuestionCard, ...]
    panel: QuestionPanel | None
    pictures: tuple[Picture, ...]
    times: tuple[TimeRow, ...]
    families: tuple[FamilyOfLines, ...]
    lines: int
    total: str
    withheld: tuple[WithheldRow, ...]
    edits: tuple[EditRow, ...]
    authorizations: tuple[BesideRow, ...]
    lacking: tuple[str, ...]
    courses: tuple[BesideRow, ...]
    waste: tuple[BesideRow, ...]
    why: WhyOfLine | None
    messages: tuple[MessageLink, ...]
    message: MessageShown | None
    revisions: tuple[RevisionRow, ...]
    said: tuple[SaidRow, ...]
