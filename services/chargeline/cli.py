"""`chargeline`: the verbs of the command line.

It owns arguments, exit codes and where output goes, and wires the programs to the edges. 0: all was
read; 2: wrong use; 3: some messages were set aside.
"""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.progress import Progress

from chargeline.coding.assembly import Assembly
from chargeline.coding.explaining import explanations
from chargeline.coding.page import print_run
from chargeline.coding.records import encounter_records
from chargeline.coding.rules_pages import check, difference, listing, show
from chargeline.coding.run import Run
from chargeline.engine import Finding, Rulebook, VisitContext, words
from chargeline.files import FeedFile, read_feed
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.profile import Profile, make_profile
from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from chargeline.rulebook.trying import tried
from chargeline.simulator.feed import simulate, write_feed
from chargeline.version import VERSION

OK, WRONG_USE, SET_ASIDE = 0, 2, 3
PROGRESS_FROM_BYTES = 2_000_000

_DESCRIPTION = "HL7 v2 medication feeds in, explained draft charges out."
_EXAMPLES = """\
examples:
  chargeline simulate --visits 20 --seed 1 --out /tmp/feed     an invented infusion centre
  chargeline code /tmp/feed/standard.hl7                        its charges, and why
  chargeline code - --json < feed.hl7                           one JSON object a visit and encounter
  chargeline code feed/ --interface action-stream --policy cms-facility-2026
  chargeline explain feed.hl7 --visit V100001                   every reason, field by field
  chargeline rules diff guide-2026 cms-facility-2026            where two policies part
  chargeline rules try "pembrolizumab 200 mg iv 09:00-09:30"    which rules decide, and why not the others

exit codes: 0 all was read, 2 wrong use, 3 some messages were set aside
"""
_CODE_HELP = """\
Reads HL7 v2 files, folders, batch files (FHS/BHS), MLLP captures, or standard input (-), folds them
into timelines and drafts the charges of every visit. Without --json it prints a page per visit: the
timeline as bars, the lines with their reasons, what is withheld and what somebody must answer.
"""


