"""`chargeline`: the command line.

This file owns the general help and `main`, which runs one verb and turns its errors into one line
on standard error and an exit code. Each other file of this folder owns the arguments and the
output of some verbs: drafts.py (code, explain), balance.py, answers.py (questions, answer, line),
interfaces.py (survey, send), rules.py, refdata.py, simulation.py, live.py (the live service),
visits.py (what the ledger has of a visit), authorizations.py (auth), audit.py (who did what) and
tokens.py (programs that use the API).
Each option is given once (parser.py). The command line decides nothing about charges: it hands
files and settings to the programs and prints what they return.
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from chargeline.cli import (
    answers,
    audit,
    authorizations,
    balance,
    drafts,
    interfaces,
    live,
    refdata,
    rules,
    simulation,
    tokens,
    typed,
    visits,
)
from chargeline.cli.ending import INTERRUPTED, OK, WRONG_USE, wrong_use
from chargeline.cli.parser import OnceParser
from chargeline.engine import FindingError
from chargeline.files import unreadable
from chargeline.version import VERSION

_DESCRIPTION = """\
Chargeline reads a hospital's HL7 v2 medication messages and drafts the charges of each visit.
Each charge line says why it is there.
"""
_EXAMPLES = """\
examples:
  chargeline simulate --visits 20 --seed 1 --out /tmp/feed    invent a feed of 20 visits
  chargeline code /tmp/feed/standard.hl7                      draft its charges, as a page
  chargeline code - --json < feed.hl7                         the same as JSON
  chargeline code feed/ --interface action-stream --policy cms-facility-2026
  chargeline explain feed.hl7 --visit V100001                 why each line is there
  chargeline balance feed/ --from 2026-03-01 --to 2026-03-31  dispensed, given, discarded, billed
  chargeline survey /tmp/feed/standard.hl7                    what the sender writes, counted
  chargeline rules diff guide-2026 cms-facility-2026          how two policies differ
  chargeline rules try "pembrolizumab 200 mg iv 09:00-09:30"  which rules decide a case
  chargeline try "carboplatin 450 mg iv 09:00-10:30"          draft a visit that you type

exit codes:
  0  done; all messages were read
  1  a program of the live service failed, and a person must look at it
  2  wrong use: a mistake in the arguments, the settings or the rules
  3  the drafts are made, but some messages were set aside; they are listed

`chargeline VERB --help` explains a verb. The settings of the live service are environment
variables; `chargeline config` lists them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code. Without arguments, those of the process are used."""
    # Records live as long as the run and form no cycles. The garbage collector would find nothing
    # to free and would cost a sixth of the time.
    gc.disable()
    parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help(sys.stderr)
        return WRONG_USE
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an output of Latin-1 has no bars
    try:
        try:
            asked = parser.parse_args(arguments)  # --help prints, and ends the program
            code = asked.run(asked)
        finally:
            sys.stdout.flush()
        return int(code)
    except KeyboardInterrupt:
        print("chargeline: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The program that reads our output (head, less) has ended. Python would write the rest of
        # the output when it exits, and fail; so the rest goes to the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except FindingError as error:
        return wrong_use(str(error))
    except OSError as error:
        return wrong_use(str(unreadable(error)))


def _parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; `run` of what it parses is the work of the verb."""
    parser: argparse.ArgumentParser = OnceParser(
        prog="chargeline",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"chargeline {VERSION}", help="print the version"
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    drafts.add_code(verbs)
    drafts.add_explain(verbs)
    typed.add_try(verbs)
    balance.add_balance(verbs)
    answers.add_answering(verbs)
    rules.add_rules(verbs)
    refdata.add_refdata(verbs)
    interfaces.add_interfaces(verbs)
    simulation.add_simulate(verbs)
    live.add_live(verbs)
    visits.add_visit(verbs)
    authorizations.add_auth(verbs)
    audit.add_audit(verbs)
    tokens.add_tokens(verbs)
    return parser
