"""What a draft is made of: lines, questions, withheld services, and the steps that led to each.

It owns the shapes, and decides nothing. A step carries the decision (rule, reason, citation, rules
passed over), the facts of the decision, and where those facts stood. So the text of a line can be
written at any time from the line alone.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from chargeline.engine.answer_words import Severity
from chargeline.engine.authorization_words import Evidence, EvidenceClass
from chargeline.engine.authorizations.needed import CodeNeed
from chargeline.engine.claim_words import EditName, NdcUnit, Settler
from chargeline.engine.events import Answer, Source, VisitKey
from chargeline.engine.finding import Finding, RuleId
from chargeline.engine.finding_codes import FindingCode
from chargeline.engine.quantities import plain
from chargeline.engine.record import Fact
from chargeline.engine.rules import Decision, Rule
from chargeline.engine.words import FamilyName


class Step(NamedTuple):
    """One step of reasoning: the topic, the rule's decision if one was needed, facts, sources."""

    topic: str
    decision: Decision[Any] | None
    facts: tuple[tuple[str, str | int], ...]
    sources: tuple[Source, ...] = ()


class Difference(NamedTuple):
    """What another shipped policy makes of the same administrations, and the rule that differs.

    `says` holds codes with units, `withheld`, or `a question`, and is () where that policy makes
    nothing of them; `here` is the same of this draft.
    """

    policy: str
    says: tuple[str, ...]
    rule: str
    here: tuple[str, ...] = ()


class BilledNdc(NamedTuple):
    """The NDC of a drug line: eleven digits, and how much of the container the line stands for.

    `quantity` is in `unit`: ML millilitres, UN pieces, GR grams; None and "" where what the
    container holds is not known. `lots` are the lot numbers that were charted.
    """

    digits: str
    unit: NdcUnit
    quantity: Decimal | None
    lots: tuple[str, ...] = ()

    @property
    def in_full(self) -> str:
        """As a claim says it: qualifier, digits, unit and quantity, such as N450242013201 UN3."""
        quantity = f" {self.unit}{plain(self.quantity)}" if self.quantity is not None else ""
        return f"N4{self.digits}{quantity}"


class ChargeLine(NamedTuple):
    """One draft charge.

    `drug` is the id of a drug, or says what is billed without one, such as `visit 2026-03-02`; a
    question and what is withheld say it in the same way. `minutes` are the running minutes that the
    line bills, None for an untimed code. `provisional` names the open question that may change the
    line, or "". `held` is why a person holds the line back, and `instead_of` what the engine drafts
    by itself where a person said otherwise; "" where nobody did. `ndc` is that of a drug line, None
    where none is charted. `authorization` is the payer's number, "" where none is needed or none
    covers the line. `part_of` is by what policies are compared where `drug` stands for many
    charges, such as one session of a course; else "".
    """

    family: FamilyName
    line_id: str
    role: str
    code: str
    units: int
    modifiers: tuple[str, ...]
    service_date: date
    drug: str
    administrations: tuple[str, ...]
    trace: tuple[Step, ...]
    minutes: int | None = None
    provisional: str = ""
    other_policies: tuple[Difference, ...] = ()
    held: str = ""
    instead_of: str = ""
    ndc: BilledNdc | None = None
    authorization: str = ""
    part_of: str = ""


class Question(NamedTuple):
    """Something that a person must answer, and what happens to the charge until then.

    `wait_minutes` counts from the start of the first administration. For so long nobody is asked,
    because the answer may arrive by itself: the stop of an infusion ordered for 60 minutes is not
    missing after 20. None asks at once. Of a question about no administration, `about` is what it
    names, such as an authorization, and tells it from others of its messages. `cause` is what many
    messages have in common, such as a word in all sessions of a course: one answer holds for all of
    them. Each may be "". `values` are those of which a person may say which is right.
    """

    finding: Finding
    drug: str = ""
    administrations: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    wait_minutes: int | None = None
    about: str = ""
    cause: str = ""
    values: tuple[str, ...] = ()


def ask(
    code: FindingCode | RuleId,
    *,
    expected: str,
    found: str,
    do: str,
    drug: str = "",
    administrations: tuple[str, ...] = (),
    sources: tuple[Source, ...] = (),
    about: str = "",
    cause: str = "",
) -> Question:
    """A question about some administrations or the visit; `where` is that of the first source."""
    where = sources[0].address if sources else ""
    finding = Finding(code, expected=expected, found=found, where=where, do=do)
    return Question(finding, drug, administrations, sources, about=about, cause=cause)


