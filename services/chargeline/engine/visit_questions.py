"""What must be asked about a visit as a whole, whatever its encounters bill.

It owns these questions. It does not know what becomes of the visit until they are answered.
"""

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
    return tuple(questions)
