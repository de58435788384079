"""`chargeline audit`: who did what to the ledger of the live service.

It owns the arguments of these verbs. What they print, `operate/audit.py` says.
"""

import argparse
from types import ModuleType

from chargeline.cli.arguments import Verbs
from chargeline.cli.on_demand import on_demand


def add_audit(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `audit` with its actions."""
    actions = verbs.add_parser(
        "audit",
        help="list or export who did what",
        description="Reads the audit trail of the ledger (CHARGELINE_LEDGER_URL): each act of a "
        "person and each start of a program. No act shows the content of a message.",
    ).add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        help="print each act on a line",
        description="Prints each act on a line, the oldest first: number, when, who, what, the "
        "record, and why.",
    )
    listing.add_argument("--who", metavar="NAME", default="", help="the acts of this person")
    listing.add_argument(
        "--what", metavar="ACT", default="", help="acts of this kind, such as parked.show"
    )
    listing.add_argument("--json", action="store_true", help="print a JSON object a line")
    export = actions.add_parser(
        "export",
        help="print each act as a FHIR R4 AuditEvent",
        description="Prints each act as a FHIR R4 AuditEvent, one JSON object a line (NDJSON), "
        "for the audit repository of the hospital.",
    )
    for action, work in ((listing, _list), (export, _export)):
        action.add_argument(
            "--since", metavar="TIME", default="", help="from a day or a time on, in UTC"
        )
        action.set_defaults(run=on_demand("operate.audit", work))


def _list(module: ModuleType, asked: argparse.Namespace) -> object:
    return module.audit_list(asked.since, who=asked.who, what=asked.what, as_json=asked.json)


def _export(module: ModuleType, asked: argparse.Namespace) -> object:
    return module.audit_export(asked.since)
