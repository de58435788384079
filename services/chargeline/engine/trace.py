"""What a draft is made of: lines, questions, withheld services, and the steps that led to each.

It owns the shapes only. A step carries the decision itself (rule, why, citation, rules passed
over), the facts it was taken from and where they stood, so that text can be made at any time and
nothing has to be remembered to explain a line.
"""

from datetime import date
from typing import NamedTuple

from chargeline.engine.events import Source, VisitKey
from chargeline.engine.finding import Finding, FindingCode, RuleId
from chargeline.engine.rules import Decision


class Step(NamedTuple):
    """One step of reasoning: the topic, the rule's decision if one was needed, facts, sources."""

    topic: str
    decision: Decision | None
    facts: tuple[tuple[str, str | int], ...]
    sources: tuple[Source, ...] = ()


class Difference(NamedTuple):
    """What another shipped policy makes of the same administration: codes with units, or a reason."""

    policy: str
    says: tuple[str, ...]
    rule: str


class ChargeLine(NamedTuple):
    """One draft charge. `minutes`: running minutes it was reckoned from, None if untimed.

    `provisional` names the open question that may change the line, or "".
    """

    line_id: str
    role: str
    code: str
    units: int
    modifiers: tuple[str, ...]
    service_date: date
    drug: str
    minutes: int | None
    administrations: tuple[str, ...]
    provisional: str
    trace: tuple[Step, ...]
    other_policies: tuple[Difference, ...] = ()


class Question(NamedTuple):
    """Something that a person must answer, and what happens to the charge until then."""

    finding: Finding
    drug: str
    administrations: tuple[str, ...]
    sources: tuple[Source, ...]


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
    """A question about some administrations, or about the visit as a whole; asked at its first source."""
    where = sources[0].address if sources else ""
    finding = Finding(code, expected=expected, found=found, where=where, do=do)
    return Question(finding, drug, administrations, sources)


class Withheld(NamedTuple):
    """An administration, or a part of one, that is not billed, and why."""

    reason: str
    says: str
    drug: str
    minutes: int | None
    administrations: tuple[str, ...]
    trace: tuple[Step, ...]
    other_policies: tuple[Difference, ...] = ()


class EncounterDraft(NamedTuple):
    """The draft of one encounter under one policy; `administrations` are the keys of all it holds."""

    encounter: str
    policy: str
    administrations: tuple[str, ...]
    lines: tuple[ChargeLine, ...]
    questions: tuple[Question, ...]
    withheld: tuple[Withheld, ...]


class Draft(NamedTuple):
    """The draft of one visit: its encounters in order, and questions about the visit as a whole."""

    key: VisitKey
    policy: str
    rulebook: str
    encounters: tuple[EncounterDraft, ...]
    questions: tuple[Question, ...]
