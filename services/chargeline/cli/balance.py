"""`chargeline balance`: whether what was dispensed was given, discarded and billed.

It owns the arguments of this verb. What a row holds and what explains it is decided in the package
`coding`.
"""

import argparse
import sys

from chargeline.cli.arguments import Verbs, add_feed_arguments, day
from chargeline.cli.drafts import coded
from chargeline.cli.ending import OK, SET_ASIDE
from chargeline.cli.paper import page
from chargeline.coding.balance import Period, balance
from chargeline.coding.balance_page import balance_as_csv, balance_as_json, print_balance

_HELP = """\
Prints a row for each drug, NDC, nursing unit and day: what was dispensed (RDS, else RGV), given and
discarded (RAS), and what is billed, all in the drug's unit. Where nothing was dispensed, "-"
stands, and what was given and discarded is compared with what is billed. Each difference says why:
a rule withheld it, a question asks about it, it was rounded. What nothing explains is counted in
the last line; it is no error of the program, and the exit code stays 0.
"""


def add_balance(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `balance`."""
    verb = verbs.add_parser(
        "balance",
        help="compare what was dispensed, given, discarded and billed",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_feed_arguments(verb)
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
    run, rulebook = coded(asked)
    period = Period(asked.first, asked.last)
    rows = balance(run.visits, rulebook.formulary, period, by_day=not asked.period)
    if asked.csv:
        sys.stdout.write(balance_as_csv(rows))
    elif asked.json:
        sys.stdout.writelines(f"{line}\n" for line in balance_as_json(rows))
    else:
        print_balance(page(), rows)
    if run.set_aside:
        count = len(run.set_aside)
        print(
            f"chargeline: {count} set aside and missing here; `chargeline code` lists them",
            file=sys.stderr,
        )
    return SET_ASIDE if run.set_aside else OK
