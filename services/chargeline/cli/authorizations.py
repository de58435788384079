"""`chargeline auth`: authorizations of a list or of one line as messages, and how they stand.

It owns the arguments of these verbs. What a row may look like, the package `importing` says; how a
message travels, `sending.py`; and what the ledger has of authorizations, `operate/authorizations`.
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from textwrap import fill
from types import ModuleType
from zoneinfo import ZoneInfo

from chargeline.cli.arguments import (
    Verbs,
    add_actor,
    add_interface,
    add_rules_folder,
    count,
)
from chargeline.cli.ending import FAILED, OK, SET_ASIDE, WRONG_USE, tell
from chargeline.cli.on_demand import on_demand
from chargeline.cli.sending import accepted_by, add_tls, address, listener
from chargeline.hl7.profile import make_profile
from chargeline.importing.columns import COLUMNS, ColumnName
from chargeline.importing.notices import NoticeMessage, messages_of, misread
from chargeline.importing.rows import CheckedList, ListOptions, checked
from chargeline.importing.sheet import SheetRow, read_sheet
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory

_AUTH_HELP = """\
A payer's authorizations: the units of each are counted down by what visits bill, whoever told of
them. `import` and `add` tell of them in HL7 messages (REF, RPA), as an interface would.
"""
_IMPORT_HELP = """\
Reads a CSV file of authorizations, as a spreadsheet program writes it, and makes an HL7 message of
each row: REF^I12 of a request, RPA^I08 to I10 of a payer's answer. The first row names the columns.

