"""`chargeline questions`, `answer` and `line` on the ledger.

It owns what these commands read and write there. An answer is a row of the ledger and a nudge in
the outbox, in one transaction; the program that owns the visit drafts it again. The commands draft
for themselves only to show what a choice would draft.
"""

import argparse

from chargeline.drafting.answering import (
    TAKE_BACK,
    AnswerError,
    DraftedVisit,
    Speaker,
    answer_to,
    asked_again,
    last_answer,
    question_of_number,
    taken_back,
    without_words,
    word_on_line,
)
from chargeline.drafting.looking import drafted_now
from chargeline.drafting.processor import Processor
from chargeline.drafting.question_text import in_full, listed
from chargeline.drafting.reading_back import answer_read, question_read
from chargeline.drafting.said import keep_said
from chargeline.drafting.setup import new_processor
from chargeline.engine import Finding, VisitKey
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.store import Ledger
from chargeline.operate.left_out import say_left_out
from chargeline.operate.named import check_question_code, check_visit
from chargeline.operate.opened import opened
from chargeline.operate.running import OK, Command
from chargeline.published.answers import Given
from chargeline.settings import Settings


def list_questions(asked: argparse.Namespace) -> Command:
    """Do `chargeline questions list`: the open questions, the oldest first.

    One that cannot be read is named on standard error, and the exit code says so.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger, ledger.view() as view:
            await check_visit(view, asked.visit)
            await check_question_code(settings, view, asked.code)
            rows = await view.asked(visit=asked.visit, code=asked.code)
        closed = []
        for row in rows:
            try:
                print(listed(question_read(row), as_json=asked.json))
            except UnreadableRow as error:
                closed.append(error)
        if not asked.json:
            print(f"{len(rows)} open")
        return say_left_out(closed)

    return work


def show_question(asked: argparse.Namespace) -> Command:
    """Do `chargeline questions show`: one question, and what each choice would draft."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            processor = new_processor(settings, ledger, settings.topic_inbound)
            visit = await _visit_of_question(ledger, processor, asked.question)
        maker = processor.maker
        _visit, question = question_of_number([visit], asked.question)
        print(in_full(visit, question, maker.rulebook, prices=maker.prices, as_json=asked.json))
        return OK

    return work


def answer_question(asked: argparse.Namespace) -> Command:
    """Do `chargeline answer`: keep the answer, and have the visit drafted again."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            given = await _answer(settings, ledger, asked)
            await _keep(settings, ledger, given)
        return OK

    return work


async def _answer(settings: Settings, ledger: Ledger, asked: argparse.Namespace) -> Given:
    speaker = Speaker.now(asked.by, asked.reason)
    if asked.choice == TAKE_BACK:
        key = await _key_of_question(ledger, asked.question)
        async with ledger.view() as view:
            rows = await view.answers_of([key], await view.merges_around([key]))
        kept = list(map(answer_read, rows[key]))
        return taken_back(last_answer(kept, asked.question), speaker)
    processor = new_processor(settings, ledger, settings.topic_inbound)
    visit = await _visit_of_question(ledger, processor, asked.question)
    rulebook = processor.maker.rulebook
    (visit,) = asked_again([visit], asked.question, rulebook)
    _visit, question = question_of_number([visit], asked.question)
    formulary = rulebook.formulary
    return answer_to(visit, question, formulary, asked.choice, value=asked.value, speaker=speaker)


def say_of_line(asked: argparse.Namespace) -> Command:
    """Do `chargeline line`: keep what is said of the line, and have the visit drafted again."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger:
            processor = new_processor(settings, ledger, settings.topic_inbound)
            async with ledger.view() as view:
                keys = await view.visit_keys(visit=asked.visit)
                visits = await drafted_now(view, processor, keys)
            if len(visits) != 1:
                raise _not_one_visit(asked.visit, len(visits))
            visit = without_words(visits[0], processor.maker.rulebook)
            given = word_on_line(
                visit,
                asked.line,
                asked.choice,
                value=asked.value,
                speaker=Speaker.now(asked.by, asked.reason),
            )
            await _keep(settings, ledger, given)
        return OK

    return work


async def _keep(settings: Settings, ledger: Ledger, given: Given) -> None:
    async with ledger.batch() as batch:
        await keep_said(batch, given, settings.topic_inbound)
    print(
        f"kept; visit {given.visit} is drafted again as soon as `chargeline capture` or "
        "`serve` runs"
    )


async def _key_of_question(ledger: Ledger, number: str) -> VisitKey:
    """The visit that asks a question, or that asked it until somebody answered."""
    async with ledger.view() as view:
        rows = await view.asked(question_id=number, closed=True)
    if rows:
        return VisitKey(rows[-1].facility, rows[-1].visit)
    raise AnswerError(
        Finding(
            "command.not_found",
            expected="the number of a question of the ledger",
            found=number,
            where="QUESTION",
            do="see the numbers that `chargeline questions list` prints",
        )
    )


async def _visit_of_question(ledger: Ledger, processor: Processor, number: str) -> DraftedVisit:
    key = await _key_of_question(ledger, number)
    async with ledger.view() as view:
        visits = await drafted_now(view, processor, [key])
    if visits:
        return visits[0]
    raise _not_one_visit(key.visit, 0)


def _not_one_visit(visit: str, count: int) -> AnswerError:
    return AnswerError(
        Finding(
            "command.not_found",
            expected=f"one visit {visit} with a draft in the ledger",
            found=str(count),
            where="VISIT",
            do="see the visits of the charge.draft events; one that was merged away has no draft",
        )
    )
