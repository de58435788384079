"""What must be asked about a visit as a whole, and not about one of its encounters.

It owns these questions. It does not know charges: a part that could not be read, two patients under
one number, and a cancelled visit with administrations are wrong whatever is billed.
"""

from chargeline.engine.authorizations.facts import Authorization
from chargeline.engine.authorizations.said import days_of
from chargeline.engine.timeline.records import Timeline
from chargeline.engine.trace import Question, ask


def visit_questions(timeline: Timeline) -> tuple[Question, ...]:
    """What must be asked about the visit as a whole."""
    problems = (*timeline.problems, *timeline.unplaced)
    questions = [Question(problem.finding, sources=(problem.source,)) for problem in problems]
    if len(timeline.patients) > 1:
        questions.append(
            ask(
                "visit.two_patients",
                expected="one patient under one visit number",
                found=f"{len(timeline.patients)} medical record numbers that no merge joins",
                do="correct the number at the sender, or send the merge (A40); "
                "until then nothing is billed",
            )
        )
    if timeline.context.cancelled and timeline.days:
        questions.append(
            ask(
                "visit.cancelled",
                expected="no administrations under a cancelled or deleted visit (A11, A23, A38)",
                found=f"{len(timeline.administrations)} administrations",
                do="move the administrations to the visit under which they were given; "
                "until then nothing is billed",
            )
        )
    for item in timeline.authorizations:
        questions += [_upside_down(item)] if item.is_upside_down else []
        questions += [_told_twice(item)] if item.disputed else []
    return tuple(questions)


def _told_twice(authorization: Authorization) -> Question:
    """What is asked about an authorization of which two messages of one time say two things."""
    sent = authorization.message.sent
    when = f" of {sent.isoformat()}" if sent is not None else " without a time"
    return ask(
        "authorization.told_twice",
        expected=f"one word at a time on {authorization.number}",
        found=f"messages{when} that differ in {' and '.join(authorization.disputed)}",
        do="have who entered it send what holds with a later time; until then one of them counts",
        sources=(authorization.source,),
    )


def _upside_down(authorization: Authorization) -> Question:
    """What is asked about an authorization that ends before it begins."""
    return ask(
        "authorization.ends_before_it_begins",
        expected="a last day on or after the first one",
        found=f"{authorization.number}, {days_of(authorization)}",
        do="have who entered it send its days again; until then it covers nothing",
        sources=(authorization.source,),
    )
