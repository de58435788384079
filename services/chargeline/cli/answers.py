"""The verbs about questions: questions, answer, line.

It owns their arguments, and their work on a feed of files. On the ledger the same work is done by
operate/answers.py, which the verbs import when they run.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module

from chargeline.cli.arguments import Verbs, add_feed_or_ledger, words
from chargeline.cli.drafts import coded
from chargeline.cli.ending import OK, not_found, wrong_use
from chargeline.coding.run import CodedVisit, Run
from chargeline.drafting.answering import (
    TAKE_BACK,
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
from chargeline.drafting.codes_named import check_asking_code
from chargeline.drafting.question_text import in_full, listed
from chargeline.engine import LINE_OFFERS, Rulebook
from chargeline.published.answer_file import add_answer, read_answers
from chargeline.published.answers import Given
from chargeline.published.events import questions_of
from chargeline.published.shapes import DocumentationQuestion
from chargeline.published.writing import visit_draft

_QUESTIONS_HELP = """\
What chargeline asks about the visits of the ledger, or with --feed of a feed of files. A question
has a number, which `chargeline answer` takes.
"""
_ANSWER_HELP = """\
Answers a question. The visit is drafted again as if the answer had been charted; its lines say who
answered and why. An answer holds as long as the facts stay the same: when the feed changes them,
the question is open again. The choice `withdraw` takes an answer back.

A time may be written as 10:05 (the first after the start, by the sender's clock) or in full.
"""
_LINE_HELP = """\
Says something of a charge line, or of all lines of a visit: hold it back, release it, do not bill
it (withhold), bill it with another code (override --value "96415-59 x2"), or restore what was
drafted. The draft keeps what it would have said. An override lapses when the line changes.
"""


def add_answering(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verbs `questions`, `answer` and `line`."""
    questions = verbs.add_parser(
        "questions", help="list what must be answered, and what each answer would draft"
    )
    questions.description = _QUESTIONS_HELP
    actions = questions.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="print each open question on a line")
    listing.add_argument("--visit", metavar="NUMBER", default="", help="of this visit only")
    listing.add_argument("--code", metavar="CODE", default="", help="such as stop.missing only")
    showing = actions.add_parser(
        "show", help="print one question, and what each of its answers would draft"
    )
    showing.add_argument("question", metavar="QUESTION", help="the number of the question")
    for action, work in ((listing, _list), (showing, _show)):
        action.add_argument("--json", action="store_true", help="print JSON, one object on a line")
        add_feed_or_ledger(action)
        action.set_defaults(run=work)
    _add_answer(verbs)
    _add_line(verbs)


def _add_answer(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    answer = verbs.add_parser(
        "answer",
        help="answer a question",
        description=_ANSWER_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    answer.add_argument("question", metavar="QUESTION", help="the number of the question")
    answer.add_argument("choice", metavar="CHOICE", help="one of the choices of the question")
    _add_speaker(answer)
    add_feed_or_ledger(answer)
    answer.set_defaults(run=_answer)


def _add_line(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    line = verbs.add_parser(
        "line",
        help="hold, release, withhold, override or restore a charge line",
        description=_LINE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = list(LINE_OFFERS)
    line.add_argument("choice", metavar="WHAT", choices=choices, help=", ".join(choices))
    line.add_argument("visit", metavar="VISIT", help="the number of the visit")
    line.add_argument(
        "line",
        metavar="LINE",
        nargs="?",
        default="",
        help="the line_id; without it, all lines of the visit are held or released",
    )
    _add_speaker(line)
    add_feed_or_ledger(line)
    line.set_defaults(run=_line)


def _add_speaker(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--value", default="", help="what the choice needs, such as a time")
    verb.add_argument("--by", required=True, type=words, metavar="NAME", help="who says it")
    verb.add_argument("--reason", required=True, type=words, metavar="TEXT", help="why")


def _live(name: str, asked: argparse.Namespace) -> int:
    """Do the work on the ledger."""
    running = import_module("chargeline.operate.running")
    answers = import_module("chargeline.operate.answers")
    return int(running.with_settings(getattr(answers, name)(asked)))


# ------------------------------------------------------------------ on a feed of files


def _list(asked: argparse.Namespace) -> int:
    if not asked.paths:
        return _live("list_questions", asked)
    run, rulebook = coded(asked)
    check_asking_code(asked.code, rulebook)
    if asked.visit and asked.visit not in {visit.timeline.key.visit for visit in run.visits}:
        what = f"the visit {asked.visit} in this feed"
        return wrong_use(not_found(what, "none", "see `chargeline code --json`"))
    for visit in run.visits:
        for question in _published(visit, rulebook):
            if asked.visit in ("", question.visit) and asked.code in ("", question.code):
                print(listed(question, as_json=asked.json))
    return OK


def _show(asked: argparse.Namespace) -> int:
    if not asked.paths:
        return _live("show_question", asked)
    run, rulebook = coded(asked)
    visit, question = question_of_number(_drafted(run), asked.question)
    print(in_full(visit, question, rulebook, policy=asked.policy, as_json=asked.json))
    return OK


def _answer(asked: argparse.Namespace) -> int:
    if not asked.paths:
        return _live("answer_question", asked)
    if asked.answers is None:
        return _no_file()
    if asked.choice == TAKE_BACK:
        kept = read_answers(asked.answers)
        return _kept(
            asked,
            taken_back(last_answer(kept, asked.question), Speaker.now(asked.by, asked.reason)),
        )
    run, rulebook = _before_the_file(asked)
    drafted = asked_again(_drafted(run), asked.question, rulebook, asked.policy)
    visit, question = question_of_number(drafted, asked.question)
    formulary, speaker = rulebook.formulary, Speaker.now(asked.by, asked.reason)
    return _kept(
        asked,
        answer_to(visit, question, formulary, asked.choice, value=asked.value, speaker=speaker),
    )


def _line(asked: argparse.Namespace) -> int:
    if not asked.paths:
        return _live("say_of_line", asked)
    if asked.answers is None:
        return _no_file()
    run, rulebook = _before_the_file(asked)
    visits = [visit for visit in _drafted(run) if visit.timeline.key.visit == asked.visit]
    if len(visits) != 1:
        what = f"the visit {asked.visit} in this feed"
        return wrong_use(not_found(what, str(len(visits)), "see `chargeline code --json`"))
    visit = without_words(visits[0], rulebook, asked.policy)
    speaker = Speaker.now(asked.by, asked.reason)
    return _kept(
        asked, word_on_line(visit, asked.line, asked.choice, value=asked.value, speaker=speaker)
    )


def _before_the_file(asked: argparse.Namespace) -> tuple[Run, Rulebook]:
    """The run with the answers that the file has so far; a file that is not there has none."""
    if not asked.answers.exists():
        asked = argparse.Namespace(**{**vars(asked), "answers": None})
    return coded(asked)


def _kept(asked: argparse.Namespace, given: Given) -> int:
    add_answer(asked.answers, given)
    print(f"kept in {asked.answers}; `chargeline code` takes it with --answers")
    return OK


def _no_file() -> int:
    expected, do = "a file for the answer", "name it with --answers FILE"
    return wrong_use(not_found(expected, "none", do))


def _drafted(run: Run) -> list[DraftedVisit]:
    return [DraftedVisit(visit.timeline, visit.draft, visit.history) for visit in run.visits]


def _published(visit: CodedVisit, rulebook: Rulebook) -> Sequence[DocumentationQuestion]:
    whole = visit_draft(visit.draft, visit.timeline, rulebook.formulary)
    return [asked.question for asked in questions_of(whole, 1)]
