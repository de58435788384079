"""The verbs `ledger forget`, `hold`, `release` and `holds`: their arguments and their help.

It owns how a visit or a patient is named on the command line. It does not know what belongs to one.
"""

import argparse
from collections.abc import Callable
from types import ModuleType

from chargeline.cli.arguments import Verbs, add_actor
from chargeline.cli.on_demand import on_demand

_VERBS = {
    "forget": (
        "remove all that the ledger has of one visit or patient",
        "Removes all that the ledger has of one visit or patient, in one transaction, and prints "
        "how many rows of each table went. What is on hold is not removed. The topics of Kafka, "
        "the output of `serve` and backups are left: see docs/data.md. A row that does not open "
        "cannot be searched for a patient: it is left and named, and the command ends with 3.",
    ),
    "hold": (
        "keep one visit or patient beyond its days (legal hold)",
        "Keeps all that the ledger has of one visit or patient, of a patient also what comes "
        "later: retention and `ledger forget` leave it alone until it is released. If the ledger "
        "has nothing under the number now, the hold stands all the same and the exit code is 1.",
    ),
    "release": (
        "end a hold",
        "Ends the hold of one visit or patient: it has its usual days again. After a merge any of "
        "its numbers will do.",
    ),
}


def add_forgetting(actions: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the four verbs."""
    for name, (short, long) in _VERBS.items():
        verb = actions.add_parser(name, help=short, description=long)
        which = verb.add_mutually_exclusive_group(required=True)
        which.add_argument("--visit", type=_pair, metavar="FACILITY|VISIT", help="which visit")
        which.add_argument("--patient", type=_pair, metavar="FACILITY|MRN", help="which patient")
        add_actor(verb, reason=True)
        verb.set_defaults(run=on_demand("operate.forgetting", _work(name)))
    _add_holds(actions)


def _add_holds(actions: "Verbs[argparse.ArgumentParser]") -> None:
    holds = actions.add_parser(
        "holds",
        help="list what is held",
        description="Lists each hold: since when, of which visit or patient, by whom and why, and "
        "what the ledger has of it. The numbers of patients are shown with X for each letter and 9 "
        "for each digit; `record` names the hold in `chargeline audit`. A visit of a held patient "
        "that came later is held, and is counted as soon as its days are over.",
    )
    holds.add_argument(
        "--unmask",
        action="store_true",
        help="show the numbers of patients too; needs --reason, and is audited",
    )
    holds.add_argument("--json", action="store_true", help="print a JSON object for each hold")
    add_actor(holds)
    listing = on_demand(
        "operate.forgetting",
        lambda module, asked: module.holds(
            unmask=asked.unmask, as_json=asked.json, who=asked.who, why=asked.reason
        ),
    )

    def look(asked: argparse.Namespace) -> int:
        if asked.unmask and not asked.reason.strip():
            holds.error("--unmask needs --reason TEXT")
        return listing(asked)

    holds.set_defaults(run=look)


def _work(name: str) -> Callable[[ModuleType, argparse.Namespace], object]:
    def work(module: ModuleType, asked: argparse.Namespace) -> object:
        whose = module.Whose(*_whose(asked))
        return getattr(module, name)(whose, who=asked.who, why=asked.reason)

    return work


def _whose(asked: argparse.Namespace) -> tuple[str, str, str]:
    kind = "visit" if asked.visit else "patient"
    return (kind, *(asked.visit or asked.patient))


def _pair(text: str) -> tuple[str, str]:
    """A facility and a number; the facility may be empty."""
    facility, bar, number = text.partition("|")
    if not bar or not number:
        raise argparse.ArgumentTypeError("expected FACILITY|NUMBER, such as 'ZEBRA|V100002'")
    return facility, number
