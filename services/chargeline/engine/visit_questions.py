"""What must be asked about a visit as a whole, and not about one of its encounters.

It owns these questions. It does not know charges: a part that could not be read, two patients under
one number, and a cancelled visit under which something was done are wrong whatever is billed.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chargeline.engine.answer_words import AnswerChoice
from chargeline.engine.answers.beside import AnswersBeside
from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.said import days_of
from chargeline.engine.authorizations.unsaid import name_of, unsaid_questions
from chargeline.engine.care import Care, observes
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import Question, ask


def visit_questions(
    timeline: Timeline, authorizations: Sequence[Authorization]
) -> tuple[Question, ...]:
    """What must be asked about the visit as a whole.

    `authorizations` are those of the visit after what people said of them.
    """
    problems = (*timeline.problems, *timeline.unplaced)
    questions = [Question(problem.finding, sources=(problem.source,)) for problem in problems]
    if len(timeline.patients) > 1:
        is_of_authorization = bool(timeline.authorizations) and not timeline.days
        number = (
            "of one number of an authorization" if is_of_authorization else "under one visit number"
        )
        until = "it covers no line of either" if is_of_authorization else "nothing is billed"
        questions.append(
            ask(
                "visit.two_patients",
                expected=f"one patient {number}",
                found=f"{len(timeline.patients)} medical record numbers that no merge joins",
                do=f"correct the number at the sender, or send the merge (A40); until then {until}",
            )
        )
    if timeline.context.cancelled and timeline.days:
        questions.append(_cancelled(timeline))
    for item in authorizations:
        questions += [_upside_down(item)] if item.is_upside_down else []
        questions += [_told_twice(item)] if item.disputed else []
    questions += unsaid_questions(authorizations, timeline.unclear)
    return tuple(questions)


def _cancelled(timeline: Timeline) -> Question:
    """What is asked about a cancelled visit under which something was done."""
    return ask(
        "visit.cancelled",
        expected="nothing done under a cancelled or deleted visit (A11, A23, A38)",
        found=_done_in_words(timeline),
        do="have the sender move it to the visit under which it was done, or say that nothing of "
        "it was done, or that a person bills it by hand; until then nothing is billed",
    )


def _done_in_words(timeline: Timeline) -> str:
    """What was done or said under a visit number, such as `2 administrations, 1 posted charge`."""
    cares = [day.care for day in timeline.days]
    visits = [care for care in cares if observes(care, "visit") or _has_visit_note(care)]
    counts = {
        "administration": len(timeline.administrations),
        "day of radiation": len([care for care in cares if observes(care, "radiation")]),
        "day with a practitioner's visit": len(visits),
        "posted charge": sum([len(care.posted) for care in cares]),
        "booked session": sum([len(care.appointments) for care in cares]),
        "other note": sum([len(care.notes) for care in cares if not _has_visit_note(care)]),
    }
    said = [_counted(count, what) for what, count in counts.items() if count]
    return ", ".join(said) or _counted(len(timeline.days), "day on which something was handed out")


def _counted(count: int, what: str) -> str:
    first, blank, rest = what.partition(" ")
    is_day = first == "day"
    several = f"{first}s{blank}{rest}" if is_day else f"{what}s"
    return f"{count} {what if count == 1 else several}"


def _has_visit_note(care: Care) -> bool:
    return any(note.kind == "visit" for note in care.notes)


class InQuestion(NamedTuple):
    """Why nothing of a whole visit is billed: the reason and a sentence."""

    reason: str
    says: str


def in_question_of(timeline: Timeline, answers: AnswersBeside) -> InQuestion | None:
    """Why nothing of a visit is billed; None where nothing stands against it."""
    is_cancelled = timeline.context.cancelled and bool(timeline.days)
    choice = answers.choice(_cancelled(timeline)) if is_cancelled else None
    if len(timeline.patients) > 1 or (is_cancelled and choice is None):
        return InQuestion("visit", "The visit itself has an open question.")
    if choice is not None:
        return InQuestion(f"answer.{choice}", _SAYS[choice])
    return None


_SAYS: Mapping[AnswerChoice, str] = {
    "not_done": "A person says that nothing was done under the cancelled visit.",
    "by_hand": "A person sees to the cancelled visit outside chargeline.",
}


def _told_twice(authorization: Authorization) -> Question:
    """What is asked about an authorization of which two messages of one time say two things."""
    sent = authorization.message.sent
    when = f" of {sent.isoformat()}" if sent is not None else " without a time"
    return ask(
        "authorization.told_twice",
        expected=f"one word at a time on {authorization.number}",
        found=f"messages{when} that differ in {' and '.join(authorization.disputed)}",
        do="have who entered it send what holds with a later time; "
        "until then what grants less counts",
        sources=(authorization.source,),
        about=name_of(authorization),
    )


def _upside_down(authorization: Authorization) -> Question:
    """What is asked about an authorization that ends before it begins."""
    return ask(
        "authorization.ends_before_it_begins",
        expected="a last day on or after the first one",
        found=f"{authorization.number}, {days_of(authorization)}",
        do="have who entered it send its days again; until then it covers nothing",
        sources=(authorization.source,),
        about=name_of(authorization),
    )