class Withheld(NamedTuple):
    """An administration, or a part of one, that is not billed, and why.

    `part_of` is that of the line in whose place it stands.
    """

    family: FamilyName
    reason: str
    says: str
    drug: str
    administrations: tuple[str, ...]
    minutes: int | None = None
    trace: tuple[Step, ...] = ()
    other_policies: tuple[Difference, ...] = ()
    part_of: str = ""


class Noted(NamedTuple):
    """Something on which a payer may deny lines, before rules say how much it matters.

    The code of the finding is the name of the edit. `lines` are the ids of the lines at stake. With
    `against`, the code that another system posted, only the difference to its worth is at stake.
    """

    edit: EditName
    finding: Finding
    lines: tuple[str, ...]
    against: str = ""


def note(
    edit: EditName,
    lines: Sequence[ChargeLine],
    *,
    expected: str,
    found: str,
    do: str,
    where: str = "",
) -> Noted:
    """What an edit found on some lines."""
    finding = Finding(edit, expected=expected, found=found, where=where, do=do)
    return Noted(edit, finding, tuple([line.line_id for line in lines]))


class ShownEvidence(NamedTuple):
    """One thing that a request for an authorization shows.

    `says` is what the chart has of it, "" where it is missing; `source` is where that stands.
    """

    evidence: Evidence
    says: str
    source: Source | None


class AuthorizationNeed(NamedTuple):
    """An order that is not given yet, and needs an authorization that is not there.

    `question` asks for it. `day` is the local day of the planned dose, and `units` its HCPCS units
    with those that its containers leave, 0 where the dose cannot be read. `ask_by` is the last day
    on which to ask by the payer's standard clock, and `ask_expedited_by` the same by its expedited
    one; None where no rule knows.
    """

    question: Question
    code: str
    order: str
    day: date
    units: int
    payer: str
    evidence_class: EvidenceClass
    evidence: tuple[ShownEvidence, ...]
    ask_by: date | None
    ask_expedited_by: date | None


class ClaimEdit(NamedTuple):
    """An edit before the claim: why lines may be denied, how much that matters, who can settle it.

    `lines` are the ids of the lines at stake, and `units` their units, all of them: a payer denies
    the whole line and not what is too much of it. `cents` is what Medicare allows for them, None
    where no table says it.
    """

    edit: EditName
    finding: Finding
    severity: Severity
    who: Settler
    rule: Rule
    lines: tuple[str, ...]
    units: int
    cents: int | None


