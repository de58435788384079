"""`chargeline code` and `chargeline explain`: a feed in, drafts or their reasons out.

It owns the arguments of these two verbs, the progress bar, and the choice between page and JSON.
How a page, a record or a reason looks is decided in the package `coding`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from chargeline.cli.arguments import Verbs, add_feed_arguments, sound_rules
from chargeline.cli.ending import OK, SET_ASIDE, not_found, tell, wrong_use
from chargeline.cli.paper import page
from chargeline.coding.assembly import Assembly
from chargeline.coding.explaining import explanations
from chargeline.coding.page import print_run
from chargeline.coding.records import encounter_records
from chargeline.coding.run import Run
from chargeline.engine import Rulebook, printable
from chargeline.files import BESIDE_A_FEED, FeedFile, left_out, read_feed
from chargeline.hl7.profile import make_profile
from chargeline.published.answer_file import read_answers
from chargeline.published.answers import Given
from chargeline.rulebook.loading import read_interface, refuse_unknown_policy

PROGRESS_FROM_BYTES = 2_000_000
_NAMES_SHOWN = 5

_CODE_HELP = """\
Reads HL7 v2 messages and drafts the charges of each visit. PATH may be a file with messages one
after another, a batch file (FHS, BHS), a capture of MLLP traffic, or a folder of such files.

Without --json, a page is printed for each visit: what was given as bars on a time line, the charge
lines with their reasons, the services that are not charged, and the questions that a person must
answer.
"""
_EXPLAIN_HELP = """\
Drafts the charges as `chargeline code` does and prints how each line came about: each step with
its rule, the source of the rule, the facts, and the fields of the messages that the facts came
from.
"""


def add_code(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `code`."""
    verb = verbs.add_parser(
        "code",
        help="draft the charges of HL7 files",
        description=_CODE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_feed_arguments(verb)
    verb.add_argument(
        "--json",
        action="store_true",
        help="print JSON lines, one object for each visit and encounter",
    )
    verb.set_defaults(run=_code)


def add_explain(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `explain`."""
    verb = verbs.add_parser(
        "explain",
        help="print why each charge line is there",
        description=_EXPLAIN_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_feed_arguments(verb)
    verb.add_argument("--visit", metavar="NUMBER", default="", help="explain this visit only")
    verb.add_argument(
        "--line",
        metavar="ID",
        default="",
        help="explain this line only, by its line_id in `chargeline code --json` or the beginning "
        "of it",
    )
    verb.set_defaults(run=_explain)


def _code(asked: argparse.Namespace) -> int:
    run, rulebook = coded(asked)
    if asked.json:
        for record in encounter_records(run, rulebook):
            sys.stdout.write(record.model_dump_json() + "\n")
    else:
        print_run(page(), run, rulebook)
    return _exit_code(run)


def _explain(asked: argparse.Namespace) -> int:
    run, rulebook = coded(asked)
    refusal = _not_one(run, asked.visit, asked.line)
    if refusal:
        return wrong_use(refusal)
    for text in explanations(run, rulebook, asked.visit, asked.line):
        print(text)
    return _exit_code(run)


def _not_one(run: Run, visit: str, line: str) -> str:
    """Why a visit or a line cannot be explained: it is not there, or several lines begin so."""
    visits = [coded for coded in run.visits if visit in ("", coded.timeline.key.visit)]
    if visit and not visits:
        numbers = [coded.timeline.key.visit for coded in run.visits]
        do = f"the visits are {_named(numbers)}" if numbers else "no message names a visit"
        return not_found(f"visit {visit} in the drafts of this feed", "none", do)
    ids = [
        entry.line_id
        for coded in visits
        for entry in coded.draft.lines
        if entry.line_id.startswith(line)
    ]
    if not line or len(ids) == 1:
        return ""
    found = f"{len(ids)} lines: {_named(ids)}" if ids else "none"
    do = "see the line ids that `chargeline code --json` prints"
    return not_found(f"one line {line} in the drafts of this feed", found, do)


def _named(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(map(printable, names[:_NAMES_SHOWN])) + more


def coded(asked: argparse.Namespace) -> tuple[Run, Rulebook]:
    """The run over the feed that the arguments ask for, and the rulebook of its drafts."""
    rulebook, folder = sound_rules(asked)
    if asked.policy:
        refuse_unknown_policy(asked.policy, rulebook, where="--policy")
    profile = make_profile(read_interface(folder, asked.interface))
    files = list(read_feed(asked.paths))
    _say_left_out(asked.paths)
    answers = read_answers(asked.answers) if asked.answers is not None else []
    return _run(files, Assembly(rulebook, profile, asked.policy), answers), rulebook


def _say_left_out(paths: Sequence[str]) -> None:
    """Say on standard error which files of the folders were not read."""
    for folder in [Path(path) for path in paths if path != "-" and Path(path).is_dir()]:
        names = [path.name for path in left_out(folder) if path.name not in BESIDE_A_FEED]
        if names:
            shown = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
            tell(f"{folder}: left out {len(names)}: {shown}")


def _run(files: list[FeedFile], assembly: Assembly, answers: list[Given]) -> Run:
    """Read and draft the files, with a progress bar if they are large and a person is watching."""
    size = sum(len(file.data) for file in files)
    is_watched = size >= PROGRESS_FROM_BYTES and sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=not is_watched) as progress:
        task = progress.add_task("reading", total=sum(file.data.count(b"MSH") for file in files))
        for file in files:
            assembly.add(file, (lambda: progress.advance(task)) if is_watched else _no_bar)
        assembly.add_answers(answers)
        progress.update(task, description="drafting", total=None)
        return assembly.finish()


def _no_bar() -> None:
    """Nobody is watching."""


def _exit_code(run: Run) -> int:
    return SET_ASIDE if run.set_aside else OK