_TRY_HELP = """\
Drafts what was given and shows, question by question, the facts that rules were asked about, the rule
that decided, and of every other rule the condition that did not hold.

  chargeline rules try "pembrolizumab 200 mg iv 09:00-09:30"
  chargeline rules try "ondansetron 8 mg iv push 09:00" "carboplatin 450 mg iv 09:10-10:10"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    # Records live as long as the run and form no cycles: looking for garbage finds none and costs a
    # sixth.
    gc.disable()
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        code = asked.run(asked)
        sys.stdout.flush()
        return int(code)
    except BrokenPipeError:
        # The reader of our output has seen enough (head, less); nothing more can be written to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (RulebookError, Hl7Error) as error:
        return _wrong(str(error))
    except OSError as error:
        return _wrong(
            str(
                Finding(
                    "command.unreadable",
                    expected="a file or folder that can be read",
                    found=str(error.strerror or type(error).__name__),
                    where=str(error.filename or ""),
                    do="correct the path, or the rights of the file",
                )
            )
        )


class _Page(Console):
    """A console that leaves a reader who went away to `main`, as every other output does."""

    def on_broken_pipe(self) -> None:
        """Pass the error on instead of ending the program here."""
        raise BrokenPipeError


def _not_found(expected: str, found: str, do: str) -> str:
    return str(Finding("command.not_found", expected=expected, found=found, where="", do=do))


def _wrong(message: str) -> int:
    print(f"chargeline: {message}", file=sys.stderr)
    return WRONG_USE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chargeline",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"chargeline {VERSION}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_code(verbs)
    _add_explain(verbs)
    _add_rules(verbs)
    _add_simulate(verbs)
    _add_live(verbs)
    return parser


_Verbs = argparse._SubParsersAction  # the type of what add_subparsers returns has no public name


def _add_feed_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, a folder, or - for standard input"
    )
    verb.add_argument(
        "--policy", metavar="NAME", default="", help="code under this policy, whoever pays"
    )
    verb.add_argument(
        "--formulary", metavar="FILE", type=Path, help="a CSV of drugs laid over ours"
    )
    verb.add_argument(
        "--interface",
        metavar="NAME",
        default="standard",
        help="how the sender writes: a folder of rules/interfaces (default: standard)",
    )
    _add_rules_folder(verb)


def _add_rules_folder(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--rules", metavar="DIR", type=Path, help="another rules folder than the shipped one"
    )


def _add_code(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("code", help="draft the charges of a feed", description=_CODE_HELP)
    _add_feed_arguments(verb)
    verb.add_argument(
        "--json", action="store_true", help="JSON lines: one object a visit and encounter"
    )
    verb.set_defaults(run=_code)


def _add_explain(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser(
        "explain",
        help="the reasons of a line or a visit as text",
        description="Prints for each line every step, rule, source, fact and message field "
        "behind it.",
    )
    _add_feed_arguments(verb)
    verb.add_argument("--visit", metavar="NUMBER", default="", help="this visit only")
    verb.add_argument(
        "--line", metavar="ID", default="", help="this line only (line_id of code --json)"
    )
    verb.set_defaults(run=_explain)


def _add_rules(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("rules", help="check, list, show or compare the rules")
    actions = verb.add_subparsers(title="what to do", metavar="ACTION", required=True)
    checking = actions.add_parser("check", help="find gaps, clashes, mistakes, and cases that fail")
    checking.add_argument(
        "--formulary", metavar="FILE", type=Path, help="a CSV of drugs laid over ours"
    )
    checking.set_defaults(run=_rules_check)
    everything = actions.add_parser("list", help="all rules, a line each")
    everything.set_defaults(run=_rules_list)
    one = actions.add_parser("show", help="one rule in full")
    one.add_argument("id", metavar="ID", help="as `rules list` or an explanation names it")
    one.set_defaults(run=_rules_show)
    two = actions.add_parser("diff", help="where two policies part")
    two.add_argument("first", metavar="POLICY")
    two.add_argument("second", metavar="POLICY")
    two.set_defaults(run=_rules_diff)
    trying = actions.add_parser(
        "try",
        help="which rules something given meets, and why each other one fell away",
        description=_TRY_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    trying.add_argument(
        "given", nargs="+", metavar="TEXT", help="an administration, in the notation of cases"
    )
    trying.add_argument(
        "--policy", metavar="NAME", default="", help="default: the site's default policy"
    )
    trying.add_argument("--diagnosis", metavar="CODE", default="", help="the first diagnosis")
    trying.add_argument("--payer", metavar="NAME", default="", help="as IN1-3 names it")
    trying.add_argument(
        "--class",
        dest="patient_class",
        choices=words.words_of(words.PatientClassFact),
        default="outpatient",
        help="default: outpatient",
    )
    trying.set_defaults(run=_rules_try)
    for action in (checking, everything, one, two, trying):
        _add_rules_folder(action)


def _add_simulate(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser(
        "simulate",
        help="an invented infusion centre as HL7 files",
        description="Writes STYLE.hl7 for each style of sender and truth.json, what really "
        "happened. All patients are invented. The same seed gives the same bytes.",
    )
    verb.add_argument("--visits", type=_count, required=True, metavar="N", help="how many visits")
    verb.add_argument("--seed", type=int, required=True, metavar="S", help="any whole number")
    verb.add_argument(
        "--style",
        choices=("standard", "action-stream", "mixed"),
        default="mixed",
        help="default: mixed",
    )
    verb.add_argument(
        "--mess",
        type=_share,
        default=0.0,
        metavar="0..1",
        help="how much goes wrong: duplicates, disorder, corrections, missing stops, merges "
        "(default: 0)",
    )
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    verb.set_defaults(run=_simulate)


def _add_live(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """The live service; its settings come from the environment (docs/configuration.md)."""
    capture = verbs.add_parser("capture", help="consume HL7 from Kafka, announce drafts")
    capture.set_defaults(run=_live("capture.program", lambda module, _asked: module.run))
    gateway = verbs.add_parser("gateway", help="listen for HL7 over MLLP and put it into Kafka")
    gateway.set_defaults(run=_live("gateway.program", lambda module, _asked: module.run))
    serve = verbs.add_parser(
        "serve",
        help="one process, no server: MLLP in, a ledger, events to a file or the terminal",
        description="Listens for HL7 over MLLP, keeps it in the ledger and writes drafts and "
        "questions.",
    )
    serve.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="append JSON lines to it (default: standard output)",
    )
    serve.set_defaults(run=_live("serve.program", lambda module, asked: module.serve(asked.out)))
    config = verbs.add_parser("config", help="the settings of the live service, secrets hidden")
    config.set_defaults(
        run=_live("operate.ledger", lambda module, _asked: module.show_configuration)
    )
    topics = verbs.add_parser("topics", help="Kafka topics").add_subparsers(
        metavar="ACTION", required=True
    )
    create = topics.add_parser("create", help="create the topics that are missing")
    create.add_argument("--partitions", type=_count, default=48, metavar="N", help="default: 48")
    create.add_argument("--replication", type=_count, default=3, metavar="N", help="default: 3")
    create.set_defaults(
        run=_live(
            "operate.topics",
            lambda module, asked: module.create_topics(asked.partitions, asked.replication),
        )
    )
    ledger = verbs.add_parser("ledger", help="the ledger's schema").add_subparsers(
        metavar="ACTION", required=True
    )
    migrate = ledger.add_parser("migrate", help="bring the ledger to the newest schema")
    migrate.set_defaults(run=_live("operate.ledger", lambda module, _asked: module.migrate))
    _add_parked(verbs)


def _add_parked(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    actions = verbs.add_parser("parked", help="messages that could not be used").add_subparsers(
        metavar="ACTION", required=True
    )
    every = actions.add_parser("list", help="a line each, with its reason")
    every.set_defaults(run=_live("operate.parked", lambda module, _asked: module.parked_list))
    for name, text in (
        ("show", "one message in full: it holds patient data"),
        ("retry", "send one through the inbound topic again"),
        ("drop", "wait for it no more; it stays in the ledger"),
    ):
        one = actions.add_parser(name, help=text)
        one.add_argument("id", type=_count, metavar="ID", help="as `parked list` shows it")
        one.set_defaults(run=_live("operate.parked", _PARKED[name]))


_Work = Callable[[ModuleType, argparse.Namespace], object]
_PARKED: dict[str, _Work] = {
    "show": lambda module, asked: module.parked_show(asked.id),
    "retry": lambda module, asked: module.parked_retry(asked.id),
    "drop": lambda module, asked: module.parked_drop(asked.id),
}


def _live(module: str, work: _Work) -> Callable[[argparse.Namespace], int]:
    """Work of the live service, with the settings. Kafka and databases take a second to import."""

    def run(asked: argparse.Namespace) -> int:
        running = import_module("chargeline.operate.running")
        return int(running.with_settings(work(import_module(f"chargeline.{module}"), asked)))

    return run


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}")
    return share


# ------------------------------------------------------------------ the verbs


def _rulebook(asked: argparse.Namespace) -> tuple[Rulebook, Path]:
    folder = rules_directory(asked.rules)
    return load_rulebook(folder, getattr(asked, "formulary", None)), folder


def _coded(asked: argparse.Namespace) -> tuple[Run, Rulebook]:
    rulebook, folder = _rulebook(asked)
    _refuse_unknown_policy(asked.policy, rulebook)
    profile = make_profile(read_interface(folder, asked.interface))
    return _run(list(read_feed(asked.paths)), rulebook, profile, asked.policy), rulebook


def _refuse_unknown_policy(name: str, rulebook: Rulebook) -> None:
    if name and name not in rulebook.policies:
        raise RulebookError(_unknown("--policy", ", ".join(sorted(rulebook.policies)), name))


def _run(files: list[FeedFile], rulebook: Rulebook, profile: Profile, policy: str) -> Run:
    """The run, with a progress bar on a terminal where it takes long."""
    assembly = Assembly(rulebook, profile, policy)
    size = sum(len(file.data) for file in files)
    if size < PROGRESS_FROM_BYTES or not sys.stderr.isatty():
        for file in files:
            assembly.add(file)
        return assembly.finish()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=sum(file.data.count(b"MSH") for file in files))
        for file in files:
            assembly.add(file, lambda: progress.advance(task))
        progress.update(task, description="drafting", total=None)
        return assembly.finish()


def _exit_code(run: Run) -> int:
    return SET_ASIDE if run.set_aside else OK


def _code(asked: argparse.Namespace) -> int:
    run, rulebook = _coded(asked)
    if asked.json:
        for record in encounter_records(run, rulebook.version):
            sys.stdout.write(record.model_dump_json() + "\n")
    else:
        width = None if sys.stdout.isatty() else 140
        print_run(_Page(width=width, highlight=False, emoji=False), run, rulebook.formulary)
    return _exit_code(run)


def _explain(asked: argparse.Namespace) -> int:
    run, rulebook = _coded(asked)
    found = False
    for text in explanations(run, rulebook, asked.visit, asked.line):
        found = True
        print(text)
    if not found and (asked.visit or asked.line):
        what = f"line {asked.line}" if asked.line else f"visit {asked.visit}"
        return _wrong(_not_found(f"{what} in the drafts of this feed", "none", "see `code --json`"))
    return _exit_code(run)


def _rules_check(asked: argparse.Namespace) -> int:
    rulebook, folder = _rulebook(asked)
    checked = check(rulebook, folder)
    for note in checked.notes:
        print(f"note: {note}")
    for mistake in checked.mistakes:
        print(mistake)
    print(checked.summary)
    return WRONG_USE if checked.mistakes else OK


def _rules_list(asked: argparse.Namespace) -> int:
    for line in listing(_rulebook(asked)[0]):
        print(line)
    return OK


def _rules_show(asked: argparse.Namespace) -> int:
    try:
        lines = show(_rulebook(asked)[0], asked.id)
    except KeyError:
        return _wrong(_not_found("the id of a rule", repr(asked.id), "see `chargeline rules list`"))
    print("\n".join(lines))
    return OK


def _rules_try(asked: argparse.Namespace) -> int:
    rulebook = _rulebook(asked)[0]
    _refuse_unknown_policy(asked.policy, rulebook)
    context = VisitContext(
        classes=((None, asked.patient_class),),
        payer=asked.payer,
        diagnoses=(asked.diagnosis,) if asked.diagnosis else (),
    )
    try:
        lines = list(tried(asked.given, rulebook, asked.policy, context))
    except ValueError as error:
        return _wrong(str(_not_in_notation(error)))
    print("\n".join(lines))
    return OK


def _not_in_notation(error: ValueError) -> Finding:
    return Finding(
        "rules.case",
        expected="the notation of rules/README.md",
        found=str(error),
        where="TEXT",
        do='write it like "pembrolizumab 200 mg iv 09:00-09:30"',
    )


def _rules_diff(asked: argparse.Namespace) -> int:
    rulebook = _rulebook(asked)[0]
    for name in (asked.first, asked.second):
        if name not in rulebook.policies:
            raise RulebookError(_unknown("policy", ", ".join(sorted(rulebook.policies)), name))
    print("\n".join(difference(rulebook, asked.first, asked.second)))
    return OK


def _simulate(asked: argparse.Namespace) -> int:
    feed = simulate(visits=asked.visits, seed=asked.seed, style=asked.style, mess=asked.mess)
    write_feed(feed, asked.out)
    styles = sorted({style for style, _message in feed.messages})
    print(f"{len(feed.messages)} messages of {asked.visits} visits in {asked.out}:")
    for style in styles:
        print(f"  chargeline code {asked.out / style}.hl7 --interface {style}")
    print(f"  {asked.out / 'truth.json'} holds what really happened")
    return OK


def _unknown(what: str, known: str, found: str) -> Finding:
    return Finding(
        "rules.choice",
        expected=f"one of {known}",
        found=repr(found),
        where=what,
        do="choose one of them",
    )


if __name__ == "__main__":
    sys.exit(main())
