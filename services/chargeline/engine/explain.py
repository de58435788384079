"""Answers "why?" for a line, a withheld service or a question, as text that a coder can follow.

It owns the wording. It takes every fact from the trace and asks no rule and no formulary, so that
the text says what the draft rested on. The steps stand in the order in which the engine took them.
"""

from collections.abc import Mapping

from chargeline.engine.events import ANSWER, Source
from chargeline.engine.rules import Rule
from chargeline.engine.trace import ChargeLine, Difference, Question, Step, Withheld

NO_TITLES: Mapping[str, str] = {}


def explain(entry: ChargeLine | Withheld | Question, titles: Mapping[str, str] = NO_TITLES) -> str:
    """The reasons of one entry of a draft. `titles` turns citation keys into readable sources."""
    if isinstance(entry, Question):
        return "\n".join(map(printable, _question(entry)))
    lines = [_line_head(entry)] if isinstance(entry, ChargeLine) else _withheld_head(entry)
    for number, step in enumerate(entry.trace, start=1):
        lines += _step(number, step, titles)
    lines += [f"  {difference_in_words(each)}" for each in entry.other_policies]
    return "\n".join(map(printable, lines))


def printable(text: str) -> str:
    """The text on one line, without characters that move a cursor or turn the writing around.

    A sender may write anything into a name, also an escape sequence that changes the line above.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def _line_head(line: ChargeLine) -> str:
    code = "-".join([line.code, *line.modifiers])
    minutes = f", {line.minutes} minutes" if line.minutes is not None else ""
    provisional = f"  PROVISIONAL: {line.provisional} is open" if line.provisional else ""
    return (
        f"{code} x{line.units}  {line.drug}  {line.service_date.isoformat()}{minutes}"
        f"  [{line.role}]  line {line.line_id}{provisional}"
    )


def _withheld_head(entry: Withheld) -> list[str]:
    minutes = f", {entry.minutes} minutes" if entry.minutes is not None else ""
    return [f"withheld  {entry.drug}{minutes}  [{entry.reason}]", f"  {entry.says}"]


def _question(question: Question) -> list[str]:
    lines = [
        f"question  {question.drug or 'the visit'}  [{question.finding.code}]",
        f"  expected {question.finding.expected}",
        f"  found    {question.finding.found}",
        f"  do       {question.finding.do}",
    ]
    return lines + [f"  from     {source_in_words(each)}" for each in question.sources]


def _step(number: int, step: Step, titles: Mapping[str, str]) -> list[str]:
    lines = []
    rule = step.decision.rule if step.decision is not None else None
    lines.append(f"  {number}. {step.topic}: {rule.why if rule is not None else ''}".rstrip(": "))
    if step.facts:
        lines.append("     " + "; ".join(f"{name}: {value}" for name, value in step.facts))
    if rule is not None:
        lines.append(f"     rule {rule.id}, {_cited(rule, titles)}")
        lines += [f"     other published position: {position}" for position in rule.other]
    if step.decision is not None:
        lines += [
            f"     passed over {other.id}: {other.why}" for other in step.decision.passed_over
        ]
    if step.sources:
        lines.append("     from " + ", ".join(source_in_words(each) for each in step.sources))
    return lines


def _cited(rule: Rule, titles: Mapping[str, str]) -> str:
    return "; ".join(titles.get(key, key) for key in rule.cite)


def source_in_words(source: Source) -> str:
    """A source as a person looks it up, such as: RXA[2]-3 of message 4711 (RAS^O17)."""
    if source.message.type == ANSWER:
        return f"the answer {source.message.control_id}"
    return f"{source.address} of message {source.message.control_id} ({source.message.type})"


def difference_in_words(difference: Difference) -> str:
    """One difference as a sentence.

    Example: cms-facility-2026 would give 96413 x1 (rule class.antibody).
    """
    because = f" (rule {difference.rule})" if difference.rule else ""
    return f"{difference.policy} would give {' + '.join(difference.says)}{because}"
