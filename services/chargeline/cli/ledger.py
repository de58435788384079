"""The verbs of the ledger: migrate, status, verify, head, the keys, and `cli/forgetting.py`'s.

It owns their arguments and their help. The settings come from the environment.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from chargeline.cli.arguments import Verbs, add_actor, moment
from chargeline.cli.forgetting import add_forgetting
from chargeline.cli.on_demand import on_demand


def add_ledger(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb and its actions."""
    ledger = verbs.add_parser(
        "ledger",
        help="create or update the tables of the ledger, or count what it holds",
        description="Works on the ledger, the database of the live service "
        "(CHARGELINE_LEDGER_URL).",
    ).add_subparsers(title="actions", metavar="ACTION", required=True)
    migrate = ledger.add_parser(
        "migrate",
        help="create the tables, or bring them to the newest schema",
        description="Creates the tables of the ledger, or brings them to the newest schema. Run "
        "this before the programs of a newer chargeline start.",
    )
    add_actor(migrate)
    migrate.set_defaults(
        run=on_demand(
            "operate.ledger",
            lambda module, asked: module.migrate(who=asked.who, why=asked.reason),
        )
    )
    add_forgetting(ledger)
    status = ledger.add_parser(
        "status",
        help="print the version of the tables, and how much the ledger holds",
        description="Prints the version of the tables, and counts visits, open questions, parked "
        "messages and events that wait to be published. No patient is named.",
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.set_defaults(
        run=on_demand("operate.ledger", lambda module, asked: module.status(as_json=asked.json))
    )
    _add_verify(ledger)
    _add_head(ledger)
    _add_key_id(ledger)
    for name, (short, long) in _WITH_REASON.items():
        verb = ledger.add_parser(name, help=short, description=long)
        add_actor(verb, reason=True)
        verb.set_defaults(run=on_demand(_MODULES.get(name, "operate.ledger"), _with_reason(name)))


def _add_verify(ledger: "Verbs[argparse.ArgumentParser]") -> None:
    verify = ledger.add_parser(
        "verify",
        help="look whether the ledger is as it was written",
        description="Walks over the audit trail, messages, parked messages, answers and the "
        "revisions of drafts, and names the first row of each that was changed, removed or added "
        "from outside. The exit code is 1 if there is one. Programs may go on meanwhile.",
    )
    verify.add_argument("--json", action="store_true", help="print a JSON object for each table")
    verify.add_argument(
        "--head",
        metavar="FILE",
        type=Path,
        help="heads that were kept elsewhere: what `ledger head --sign` printed, or lines of the "
        "log; a ledger that was cut back since is found",
    )
    verify.add_argument(
        "--as-of",
        metavar="TIME",
        type=moment,
        help="the time of the backup to which the ledger was put back, such as "
        "2026-03-02T02:10:00+00:00: later heads need not hold, and are counted",
    )
    verify.add_argument(
        "--public-key", metavar="FILE", type=Path, help="the Ed25519 key of the heads, as PEM"
    )
    verifying = on_demand(
        "operate.ledger",
        lambda module, asked: module.verify(
            as_json=asked.json,
            against=asked.head and module.Against(asked.head, asked.public_key, asked.as_of),
        ),
    )

    def look(asked: argparse.Namespace) -> int:
        if (asked.head is None) != (asked.public_key is None):
            verify.error("--head and --public-key need each other")
        if asked.as_of is not None and asked.head is None:
            verify.error("--as-of needs --head: it says which of the heads must hold")
        return verifying(asked)

    verify.set_defaults(run=look)


def _add_head(ledger: "Verbs[argparse.ArgumentParser]") -> None:
    head = ledger.add_parser(
        "head",
        help="print how long the chains of the ledger are, and how they end",
        description="Prints the number of rows and the last hash of the audit trail, and of each "
        "table with seals, as a JSON object. Keep it where the owner of the ledger cannot change "
        "it: `ledger verify --head` then finds a ledger that was cut back. The programs log it "
        "once an hour.",
    )
    head.add_argument(
        "--sign", action="store_true", help="sign it with the key of CHARGELINE_SIGNING_KEY_FILE"
    )
    head.set_defaults(
        run=on_demand("operate.ledger", lambda module, asked: module.head(sign=asked.sign))
    )


def _add_key_id(ledger: "Verbs[argparse.ArgumentParser]") -> None:
    key_id = ledger.add_parser(
        "key-id",
        help="print the ids of the keys in a key file",
        description="Prints the id of each key, the newest first. A ledger that asks for a key "
        "names it by this id, and so does `ledger rotate`. An id is no secret.",
    )
    key_id.add_argument(
        "--file",
        metavar="FILE",
        type=Path,
        help="a key file (default: the keys of CHARGELINE_LEDGER_KEY_FILE or of "
        "CHARGELINE_LEDGER_KEY_COMMAND)",
    )
    key_id.set_defaults(
        run=on_demand("operate.ledger", lambda module, asked: module.key_id(asked.file))
    )


_MODULES = {"catch-up": "operate.catching_up"}
_WITH_REASON = {
    "catch-up": (
        "add the revisions that Kafka has and a restored ledger lacks",
        "After the ledger was restored from a backup, and before the programs start: reads the "
        "topic of the drafts, and adds each revision that was published since the backup. So the "
        "next revision of a visit goes on from the last one that billing has.",
    ),
    "rotate": (
        "wrap the data keys with a new key",
        "Wraps all data keys with the newest key, the first one of CHARGELINE_LEDGER_KEY_FILE or "
        "of what CHARGELINE_LEDGER_KEY_COMMAND prints. The old key must still stand below it; "
        "afterwards it can be removed. No message is encrypted again.",
    ),
    "encrypt": (
        "encrypt the messages that were stored in the clear",
        "Encrypts the messages and parked messages that were stored before there was a key. "
        "Programs may go on meanwhile. A second run goes on where the first was interrupted.",
    ),
}


def _with_reason(name: str) -> Callable[[ModuleType, argparse.Namespace], object]:
    action = name.replace("-", "_")
    return lambda module, asked: getattr(module, action)(who=asked.who, why=asked.reason)
