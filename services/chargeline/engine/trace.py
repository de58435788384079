"""What a draft is made of: lines, questions, withheld services, and the steps that led to each.

It owns the shapes, and decides nothing. A step carries the decision (rule, reason, citation, rules
passed over), the facts of the decision, and where those facts stood. So the text of a line can be
written at any time from the line alone.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from chargeline.engine.events import Answer, Source, VisitKey
from chargeline.engine.finding import Finding, FindingCode, RuleId
from chargeline.engine.record import Fact
from chargeline.engine.rules import Decision
from chargeline.engine.words import FamilyName


class Step(NamedTuple):
    """One step of reasoning: the topic, the rule's decision if one was needed, facts, sources."""

    topic: str
    decision: Decision[Any] | None
    facts: tuple[tuple[str, str | int], ...]
    sources: tuple[Source, ...] = ()


class Difference(NamedTuple):
    """What another shipped policy makes of the same administrations, and the rule that differs.

    `says` holds codes with units, `withheld`, or `a question`; `here` is the same of this draft.
    """

    policy: str
    says: tuple[str, ...]
    rule: str
    here: tuple[str, ...] = ()


class ChargeLine(NamedTuple):
    """One draft charge. `minutes` are the running minutes that it bills, None for an untimed code.

    `provisional` names the open question that may change the line, or "". `held` is why a person
    holds the line back, and `instead_of` what the engine drafts by itself where a person said
    otherwise; "" where nobody did.
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


class Question(NamedTuple):
    """Something that a person must answer, and what happens to the charge until then.

    `wait_minutes` counts from the start of the first administration. For so long the question is
    not put to a person, because the answer may still arrive by itself: the stop of an infusion
    ordered for 60 minutes is not missing after 20. None puts the question at once.
    """

    finding: Finding
    drug: str = ""
    administrations: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    wait_minutes: int | None = None


def ask(
    code: FindingCode | RuleId,
    *,
    expected: str,
    found: str,
    do: str,
    drug: str = "",
    administrations: tuple[str, ...] = (),
    sources: tuple[Source, ...] = (),
) -> Question:
    """A question about some administrations or the visit; `where` is that of the first source."""
    where = sources[0].address if sources else ""
    finding = Finding(code, expected=expected, found=found, where=where, do=do)
    return Question(finding, drug, administrations, sources)


class Withheld(NamedTuple):
    """An administration, or a part of one, that is not billed, and why."""

    family: FamilyName
    reason: str
    says: str
    drug: str
    administrations: tuple[str, ...]
    minutes: int | None = None
    trace: tuple[Step, ...] = ()
    other_policies: tuple[Difference, ...] = ()


class Proposal(NamedTuple):
    """What a charge family makes of an encounter; `facts` are for the patient's record."""

    lines: tuple[ChargeLine, ...] = ()
    questions: tuple[Question, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    facts: tuple[Fact, ...] = ()


def together(proposals: Sequence[Proposal]) -> Proposal:
    """Several proposals as one, in their order."""
    lines: list[ChargeLine] = []
    questions: list[Question] = []
    withheld: list[Withheld] = []
    facts: list[Fact] = []
    for proposal in proposals:
        lines += proposal.lines
        questions += proposal.questions
        withheld += proposal.withheld
        facts += proposal.facts
    return Proposal(tuple(lines), tuple(questions), tuple(withheld), tuple(facts))


class InShort(NamedTuple):
    """How the administrations of a family end, without lines: what a comparison of policies needs.

    `ends` has for each administration its codes with units and modifiers, or `withheld`. An
    administration that `ends` lacks ends with a question. `rules` gives for each administration
    the rules that led to its end, in the order of reasoning.
    """

    ends: Mapping[str, Sequence[str]]
    rules: Callable[[], Mapping[str, Sequence[str]]]


class EncounterDraft(NamedTuple):
    """The draft of one encounter under one policy; `administrations` holds the keys of all of them.

    `facts` are what the encounter adds to the patient's record.
    """

    encounter: str
    policy: str
    administrations: tuple[str, ...]
    lines: tuple[ChargeLine, ...] = ()
    questions: tuple[Question, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    facts: tuple[Fact, ...] = ()


class StandingAnswer(NamedTuple):
    """What a person answered, and whether it holds: the facts are those that were asked about."""

    answer: Answer
    holds: bool


class Draft(NamedTuple):
    """The draft of one visit: its encounters in order, and questions about the visit as a whole.

    `said` are the answers of people, and whether they hold. `held` is why a person holds the whole
    visit back, "" if nobody does.
    """

    key: VisitKey
    policy: str
    rulebook: str
    encounters: tuple[EncounterDraft, ...]
    questions: tuple[Question, ...] = ()
    said: tuple[StandingAnswer, ...] = ()
    held: str = ""

    @property
    def lines(self) -> tuple[ChargeLine, ...]:
        """The charge lines of all encounters, in order."""
        return tuple([line for encounter in self.encounters for line in encounter.lines])


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
    )


def charge_in_short(code: str, modifiers: Sequence[str], units: int) -> str:
    """A code with its modifiers and units, such as 96415-59 x2."""
    return f"{'-'.join([code, *modifiers]) if modifiers else code} x{units}"


def rules_of(steps: Sequence[Step]) -> list[str]:
    """The ids of the rules that some steps rest on."""
    decisions = [step.decision for step in steps if step.decision is not None]
    return [decision.rule.id for decision in decisions if decision.rule is not None]
