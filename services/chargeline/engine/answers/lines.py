"""What people say of charge lines: held, not billed, or billed with another code.

It owns what such a word does to a line, and keeps what the engine drafts by itself beside it. A
word that changes a line is bound to the line as it was drafted: if the feed changes the line, the
word holds no longer, the line stands as drafted, and a person is asked. A hold is bound to nothing,
because it can do no harm.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from chargeline.engine.answer_words import LineChoice
from chargeline.engine.answers.applying import source_of
from chargeline.engine.answers.identity import fingerprint_of_line
from chargeline.engine.answers.offers import LineOffer
from chargeline.engine.answers.values import charge_written
from chargeline.engine.events import LineAnswer
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import (
    ChargeLine,
    EncounterDraft,
    Question,
    Step,
    Withheld,
    ask,
    charge_in_short,
    instead_of_line,
)

LINE_OFFERS: Mapping[LineChoice, LineOffer] = {
    offer.choice: offer
    for offer in (
        LineOffer("hold", "It is not sent before somebody releases it."),
        LineOffer("release", "It is held no more."),
        LineOffer("withhold", "It is not billed."),
        LineOffer("override", "It is billed with this code, units and modifiers.", "charge"),
        LineOffer("restore", "It is billed as drafted."),
    )
}


class LastWords(NamedTuple):
    """The last word on a line of each of two kinds: whether it is held, and how it is billed.

    `released`: the line was let go while the whole visit was held.
    """

    held: LineAnswer | None = None
    billed: LineAnswer | None = None
    released: bool = False


def last_words(timeline: Timeline) -> dict[str, LastWords]:
    """The last words on each line by its number, and with "" those on the whole visit."""
    words: dict[str, LastWords] = {}
    for answer in timeline.answers:
        if isinstance(answer, LineAnswer):
            before = words.get(answer.line_id, LastWords())
            words[answer.line_id] = _AFTER[answer.choice](before, answer)
            if not answer.line_id:  # of all lines, whatever was said of one before
                words.update(
                    {
                        line_id: word._replace(held=None, released=False)
                        for line_id, word in words.items()
                        if line_id
                    }
                )
    return words


def withheld_lines(words: Mapping[str, LastWords]) -> list[str]:
    """The numbers of the lines of which the last word is that they are not billed."""
    return [
        line_id
        for line_id, word in words.items()
        if word.billed is not None and word.billed.choice == "withhold"
    ]


def with_word_on_lines(
    encounters: tuple[EncounterDraft, ...], words: Mapping[str, LastWords]
) -> tuple[EncounterDraft, ...]:
    """The encounters after what people said of their lines; the very same where nobody did."""
    if not words:
        return encounters
    return tuple([_encounter(draft, words) for draft in encounters])


def words_of_no_line(
    encounters: tuple[EncounterDraft, ...], words: Mapping[str, LastWords]
) -> tuple[Question, ...]:
    """A question for each word that changed a line which is not drafted any more."""
    here = {line.line_id for draft in encounters for line in draft.lines} if words else set()
    return tuple(
        [
            _outdated("", (), "no such line", word.billed)
            for line_id, word in sorted(words.items())
            if word.billed is not None and line_id not in here
        ]
    )


_AFTER: Mapping[LineChoice, Callable[[LastWords, LineAnswer], LastWords]] = {
    "hold": lambda words, answer: words._replace(held=answer, released=False),
    "release": lambda words, _answer: words._replace(held=None, released=True),
    "withhold": lambda words, answer: words._replace(billed=answer),
    "override": lambda words, answer: words._replace(billed=answer),
    "restore": lambda words, _answer: words._replace(billed=None),
}


def _encounter(draft: EncounterDraft, words: Mapping[str, LastWords]) -> EncounterDraft:
    whole = words.get("", LastWords())
    lines: list[ChargeLine] = []
    asked: list[Question] = []
    withheld: list[Withheld] = []
    for line in draft.lines:
        word = words.get(line.line_id, LastWords())
        held = word.held or (None if word.released else whole.held)
        if word.billed is not None and not _fits(word.billed, line):
            now = f"another one, {_in_short(line)}"
            asked.append(_outdated(line.drug, line.administrations, now, word.billed))
        elif word.billed is not None and word.billed.choice == "withhold":
            withheld.append(_withheld(line, word.billed))
            continue
        elif word.billed is not None:
            line = _overridden(line, word.billed)
        lines.append(line._replace(held=held.reason or held.by) if held is not None else line)
    return draft._replace(
        lines=tuple(lines),
        questions=(*draft.questions, *asked),
        withheld=(*draft.withheld, *withheld),
    )


def _fits(answer: LineAnswer, line: ChargeLine) -> bool:
    """Whether a line is drafted as it was, and what is to stand in its place can be read."""
    is_readable = answer.choice != "override" or charge_written(answer.value) is not None
    return is_readable and answer.fingerprint == fingerprint_of_line(line)


def _overridden(line: ChargeLine, answer: LineAnswer) -> ChargeLine:
    charge = charge_written(answer.value)
    assert charge is not None, "the value was looked at when the answer was given"
    return line._replace(
        code=charge.code,
        modifiers=charge.modifiers,
        units=charge.units,
        provisional="",
        instead_of=_in_short(line),
        trace=(*line.trace, _step(answer, line)),
    )


def _withheld(line: ChargeLine, answer: LineAnswer) -> Withheld:
    says = f"A person withholds {_in_short(line)}."
    return instead_of_line(line, "answer.withhold", says, _step(answer, line))


def _in_short(line: ChargeLine) -> str:
    return charge_in_short(line.code, line.modifiers, line.units)


def _step(answer: LineAnswer, line: ChargeLine) -> Step:
    facts = (
        ("drafted", _in_short(line)),
        ("said", answer.choice),
        ("value", answer.value),
        ("by", answer.by),
        ("because", answer.reason),
    )
    return Step("word on the line", None, facts, (source_of(answer),))


def _outdated(
    drug: str, administrations: tuple[str, ...], found: str, answer: LineAnswer
) -> Question:
    return ask(
        "answer.outdated",
        expected=f"the line as it was when {answer.by} said {answer.choice}",
        found=found,
        do="say it again of the line that is drafted now, or restore it; until then it stands as "
        "drafted",
        drug=drug,
        administrations=administrations,
        sources=(source_of(answer),),
    )
