"""Answers "why?" for a line, a withheld service or a question, as text that a coder can follow.

It owns the wording. It takes every fact from the trace and asks no rule and no formulary, so that
the text says what the draft rested on. The steps stand in the order in which the engine took them.
"""

from collections.abc import Mapping, MutableSet

from chargeline.engine.events import ANSWER, Source
from chargeline.engine.rules import Rule
from chargeline.engine.trace import (
    WITHHELD,
    ChargeLine,
    Difference,
    Question,
    Step,
    Withheld,
    charge_in_short,
)

NO_TITLES: Mapping[str, str] = {}
ENCOUNTER = "encounter"


def explain(
    entry: ChargeLine | Withheld | Question,
    titles: Mapping[str, str] = NO_TITLES,
    told: MutableSet[str] | None = None,
) -> str:
    """The reasons of one entry of a draft. `titles` turns citation keys into readable sources.

    The step about the encounter is only named if its text is in `told`, and else added to it: the
    entries of an encounter, explained one after another, tell it once.
    """
    if isinstance(entry, Question):
        return "\n".join(map(printable, _question(entry)))
    lines = [_line_head(entry)] if isinstance(entry, ChargeLine) else _withheld_head(entry)
    for number, step in enumerate(entry.trace, start=1):
        lines += _once(number, step, titles, told)
    lines += [f"  {words}" for words in differences_in_words(entry)]
    return "\n".join(map(printable, lines))


def _once(
    number: int, step: Step, titles: Mapping[str, str], told: MutableSet[str] | None
) -> list[str]:
    """The lines of a step, or one line if they were told above."""
    first, *rest = _step(step, titles)
    text = "\n".join([first, *rest])
    if told is not None and step.topic == ENCOUNTER:
        if text in told:
            return [f"  {number}. {step.topic}: as above"]
        told.add(text)
    return [f"  {number}. {first}", *rest]


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


def _step(step: Step, titles: Mapping[str, str]) -> list[str]:
    rule = step.decision.rule if step.decision is not None else None
    lines = [f"{step.topic}: {rule.why if rule is not None else ''}".rstrip(": ")]
    if step.facts:
        facts = [f"{name.replace('_', ' ')}: {value}" for name, value in step.facts]
        lines.append("     " + "; ".join(facts))
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


def differences_in_words(entry: ChargeLine | Withheld) -> list[str]:
    """What other policies would make of an entry, a sentence each.

    Example: cms-facility-2026 would give 96413 x1 (rule class.antibody). A policy that bills
    another line of the same administration in another way says so on that line only.
    """
    sentences = []
    for difference in entry.other_policies:
        because = f" (rule {difference.rule})" if difference.rule else ""
        if would := _would(entry, difference):
            sentences.append(f"{difference.policy} would {would}{because}")
    return sentences


def _would(entry: ChargeLine | Withheld, difference: Difference) -> str:
    """What the other policy would do with this entry; "" if it would leave the entry as it is."""
    more = " + ".join([end for end in difference.says if end not in difference.here])
    fewer = [end for end in difference.here if end not in difference.says]
    if _end(entry) in difference.says:
        return f"also give {more}" if more and not fewer else ""
    if more == WITHHELD:
        return "withhold this line"
    if more:
        return f"give {more}"
    return "not bill this line" if isinstance(entry, ChargeLine) else "not withhold this"


def _end(entry: ChargeLine | Withheld) -> str:
    if isinstance(entry, Withheld):
        return WITHHELD
    return charge_in_short(entry.code, entry.modifiers, entry.units)