class Proposal(NamedTuple):
    """What a charge family makes of an encounter; `facts` are for the patient's record."""

    lines: tuple[ChargeLine, ...] = ()
    questions: tuple[Question, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    facts: tuple[Fact, ...] = ()
    noted: tuple[Noted, ...] = ()


def together(proposals: Sequence[Proposal]) -> Proposal:
    """Several proposals as one, in their order."""
    lines: list[ChargeLine] = []
    questions: list[Question] = []
    withheld: list[Withheld] = []
    facts: list[Fact] = []
    noted: list[Noted] = []
    for proposal in proposals:
        lines += proposal.lines
        questions += proposal.questions
        withheld += proposal.withheld
        facts += proposal.facts
        noted += proposal.noted
    return Proposal(
        lines=tuple(lines),
        questions=tuple(questions),
        withheld=tuple(withheld),
        facts=tuple(facts),
        noted=tuple(noted),
    )


A_QUESTION = ("a question",)
"""The end of an administration about which a person is asked, and of which nothing is billed."""


class InShort(NamedTuple):
    """How the administrations of a family end, without lines: what a comparison of policies needs.

    `ends` has for each administration its codes with units and modifiers, or `withheld`; where it
    lacks one, `others` says its end. `rules` gives for each the rules that led there, in order.
    """

    ends: Mapping[str, Sequence[str]]
    rules: Callable[[], Mapping[str, Sequence[str]]]
    others: Sequence[str] = A_QUESTION


class EncounterDraft(NamedTuple):
    """The draft of one encounter under one policy; `administrations` holds the keys of all of them.

    `facts` are what the encounter adds to the patient's record, and `edits` why lines of it may be
    denied. `needs` are the codes that need an authorization.
    """

    encounter: str
    policy: str
    administrations: tuple[str, ...]
    lines: tuple[ChargeLine, ...] = ()
    questions: tuple[Question, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    facts: tuple[Fact, ...] = ()
    edits: tuple[ClaimEdit, ...] = ()
    needs: tuple[CodeNeed, ...] = ()


class StandingAnswer(NamedTuple):
    """What a person answered, and whether it holds: the facts are those that were asked about."""

    answer: Answer
    holds: bool


class Draft(NamedTuple):
    """The draft of one visit: its encounters in order, and questions about the visit as a whole.

    `said` are the answers of people, and whether they hold. `held` is why a person holds the whole
    visit back, "" if nobody does. `facts` are what the visit as a whole adds to the patient's
    record, and `needed` the authorizations that its orders lack.
    """

    key: VisitKey
    policy: str
    rulebook: str
    encounters: tuple[EncounterDraft, ...]
    questions: tuple[Question, ...] = ()
    said: tuple[StandingAnswer, ...] = ()
    held: str = ""
    facts: tuple[Fact, ...] = ()
    needed: tuple[AuthorizationNeed, ...] = ()

    @property
    def lines(self) -> tuple[ChargeLine, ...]:
        """The charge lines of all encounters, in order."""
        return tuple([line for encounter in self.encounters for line in encounter.lines])

    @property
    def edits(self) -> tuple[ClaimEdit, ...]:
        """The edits before the claim of all encounters, in order."""
        return tuple([edit for encounter in self.encounters for edit in encounter.edits])


@lru_cache(maxsize=100_000)
def line_id(visit: VisitKey, encounter: str, role: str, anchor: str) -> str:
    """Twelve hexadecimal digits, the same in every draft for the same role of the same anchor.

    The anchor is the key of the first administration, or the drug and day of a drug line.
    """
    text = f"{visit.facility}|{visit.visit}|{encounter}|{role}|{anchor}"
    return blake2b(text.encode(), digest_size=6).hexdigest()


def instead_of_line(line: ChargeLine, reason: str, says: str, *steps: Step) -> Withheld:
    """What stands in place of a line that is not billed; `steps` say why, after its own."""
    return Withheld(
        family=line.family,
        reason=reason,
        says=says,
        drug=line.drug,
        administrations=line.administrations,
        minutes=line.minutes,
        trace=(*line.trace, *steps),
        other_policies=line.other_policies,
        part_of=line.part_of,
    )


def charge_in_short(code: str, modifiers: Sequence[str], units: int) -> str:
    """A code with its modifiers and units, such as 96415-59 x2."""
    return f"{'-'.join([code, *modifiers]) if modifiers else code} x{units}"


def rules_of(steps: Sequence[Step]) -> list[str]:
    """The ids of the rules that some steps rest on."""
    decisions = [step.decision for step in steps if step.decision is not None]
    return [decision.rule.id for decision in decisions if decision.rule is not None]


WITHHELD = "withheld"
"""The end of an administration that is not billed, beside codes such as `96415 x2`."""


def keys_of_entry(entry: ChargeLine | Withheld) -> tuple[str, ...]:
    """By what an entry is compared: its administrations, or what it bills without any."""
    return entry.administrations or (entry.part_of or entry.drug,)


def ends_of(entries: Sequence[ChargeLine | Withheld]) -> dict[str, list[str]]:
    """How each administration ends: its codes with modifiers and units, or `withheld`."""
    ends: dict[str, list[str]] = {}
    for entry in entries:
        end = WITHHELD
        if isinstance(entry, ChargeLine):
            end = charge_in_short(entry.code, entry.modifiers, entry.units)
        for key in keys_of_entry(entry):
            ends.setdefault(key, []).append(end)
    return ends


def rules_behind(entries: Sequence[ChargeLine | Withheld]) -> dict[str, list[str]]:
    """The rules behind the end of each administration, in the order of the reasoning."""
    rules: dict[str, list[str]] = {}
    for entry in entries:
        for key in keys_of_entry(entry):
            rules.setdefault(key, []).extend(rules_of(entry.trace))
    return rules
