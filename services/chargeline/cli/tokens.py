"""`chargeline workbench-token`: tokens for programs that use the API of the workbench.

It owns the arguments of these verbs, and hands the ledger of the settings to their work. What a
token is, `workbench/tokens.py` says.
"""

import argparse
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from chargeline.cli.arguments import Verbs, add_actor
from chargeline.cli.on_demand import on_demand
from chargeline.workbench.rights import ROLES

_HELP = """\
A program asks the API of the workbench with a token (docs/workbench.md). A token has a name, under
which the audit trail has what the program looks at and says, and the roles of a person.
"""
_NAME = "small letters, digits and hyphens, such as worklist-export"


def add_tokens(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb with its actions."""
    actions = verbs.add_parser(
        "workbench-token",
        help="make, list or revoke tokens for programs that use the API of the workbench",
        description=_HELP,
    ).add_subparsers(title="actions", metavar="ACTION", required=True)
    adding = actions.add_parser(
        "add",
        help="make a token, and print it once",
        description="Makes a token and prints it. It is shown this once: the ledger has a hash.",
    )
    adding.add_argument("name", metavar="NAME", type=_name, help=_NAME)
    adding.add_argument(
        "--role",
        dest="roles",
        metavar="ROLE",
        action="append",
        choices=ROLES,
        required=True,
        help=f"what the program may see and do: {', '.join(ROLES)}; may be given several times",
    )
    adding.add_argument(
        "--days",
        metavar="N",
        type=_days,
        default=90,
        help="for how many days it holds, at most 365 (default: 90)",
    )
    add_actor(adding, reason=True)
    adding.set_defaults(run=_with_ledger(_add))
    listing = actions.add_parser(
        "list",
        help="print each token on a line",
        description="Prints each token on a line: name, roles, until when it holds, when it was "
        "used last, and who made it. The token itself is printed by no command.",
    )
    listing.add_argument("--json", action="store_true", help="print a JSON object a line")
    listing.set_defaults(run=_with_ledger(_list))
    revoking = actions.add_parser(
        "revoke",
        help="make a token worth nothing",
        description="Revokes a token: the next request of its program is refused.",
    )
    revoking.add_argument("name", metavar="NAME", type=_name, help="the name of the token")
    add_actor(revoking, reason=True)
    revoking.set_defaults(run=_with_ledger(_revoke))


_Work = Callable[[ModuleType, Any, argparse.Namespace], object]


def _with_ledger(work: _Work) -> Callable[[argparse.Namespace], int]:
    """What an action runs; no action reads an encrypted row, so none needs the keys."""

    def with_module(module: ModuleType, asked: argparse.Namespace) -> object:
        opened = partial(import_module("chargeline.operate.opened").opened, locked=True)
        return work(module, opened, asked)

    return on_demand("workbench.token_commands", with_module)


def _add(module: ModuleType, opened: Any, asked: argparse.Namespace) -> object:
    wanted = module.WantedToken(
        name=asked.name,
        roles=[role for role in ROLES if role in asked.roles],
        days=asked.days,
        who=asked.who,
        why=asked.reason,
    )
    return module.add(opened, wanted)


def _list(module: ModuleType, opened: Any, asked: argparse.Namespace) -> object:
    return module.list_all(opened, as_json=asked.json)


def _revoke(module: ModuleType, opened: Any, asked: argparse.Namespace) -> object:
    return module.revoke(opened, asked.name, who=asked.who, why=asked.reason)


def _name(text: str) -> str:
    name = import_module("chargeline.workbench.tokens").NAME
    if not name.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected {_NAME}, found {text!r}")
    return text


def _days(text: str) -> int:
    most = import_module("chargeline.workbench.tokens").DAYS_MOST
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"expected days from 1 to {most}, found {text!r}")
    return int(text)
