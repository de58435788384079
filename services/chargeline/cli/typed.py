"""`chargeline try`: a visit typed by hand, drafted and explained as if it had come in messages.

It owns the arguments of this verb. The notation is that of cases (rules/README.md), and the page is
that of `chargeline code`.
"""

import argparse
from datetime import date

from chargeline.cli.arguments import Verbs, add_rules_folder, loaded_rules
from chargeline.cli.ending import OK, wrong_use
from chargeline.cli.paper import page
from chargeline.coding.explaining import reasons_of
from chargeline.coding.page import print_visit
from chargeline.coding.records import encounter_records
from chargeline.coding.run import CodedVisit, Run
from chargeline.engine import draft, words
from chargeline.rulebook.loading import refuse_unknown_policy
from chargeline.rulebook.notation import FIRST_DAY
from chargeline.rulebook.typed import NotationError, TypedVisit, typed_timeline

_HELP = """\
Drafts a visit that you type, with the same rules as a feed: lines, why, what other policies give.
Nothing is kept. Each text is one administration: drug, dose, route and times.

  chargeline try "carboplatin 450 mg iv 09:00-10:30" "ondansetron 8 mg iv push 08:50"
  chargeline try "pembrolizumab 200 mg iv 09:00-09:30" --policy cms-facility-2026 --explain

`chargeline rules try` shows in full how each rule was applied.
"""


def add_try(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `try`."""
    trying = verbs.add_parser(
        "try",
        help="draft a visit that you type",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    trying.add_argument("given", nargs="+", metavar="TEXT", help="one administration")
    add_typed_visit(trying)
    trying.add_argument(
        "--day",
        metavar="DATE",
        type=date.fromisoformat,
        default=FIRST_DAY,
        help=f"the first day of service, such as {FIRST_DAY} (default)",
    )
    how = trying.add_mutually_exclusive_group()
    how.add_argument("--explain", action="store_true", help="print below why each line is there")
    how.add_argument("--json", action="store_true", help="print what `code --json` prints")
    add_rules_folder(trying)
    trying.set_defaults(run=_try)


def add_typed_visit(verb: argparse.ArgumentParser) -> None:
    """Add what a visit that is typed is beside its administrations."""
    verb.add_argument(
        "--policy",
        metavar="NAME",
        default="",
        help="the policy to draft under (default: that of the payer, by payers.toml)",
    )
    verb.add_argument(
        "--diagnosis", metavar="CODE", default="", help="the first diagnosis of the visit"
    )
    verb.add_argument(
        "--payer", metavar="NAME", default="", help="the payer of the visit, as IN1-3 writes it"
    )
    verb.add_argument(
        "--class",
        dest="patient_class",
        choices=words.words_of(words.PatientClassFact),
        default="outpatient",
        help="the patient class of the visit (default: outpatient)",
    )


def typed_visit(asked: argparse.Namespace) -> TypedVisit:
    """The visit of such arguments, on the first day of cases."""
    return TypedVisit(
        given=asked.given,
        payer=asked.payer,
        diagnosis=asked.diagnosis,
        patient_class=asked.patient_class,
    )


def _try(asked: argparse.Namespace) -> int:
    rulebook, _folder = loaded_rules(asked)
    if asked.policy:
        refuse_unknown_policy(asked.policy, rulebook, where="--policy")
    typed = typed_visit(asked)._replace(day=asked.day)
    try:
        timeline = typed_timeline(typed)
    except NotationError as error:
        return wrong_use(str(error))
    coded = CodedVisit(timeline, draft(timeline, rulebook, policy=asked.policy))
    if asked.json:
        run = Run((coded,), read=0, used=0, duplicates=0, set_aside=(), titles=rulebook.sources)
        for record in encounter_records(run, rulebook):
            print(record.model_dump_json())
        return OK
    print_visit(page(), coded, rulebook)
    if asked.explain:
        print("\n".join(reasons_of(coded, rulebook)))
    return OK
