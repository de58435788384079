"""Questions of a visit that somebody answered under another visit of the patient.

It owns which they are, of causes that courses have: those that the visit would ask if nobody had
said anything elsewhere. Who answered, and why, stands in the ledger with the other visit.
"""

from typing import NamedTuple

from chargeline.drafting.answering import DraftedVisit, questions_of_visit
from chargeline.drafting.reading_back import answer_read
from chargeline.engine import Rulebook, VisitKey, draft, words_elsewhere, words_that_count
from chargeline.ledger.view import View
from chargeline.published.answers import GivenAnswer


class AnsweredElsewhere(NamedTuple):
    """An answer that a question of this visit got under another visit."""

    visit: VisitKey
    answer: GivenAnswer


async def answered_elsewhere(
    view: View, visit: DraftedVisit, rulebook: Rulebook
) -> list[AnsweredElsewhere]:
    """The answers by which a visit asks less, in the order in which they were given.

    Where other visits said something, it drafts the visit once more. Raises UnreadableRow.
    """
    kept = {other for other, _answer in words_elsewhere(visit.history)}
    if not kept:
        return []
    alone = visit.history - kept
    silent = draft(visit.timeline, rulebook, alone, policy=visit.draft.policy)
    asked = {one.fingerprint for one in questions_of_visit(DraftedVisit(visit.timeline, silent))}
    asked -= {one.fingerprint for one in questions_of_visit(visit)}
    words = words_that_count(visit.history)
    settled = {name: words[name] for name in asked if name in words}
    others = sorted({other for other, _answer in settled.values()})
    rows = await view.answers_of(others, await view.merges_around(others))
    elsewhere = []
    for name, (other, word) in settled.items():
        for given in map(answer_read, rows[other]):
            is_it = isinstance(given, GivenAnswer) and given.fingerprint == name
            if is_it and given.at == word.message.sent:
                assert isinstance(given, GivenAnswer), "a word on a line has no question"
                elsewhere.append(AnsweredElsewhere(other, given))
    return sorted(elsewhere, key=lambda one: (one.answer.at, one.answer.question_id))
