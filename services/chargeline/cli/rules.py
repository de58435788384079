"""`chargeline rules`: check, list, show, compare and try the rules.

It owns the arguments of these verbs. What they print is written in coding/rules_pages.py and
rulebook/trying.py.
"""

import argparse

from chargeline.cli.arguments import Verbs, add_formulary, add_rules_folder, loaded_rules
from chargeline.cli.ending import OK, WRONG_USE, not_found, wrong_use
from chargeline.cli.paper import page
from chargeline.cli.typed import add_typed_visit, typed_visit
from chargeline.coding.rules_pages import check, difference, listing, show
from chargeline.rulebook.loading import refuse_unknown_policy
from chargeline.rulebook.trying import tried
from chargeline.rulebook.typed import NotationError

_CHECK_HELP = """\
Looks for facts that no rule decides, facts that two rules decide differently, cases that fail,
answers that no case tests, and mistakes in the interface profiles. The exit code is 0 if there is
no mistake, else 2.
"""
_TRY_HELP = """\
Drafts the charges of what was given and shows how the rules were applied. For each question that
was put to the rules it prints the facts, the rule that decided, and for each other rule the
condition that did not hold.

  chargeline rules try "pembrolizumab 200 mg iv 09:00-09:30"
  chargeline rules try "ondansetron 8 mg iv push 09:00" "carboplatin 450 mg iv 09:10-10:10"
"""


def add_rules(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `rules` with its actions."""
    verb = verbs.add_parser(
        "rules",
        help="check, list, show, compare or try the rules",
        description="Works on the rules that decide the charges. A site may bring rules of its own "
        "with --rules.",
    )
    actions = verb.add_subparsers(title="actions", metavar="ACTION", required=True)
    checking = actions.add_parser(
        "check",
        help="find mistakes in the rules, and cases that fail",
        description=_CHECK_HELP,
    )
    add_formulary(checking)
    checking.set_defaults(run=_check)
    everything = actions.add_parser(
        "list",
        help="print all rules, one on a line",
        description="Prints each rule on a line: its id, the folder that it comes from (base or a "
        "policy), what it decides, and why.",
    )
    everything.set_defaults(run=_list)
    one = actions.add_parser(
        "show",
        help="print one rule in full",
        description="Prints one rule in full: its dates, conditions, answer, sources, and the "
        "rules that it overrides or that override it.",
    )
    one.add_argument(
        "id", metavar="ID", help="the id of the rule, as `chargeline rules list` prints it"
    )
    one.set_defaults(run=_show)
    two = actions.add_parser(
        "diff",
        help="print how two policies differ",
        description="Prints the rules that one of two policies has and the other has not.",
    )
    two.add_argument("first", metavar="POLICY", help="a policy, such as guide-2026")
    two.add_argument("second", metavar="POLICY", help="another, such as cms-facility-2026")
    two.set_defaults(run=_diff)
    trying = _add_try(actions)
    for action in (checking, everything, one, two, trying):
        add_rules_folder(action)


def _add_try(actions: "Verbs[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    trying = actions.add_parser(
        "try",
        help="show which rules decide something that was given",
        description=_TRY_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    trying.add_argument(
        "given",
        nargs="+",
        metavar="TEXT",
        help="one administration: drug, dose, route and times, as in a case (rules/README.md)",
    )
    add_typed_visit(trying)
    trying.set_defaults(run=_try)
    return trying


def _check(asked: argparse.Namespace) -> int:
    rulebook, folder = loaded_rules(asked)
    checked = check(rulebook, folder)
    for note in checked.notes:
        print(f"note: {note}")
    for mistake in checked.mistakes:
        print(mistake)
    print(checked.summary)
    return WRONG_USE if checked.mistakes else OK


def _list(asked: argparse.Namespace) -> int:
    for line in listing(loaded_rules(asked)[0], page().width):
        print(line)
    return OK


def _show(asked: argparse.Namespace) -> int:
    try:
        lines = show(loaded_rules(asked)[0], asked.id)
    except KeyError:
        return wrong_use(
            not_found("the id of a rule", repr(asked.id), "see `chargeline rules list`")
        )
    print("\n".join(lines))
    return OK


def _diff(asked: argparse.Namespace) -> int:
    rulebook = loaded_rules(asked)[0]
    for name in (asked.first, asked.second):
        refuse_unknown_policy(name, rulebook, where="policy")
    print("\n".join(difference(rulebook, asked.first, asked.second)))
    return OK


def _try(asked: argparse.Namespace) -> int:
    rulebook = loaded_rules(asked)[0]
    if asked.policy:
        refuse_unknown_policy(asked.policy, rulebook, where="--policy")
    try:
        lines = list(tried(typed_visit(asked), rulebook, asked.policy))
    except NotationError as error:
        return wrong_use(str(error))
    print("\n".join(lines))
    return OK