If a row is wrong, nothing is sent, and each wrong cell is named with its row and column, as the
spreadsheet numbers them. Correct the file and import the whole of it again: a row that was sent
before makes the same message, which counts once.
"""
_ADD_HELP = """\
Tells of one authorization, as one row of a file for `auth import` does, with the same checks.
"""
_LIST_HELP = """\
Prints each authorization of the ledger: number, payer, codes, what is used and left, its days, how
it stands today, and what must be seen to. Of a patient's number only the shape is shown.
"""
_SHOW_HELP = """\
Prints an authorization with all that messages told of it in their order, and the visits that used
it with their units.
"""
_NEXT = "nothing was sent; correct the rows and import the whole file again"


def add_auth(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    """Add the verb `auth` with its actions."""
    actions = verbs.add_parser(
        "auth",
        help="tell of authorizations in a file, and see what is used and left of each",
        description=_AUTH_HELP,
    ).add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_import(actions)
    _add_add(actions)
    _add_looks(actions)


# ------------------------------------------------------------------ import and add


def _add_import(actions: "Verbs[argparse.ArgumentParser]") -> None:
    verb = actions.add_parser(
        "import",
        help="tell of the authorizations of a CSV file",
        description=_IMPORT_HELP,
        epilog=_columns_page(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("file", metavar="FILE.csv", type=Path)
    _add_destination(verb)
    verb.add_argument(
        "--skip-wrong",
        action="store_true",
        help="send the rows that are right, and leave the wrong ones out; the exit code is then 3",
    )
    verb.add_argument(
        "--facility", metavar="NAME", default="", help="the facility of rows that name none"
    )
    zeros = verb.add_mutually_exclusive_group()
    zeros.add_argument(
        "--patient-digits",
        metavar="N",
        type=count,
        help="patients' numbers of digits have N of them: put back the zeros that a spreadsheet "
        "took from their beginning",
    )
    zeros.add_argument(
        "--as-written",
        action="store_true",
        help="take numbers as they are written, although some are shorter than others",
    )
    _add_reading(verb)
    verb.set_defaults(run=_import)


def _columns_page() -> str:
    """The columns of the file, for the help."""
    lines = ["columns (* must be filled):"]
    for name, column in COLUMNS.items():
        text = f"{column.holds}; such as {column.example}"
        mark = "*" if column.must else " "
        lines.append(
            fill(text, 96, initial_indent=f" {mark}{name:<11}", subsequent_indent=" " * 13)
        )
    return "\n".join(lines)


def _add_destination(verb: argparse.ArgumentParser) -> None:
    where = verb.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--to", metavar="HOST:PORT", type=address, help="send the messages to this listener (MLLP)"
    )
    where.add_argument(
        "--out", metavar="FILE", type=Path, help="write the messages to this file, to send it later"
    )
    where.add_argument("--check", action="store_true", help="say what is wrong, and send nothing")
    add_tls(verb)


def _add_reading(verb: argparse.ArgumentParser) -> None:
    add_interface(verb)
    add_rules_folder(verb)
    add_actor(verb)


def _add_add(actions: "Verbs[argparse.ArgumentParser]") -> None:
    verb = actions.add_parser(
        "add",
        help="tell of one authorization",
        description=_ADD_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_destination(verb)
    about = verb.add_argument_group("the authorization")
    for name, column in COLUMNS.items():
        now = "; the default is now" if name == "received" else ""
        about.add_argument(
            f"--{name}",
            metavar=column.example.replace(" ", "T"),
            dest=f"column_{name}",
            default="",
            required=(column.must and name != "received") or name == "facility",
            help=column.holds.replace("%", "%%") + now,
        )
    _add_reading(verb)
    verb.set_defaults(run=_add)


def _import(asked: argparse.Namespace) -> int:
    data = asked.file.read_bytes()
    rows = read_sheet(str(asked.file), data)
    more: dict[ColumnName, str] = {"facility": asked.facility}
    return _told(asked, str(asked.file), rows, more, data=data)


def _add(asked: argparse.Namespace) -> int:
    cells = {name: getattr(asked, f"column_{name}").strip() for name in COLUMNS}
    row = SheetRow(1, {str(name): text for name, text in cells.items()})
    asked.skip_wrong, asked.as_written, asked.patient_digits = False, True, None
    return _told(asked, "", [row], {}, data=repr(sorted(cells.items())).encode())


def _told(
    asked: argparse.Namespace,
    file: str,
    rows: Sequence[SheetRow],
    more: "dict[ColumnName, str]",
    *,
    data: bytes,
) -> int:
    """Check the rows, and bring their messages where they are asked for."""
    folder = rules_directory(asked.rules)
    profile = make_profile(read_interface(folder, asked.interface))
    now = datetime.now(ZoneInfo(profile.zone)).replace(tzinfo=None, microsecond=0)
    if not file:
        more = {**more, "received": f"{now:%Y-%m-%d %H:%M:%S}"}
    options = ListOptions(
        now=now,
        needs=load_rulebook(folder).needs,
        more=more,
        patient_digits=asked.patient_digits,
        as_written=asked.as_written,
    )
    result = checked(file, rows, options)
    wrong = [*result.wrong, *misread(result.notices, profile)]
    for finding in wrong:
        tell(finding)
    if wrong and (not asked.skip_wrong or len(wrong) > len(result.wrong)):
        tell(f"{len(wrong)} wrong; {_NEXT}")
        return WRONG_USE
    messages = messages_of(result.notices)
    print(_account(result, messages))
    code = _delivered(asked, messages, sha256(data).hexdigest())
    return SET_ASIDE if code == OK and wrong else code


def _account(result: CheckedList, messages: Sequence[NoticeMessage]) -> str:
    left_out = result.rows - len(result.notices) - result.repeated
    count = f"{len(messages)} message{'s' * (len(messages) != 1)}"
    parts = [f"{result.rows} row{'s' * (result.rows != 1)}: {count}"]
    parts += [f"{result.repeated} repeated"] if result.repeated else []
    parts += [f"{left_out} left out"] if left_out else []
    return ", ".join(parts)


def _delivered(asked: argparse.Namespace, messages: Sequence[NoticeMessage], digest: str) -> int:
    """Write or send the messages; returns the exit code."""
    data = [message.data for message in messages]
    if asked.check:
        return OK
    if asked.out is not None:
        asked.out.write_bytes(b"".join(data))
        print(f"written to {asked.out}; `chargeline send {asked.out} HOST:PORT` sends them")
        return OK
    to = listener(asked, asked.to)
    running = import_module("chargeline.operate.running")
    operate = import_module("chargeline.operate.authorizations")
    place = f"{to.host}:{to.port}"
    act = operate.note_sending(
        count=len(data), to=place, sha256=digest, who=asked.who, why=asked.reason
    )
    code = int(running.with_settings(act))
    if code != OK:
        return code
    accepted = accepted_by(to, data, lambda number: f"row {messages[number - 1].row}")
    if accepted is None:
        return FAILED
    print(f"{len(data)} message{'s' * (len(data) != 1)} sent to {place}, {accepted} accepted")
    return OK if accepted == len(data) else SET_ASIDE


# ------------------------------------------------------------------ list and show


def _add_looks(actions: "Verbs[argparse.ArgumentParser]") -> None:
    listing = actions.add_parser(
        "list",
        help="print each authorization with what is used and left",
        description=_LIST_HELP,
    )
    listing.add_argument("--payer", metavar="NAME", default="", help="of this payer only")
    listing.add_argument(
        "--visit", metavar="NUMBER", default="", help="those that this visit told of or used"
    )
    listing.add_argument(
        "--running-out",
        action="store_true",
        help="those with too little left, or soon too late, only",
    )
    show = actions.add_parser(
        "show", help="print one authorization, and who used it", description=_SHOW_HELP
    )
    show.add_argument("number", metavar="NUMBER", help="the payer's number")
    show.add_argument("--payer", metavar="NAME", default="", help="the one of this payer")
    for action in (listing, show):
        action.add_argument("--facility", metavar="NAME", default="", help="of this facility only")
        action.add_argument("--json", action="store_true", help="print a JSON object a line")
        action.add_argument(
            "--unmask",
            action="store_true",
            help="show the patients' numbers; needs --reason, and is audited",
        )
        add_actor(action)
        action.set_defaults(run=_look_with(action))


def _look_with(verb: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """What `list` and `show` run; the patients are shown to a person who says why."""

    def run(asked: argparse.Namespace) -> int:
        if asked.unmask and not asked.reason.strip():
            verb.error("--unmask needs --reason TEXT")
        return looking(asked)

    def work(module: ModuleType, asked: argparse.Namespace) -> object:
        look = module.AuthorizationLook(
            number=getattr(asked, "number", ""),
            payer=asked.payer,
            visit=getattr(asked, "visit", ""),
            facility=asked.facility,
            running_out=getattr(asked, "running_out", False),
            unmask=asked.unmask,
            who=asked.who,
            why=asked.reason,
        )
        print_it = module.auth_show if look.number else module.auth_list
        return print_it(look, json_lines=asked.json)

    looking = on_demand("operate.authorizations", work)
    return run
