"""What a person writes on the command line or a page, made into an answer that can be kept.

It owns the look-up of a question or a line by its number, the check that the choice is offered and
its value can be used, and how a local time such as 10:05 is completed. It keeps nothing: a program
puts the answer into the ledger or into a file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from chargeline.engine import (
    LINE_OFFERS,
    NO_HISTORY,
    Administration,
    Answer,
    Asked,
    ChargeLine,
    Consequence,
    Draft,
    Finding,
    FindingError,
    Formulary,
    History,
    Question,
    Rulebook,
    SavedWork,
    Timeline,
    asked_in,
    consequences,
    draft,
    fingerprint_of_line,
    is_possible,
    refusal,
)
from chargeline.published.answers import Given, GivenAnswer, GivenWord, given_of
from chargeline.published.stakes import money

TAKE_BACK = "withdraw"


class AnswerError(FindingError):
    """An answer that cannot be taken: no such question or line, choice or value."""


class DraftedVisit(NamedTuple):
    """A visit as it is drafted now: its timeline before what people answered, and its draft."""

    timeline: Timeline
    draft: Draft
    history: History = NO_HISTORY

    @property
    def charted(self) -> dict[str, Administration]:
        """The administrations by key, as they were charted."""
        return {item.key: item for item in self.timeline.administrations}


class Speaker(NamedTuple):
    """Who says it, when, and why."""

    by: str
    at: datetime
    reason: str

    @classmethod
    def now(cls, by: str, reason: str) -> Self:
        """Somebody who speaks at this moment."""
        return cls(by, datetime.now(UTC), reason)


def questions_of_visit(visit: DraftedVisit) -> list[Asked]:
    """The open questions of a visit, with their numbers and choices."""
    return asked_in(visit.draft, visit.charted)


def question_of_number(visits: Sequence[DraftedVisit], number: str) -> tuple[DraftedVisit, Asked]:
    """The question of a number, and its visit. Raises AnswerError if no visit asks it now."""
    for visit in visits:
        for asked in questions_of_visit(visit):
            if asked.question_id == number:
                return visit, asked
    raise AnswerError(
        Finding(
            "command.not_found",
            expected="the number of an open question",
            found=f"{number}, which no visit asks now",
            where="QUESTION",
            do="see the numbers that `chargeline questions list` prints",
        )
    )


def asked_again(
    visits: Sequence[DraftedVisit], number: str, rulebook: Rulebook, policy: str = ""
) -> Sequence[DraftedVisit]:
    """The visits as they would be drafted if nobody had answered the question of a number.

    So a question that was answered can be answered anew: the last answer counts.
    """
    again = []
    for visit in visits:
        others = tuple(
            [
                said
                for said in visit.timeline.answers
                if not (isinstance(said, Answer) and said.question_id == number)
            ]
        )
        if others != visit.timeline.answers:
            timeline = visit.timeline._replace(answers=others)
            drafted = draft(timeline, rulebook, visit.history, policy=policy)
            visit = DraftedVisit(timeline, drafted, visit.history)
        again.append(visit)
    return again


def answer_to(
    visit: DraftedVisit,
    asked: Asked,
    formulary: Formulary,
    choice: str,
    *,
    value: str,
    speaker: Speaker,
) -> GivenAnswer:
    """An answer to a question of a visit. Raises AnswerError for a choice or value of no use."""
    question, items = asked.question, visit.charted
    offers = {str(offer.choice): offer for offer in asked.offers}
    if choice not in offers:
        raise _no_choice(choice, list(offers), asked.question_id)
    kind = offers[choice].value
    if kind == "time":
        value = _time(visit, items[question.administrations[0]], choice, value)
    if kind == "payer":
        value = _payer(question, value)
    if expected := refusal(kind, value, formulary, frozenset(question.values or items)):
        raise _no_value(expected, value)
    return GivenAnswer(
        facility=visit.timeline.key.facility,
        visit=visit.timeline.key.visit,
        question_id=asked.question_id,
        code=question.finding.code,
        drug=question.drug,
        administrations=list(question.administrations),
        fingerprint=asked.fingerprint,
        choice=offers[choice].choice,
        value=value,
        by=speaker.by,
        at=speaker.at,
        reason=speaker.reason,
    )


def _payer(question: Question, value: str) -> str:
    """The payer of a question, which nobody has to write again. Raises AnswerError for another."""
    if value.strip().upper() not in ("", question.about):
        raise _no_value(f"{question.about}, the payer that is asked about, or no value", value)
    return question.about


def last_answer(kept: Iterable[Given], number: str) -> GivenAnswer:
    """The last answer to the question of a number. Raises AnswerError where nobody answered it."""
    answers = [given for given in kept if isinstance(given, GivenAnswer)]
    of_question = [given for given in answers if given.question_id == number]
    if of_question:
        return max(of_question, key=lambda given: given.at)
    raise AnswerError(
        Finding(
            "command.not_found",
            expected="the number of a question that somebody answered",
            found=f"{number}, to which nobody did",
            where="QUESTION",
            do="see `said` in the draft of the visit",
        )
    )


def standing_answer(visit: DraftedVisit, number: str) -> GivenAnswer | None:
    """The answer of a number, where it is the last one to its question and nobody took it back."""
    for answer in [standing.answer for standing in visit.draft.said]:
        if answer.message.digest == number and answer.message.sent is not None:
            return given_of(answer, answer.message.sent, visit.timeline.key)
    return None


def taken_back(before: GivenAnswer, speaker: Speaker) -> GivenAnswer:
    """The answer that takes an earlier one back."""
    said = {"by": speaker.by, "at": speaker.at, "reason": speaker.reason}
    return before.model_copy(update={"choice": TAKE_BACK, "value": "", **said})


def without_words(visit: DraftedVisit, rulebook: Rulebook, policy: str = "") -> DraftedVisit:
    """The visit as chargeline drafts it, whatever people said of its lines."""
    answers = tuple([said for said in visit.timeline.answers if isinstance(said, Answer)])
    timeline = visit.timeline._replace(answers=answers)
    drafted = draft(timeline, rulebook, visit.history, policy=policy)
    return DraftedVisit(timeline, drafted, visit.history)


def word_on_line(
    visit: DraftedVisit, line_id: str, choice: str, *, value: str, speaker: Speaker
) -> GivenWord:
    """A word on a line, or on all lines of a visit with "" as `line_id`. Raises AnswerError.

    `visit` is the one of `without_words`, because a word is about a line as it was drafted.
    """
    line = _line(visit, line_id) if line_id else None
    offer = next((offer for name, offer in LINE_OFFERS.items() if name == choice), None)
    if offer is None or (line is None and choice not in ("hold", "release")):
        raise _no_choice(choice, ["hold", "release"] if line is None else list(LINE_OFFERS), "")
    if expected := refusal(offer.value, value, Formulary(()), frozenset()):
        raise _no_value(expected, value)
    return GivenWord(
        facility=visit.timeline.key.facility,
        visit=visit.timeline.key.visit,
        line_id=line_id,
        fingerprint=fingerprint_of_line(line) if line is not None else "",
        choice=offer.choice,
        value=value,
        by=speaker.by,
        at=speaker.at,
        reason=speaker.reason,
    )


def _line(visit: DraftedVisit, line_id: str) -> ChargeLine:
    """The line of a number as chargeline drafts it, whatever people said of it before."""
    line = next((line for line in visit.draft.lines if line.line_id == line_id), None)
    if line is not None:
        return line
    raise AnswerError(
        Finding(
            "command.not_found",
            expected="the number of a line of the visit",
            found=f"{line_id}, which the draft does not have now",
            where="LINE",
            do="see the line_id that `chargeline code --json` and the charge.draft event give",
        )
    )


def completed_time(value: str, start: datetime, zone: str) -> str:
    """A time with day and offset, by the sender's clock: `10:05` is the first one after the start.

    "" for a text that is no time, for one that is more than twelve hours off, because a slip of the
    keyboard would be a day later, and for one that no clock shows or that it shows twice.
    """
    local = start.astimezone(ZoneInfo(zone))
    try:
        clock = datetime.strptime(value, "%H:%M").time()
        moment = datetime.combine(local.date(), clock, ZoneInfo(zone))
        moment = moment if moment >= local else moment + timedelta(days=1)
        if moment - local > _LONGEST_WITHOUT_DAY:
            return ""
    except ValueError:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return ""
        if moment.tzinfo is not None:
            return moment.isoformat(timespec="minutes")
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.isoformat(timespec="minutes") if _is_once(moment) else ""


_LONGEST_WITHOUT_DAY = timedelta(hours=12)


def _is_once(moment: datetime) -> bool:
    """Whether a local time occurs exactly once: the clock is neither put on nor back over it."""
    there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    is_shown = there_and_back.replace(tzinfo=None) == moment.replace(tzinfo=None)
    return is_shown and moment.utcoffset() == moment.replace(fold=1).utcoffset()


def _time(visit: DraftedVisit, item: Administration, choice: str, value: str) -> str:
    """A time as it is kept. Raises AnswerError for one that cannot be."""
    zone = visit.timeline.context.zone
    whole = completed_time(value, item.start, zone)
    if whole and (choice not in ("stop", "start") or is_possible(choice, whole, item)):
        return whole
    start = item.intervals[-1].start.astimezone(ZoneInfo(zone))
    example = start.replace(microsecond=0).isoformat(timespec="minutes")
    when = "after" if choice == "stop" else "before"
    raise _no_value(
        f"a time {when} {example}, within twelve hours as 10:05, or in full with day and offset "
        f"as {example}",
        value,
    )


def would_draft(
    visit: DraftedVisit, asked: Asked, rulebook: Rulebook, policy: str = ""
) -> Iterator[Consequence]:
    """What each choice of a question would draft."""
    return consequences(
        visit.timeline, asked, rulebook, visit.history, policy=policy, saved=SavedWork()
    )


def money_moved(
    visit: DraftedVisit, consequence: Consequence, prices: Mapping[str, int]
) -> int | None:
    """How many cents more the lines would bring after a choice; None without a price list."""
    if not prices or consequence.changes is None:
        return None
    return money(consequence.lines, prices) - money(visit.draft.lines, prices)


def _no_choice(choice: str, offered: Sequence[str], number: str) -> AnswerError:
    instead = "mend the message or the rules; this question has no answer to give"
    says = f"`chargeline questions show {number}` says what each would draft"
    return AnswerError(
        Finding(
            "answer.invalid",
            expected=f"one of {', '.join(offered)}" if offered else "a question with choices",
            found=choice,
            where="CHOICE",
            do=instead if not offered else f"choose one; {says}" if number else "choose one",
        )
    )


def _no_value(expected: str, value: str) -> AnswerError:
    return AnswerError(
        Finding(
            "answer.invalid",
            expected=expected,
            found=repr(value) if value else "nothing",
            where="--value",
            do="give it as shown",
        )
    )
