"""`chargeline visit show`: a visit of the live service, as a page, with its reasons, or as JSON.

It owns the arguments of this verb and the lines above the page. The page and the reasons are those
of `chargeline code` and `chargeline explain`; what the ledger has of a visit, `operate/visits.py`
finds.
"""

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

from chargeline.cli.arguments import Verbs
from chargeline.cli.ending import OK, not_found, wrong_use
from chargeline.cli.paper import page
from chargeline.coding.explaining import reasons_of
from chargeline.coding.page import print_visit
from chargeline.coding.run import CodedVisit
from chargeline.engine import printable

if (
    TYPE_CHECKING
):  # the ledger's libraries take a second to import, and `chargeline code` needs none
    from chargeline.operate.visits import LedgerVisit, LedgerVisits
    from chargeline.settings import Settings

_HELP = """\
Prints a visit of the live service from its ledger: where it stands, and its draft as a page. The
draft is made of the messages that the ledger keeps, with the rules and the interface of the
settings; the page says if the last revision that was published says something else.
"""


def add_visit(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `visit`."""
    actions = verbs.add_parser(
        "visit",
        help="show a visit of the live service",
        description="Works on the visits of the ledger (CHARGELINE_LEDGER_URL).",
    ).add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser(
        "show",
        help="print a visit's draft from the ledger",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    show.add_argument("visit", metavar="VISIT", help="the visit number, as the sender writes it")
    show.add_argument(
        "--facility",
        metavar="NAME",
        default="",
        help="the facility, where several have a visit of this number",
    )
    how = show.add_mutually_exclusive_group()
    how.add_argument(
        "--explain", action="store_true", help="print below the page why each line is there"
    )
    how.add_argument(
        "--json",
        action="store_true",
        help="print the last revision as it was published (schemas/charge.draft.schema.json)",
    )
    show.set_defaults(run=_show)


def _show(asked: argparse.Namespace) -> int:
    running = import_module("chargeline.operate.running")
    look = import_module("chargeline.operate.visits")

    async def work(settings: "Settings") -> int:
        numbered: LedgerVisits = await look.visits_of(settings, asked.visit, asked.facility)
        if not numbered.visits:
            do = "check the number, or look whether its messages are parked: chargeline parked list"
            return wrong_use(not_found(f"visit {asked.visit} in the ledger", "none", do))
        code = OK
        for visit in numbered.visits:
            if asked.json:
                _print_json(visit)
            else:
                _print_page(visit, numbered, explain=asked.explain)
        closed = [visit.unreadable for visit in numbered.visits if visit.unreadable is not None]
        for finding in closed:
            code = int(running.say(str(finding), running.FAILED))
        return code

    return int(running.with_settings(work))


def _print_json(visit: "LedgerVisit") -> None:
    if visit.published:
        print(visit.published)


def _print_page(visit: "LedgerVisit", numbered: "LedgerVisits", *, explain: bool) -> None:
    print("\n".join(map(printable, _standing(visit))))
    if visit.timeline is None or visit.draft is None:
        return
    coded = CodedVisit(visit.timeline, visit.draft, visit.history)
    print_visit(page(), coded, numbered.rulebook)
    if explain:
        print("\n".join(reasons_of(coded, numbered.rulebook)))


def _standing(visit: "LedgerVisit") -> list[str]:
    """Where the visit stands, a sentence a line."""
    row, revision = visit.row, visit.revision
    head = f"{row.facility} {row.visit}: {row.status}"
    lines = [f"{head}, no revision yet"]
    if revision is not None:
        when = revision.created_at.isoformat(sep=" ", timespec="minutes")
        lines = [f"{head}, revision {revision.revision} of {when}, rulebook {revision.rulebook}"]
    gone = row.status == "forgotten"
    said = {
        f"merged into {visit.survivor.visit}": row.status == "merged",
        "its messages were removed, after CHARGELINE_RETENTION_DAYS or by `ledger forget`": gone,
        "a message came after that, and a person is asked about it": gone and row.incomplete,
        "incomplete: a message of it is parked or was not read whole": row.incomplete and not gone,
        "a row of it cannot be read, so it cannot be drafted": visit.unreadable is not None,
        "new messages came; it is drafted again soon": row.settle_due is not None,
        "the draft below comes out another way than that revision": not visit.as_published,
    }
    return lines + [f"  {sentence}" for sentence, so in said.items() if so]
