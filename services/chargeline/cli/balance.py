"""`chargeline balance`: whether what was dispensed was given, discarded and billed.

It owns the arguments of this verb. What a row holds and what explains it is decided in the package
`coding`.
"""

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from chargeline.cli.arguments import Verbs, add_feed_arguments, day
from chargeline.cli.drafts import coded
from chargeline.cli.ending import OK, SET_ASIDE, not_found, wrong_use
from chargeline.cli.paper import page
from chargeline.coding.balance import Balance, Period
from chargeline.coding.balance_page import balance_as_csv, balance_as_json, print_balance
from chargeline.engine import Formulary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chargeline.drafting.answering import DraftedVisit
    from chargeline.ledger.errors import UnreadableRow

_HELP = """\
Prints a row for each drug, NDC, nursing unit and day: what was dispensed (RDS, else RGV), given and
discarded (RAS), and what is billed, all in the drug's unit. Where nothing was dispensed, "-"
stands, and what was given and discarded is compared with what is billed. Each difference says why:
a rule withheld it, a question asks about it, it was rounded. What nothing explains is counted in
the last line; it is no error of the program, and the exit code stays 0.
"""


_OF_FEEDS = ("answers", "policy", "formulary", "refdata", "rules")


def add_balance(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `balance`."""
    verb = verbs.add_parser(
        "balance",
        help="compare what was dispensed, given, discarded and billed",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_feed_arguments(verb, required=False)
    verb.add_argument(
        "--ledger",
        action="store_true",
        help="the visits of the ledger, as its settings and rules draft them now, in place of PATH",
    )
    verb.add_argument(
        "--from", dest="first", metavar="DAY", type=day, help="the first day, as YYYY-MM-DD"
    )
    verb.add_argument(
        "--to", dest="last", metavar="DAY", type=day, help="the last day, which counts too"
    )
    verb.add_argument(
        "--period", action="store_true", help="one row for the whole period in place of each day"
    )
    shape = verb.add_mutually_exclusive_group()
    shape.add_argument("--csv", action="store_true", help="print CSV")
    shape.add_argument("--json", action="store_true", help="print JSON lines, one object a row")
    verb.set_defaults(run=_balance)


def _balance(asked: argparse.Namespace) -> int:
    if bool(asked.paths) == asked.ledger:
        do = "name a file or folder, or say --ledger"
        return wrong_use(not_found("a feed, or the ledger", "both" if asked.ledger else "none", do))
    if asked.first and asked.last and asked.first > asked.last:
        expected, found = f"--to on or after --from {asked.first}", f"--to {asked.last}"
        return wrong_use(not_found(expected, found, "name the first day first"))
    if not asked.ledger:
        return _of_feed(asked)
    of_feed = [name for name in _OF_FEEDS if getattr(asked, name)]
    if of_feed:
        do = "leave it out: the settings of the service say with which rules its ledger is drafted"
        return wrong_use(not_found("--ledger alone", f"--{of_feed[0]} beside it", do))
    return _of_ledger(asked)


def _of_feed(asked: argparse.Namespace) -> int:
    run, rulebook = coded(asked)
    kept = _begun(asked, rulebook.formulary)
    for visit in run.visits:
        kept.add(visit.timeline, visit.draft)
    _print(asked, kept)
    if not run.set_aside:
        return OK
    _say_missing(len(run.set_aside), "set aside", "code")
    return SET_ASIDE


def _of_ledger(asked: argparse.Namespace) -> int:
    running = import_module("chargeline.operate.running")
    balancing = import_module("chargeline.operate.balancing")
    left_out = import_module("chargeline.operate.left_out")
    kept: list[Balance] = []
    missing: list[tuple[int, Sequence[UnreadableRow]]] = []

    def begin(formulary: Formulary) -> "Callable[[DraftedVisit], None]":
        kept.append(_begun(asked, formulary))
        return lambda visit: kept[0].add(visit.timeline, visit.draft)

    def end(parked: int, unreadable: "Sequence[UnreadableRow]") -> None:
        missing.append((parked, unreadable))

    code = int(running.with_settings(balancing.each_visit(begin, end)))
    if code != OK:
        return code
    _print(asked, kept[0])
    ((parked, unreadable),) = missing
    code = int(left_out.say_left_out(unreadable))
    if not parked:
        return code
    _say_missing(parked, "parked", "parked list")
    return SET_ASIDE


def _begun(asked: argparse.Namespace, formulary: Formulary) -> Balance:
    return Balance(formulary, Period(asked.first, asked.last), by_day=not asked.period)


def _print(asked: argparse.Namespace, kept: Balance) -> None:
    rows = kept.rows()
    if asked.csv:
        sys.stdout.write(balance_as_csv(rows))
    elif asked.json:
        sys.stdout.writelines(f"{line}\n" for line in balance_as_json(rows))
    else:
        print_balance(page(), rows)


def _say_missing(count: int, what: str, verb: str) -> None:
    print(
        f"chargeline: {count} {what} and missing here; `chargeline {verb}` lists them",
        file=sys.stderr,
    )
