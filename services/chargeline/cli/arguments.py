"""Arguments that several verbs share, and the kinds of numbers that arguments take.

It owns their names and their help, so that `--rules` means the same everywhere. It does not know
the verbs.
"""

import argparse
from datetime import date, datetime
from pathlib import Path

from chargeline.engine import Rulebook
from chargeline.refdata.bundle import read_bundle
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from chargeline.rulebook.sound import sound_rulebook

Verbs = argparse._SubParsersAction  # the type of what add_subparsers returns has no public name


def add_feed_arguments(verb: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The arguments of a verb that reads a feed and drafts it."""
    count = "+" if required else "*"
    verb.add_argument(
        "paths", nargs=count, metavar="PATH", help="a file, a folder, or - for standard input"
    )
    _add_drafting(verb)


def add_feed_or_ledger(verb: argparse.ArgumentParser) -> None:
    """The arguments of a verb that works on the ledger, or with --feed on a feed."""
    verb.add_argument(
        "--feed",
        nargs="+",
        metavar="PATH",
        dest="paths",
        default=[],
        help="look at these files or folders in place of the ledger",
    )
    _add_drafting(verb)


def add_actor(verb: argparse.ArgumentParser, *, reason: bool = False) -> None:
    """Who does it and why, for the audit trail; with `reason`, a reason must be given that
    is not blank.
    """
    verb.add_argument(
        "--as",
        dest="who",
        metavar="NAME",
        default="",
        help="who does it, for the audit trail (default: the user of the system)",
    )
    verb.add_argument(
        "--reason",
        metavar="TEXT",
        type=words if reason else str,
        required=reason,
        default="",
        help="why, for the audit trail; name no patient",
    )


def _add_drafting(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--answers",
        metavar="FILE",
        type=Path,
        help="what people answered, as `chargeline answer --feed PATH --answers FILE` writes it",
    )
    verb.add_argument(
        "--policy",
        metavar="NAME",
        default="",
        help="the policy of all visits, such as cms-facility-2026 (default: the policy that "
        "payers.toml gives to the payer of the visit)",
    )
    add_formulary(verb)
    verb.add_argument(
        "--refdata",
        metavar="BUNDLE",
        type=Path,
        help="published tables, as `chargeline refdata build` writes them",
    )
    add_interface(verb)
    add_rules_folder(verb)


def add_interface(verb: argparse.ArgumentParser) -> None:
    """The argument for the sender's way of writing."""
    verb.add_argument(
        "--interface",
        metavar="NAME",
        default="standard",
        help="how the sender writes its messages: the name of a folder of rules/interfaces "
        "(default: standard)",
    )


def add_formulary(verb: argparse.ArgumentParser) -> None:
    """The argument for the site's own drugs."""
    verb.add_argument(
        "--formulary",
        metavar="FILE",
        type=Path,
        help="a CSV file of the site's drugs; a row with the id of a shipped drug replaces it",
    )


def add_rules_folder(verb: argparse.ArgumentParser) -> None:
    """The argument for a rules folder of the site's own."""
    verb.add_argument(
        "--rules",
        metavar="DIR",
        type=Path,
        help="a rules folder of your own (default: the rules that chargeline brings)",
    )


def loaded_rules(asked: argparse.Namespace) -> tuple[Rulebook, Path]:
    """The rulebook that the arguments ask for, and its folder; raises RulebookError."""
    folder = rules_directory(asked.rules)
    return load_rulebook(folder, getattr(asked, "formulary", None)), folder


def sound_rules(asked: argparse.Namespace) -> tuple[Rulebook, Path]:
    """The rulebook for a verb that codes; raises RulebookError for clashes and gaps too."""
    folder = rules_directory(asked.rules)
    rulebook = sound_rulebook(folder, asked.formulary)
    if asked.refdata is not None:
        rulebook = rulebook.with_tables(read_bundle(asked.refdata).tables)
    return rulebook, folder


def day(text: str) -> date:
    """A day such as 2026-10-01."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a day such as 2026-10-01, found {text!r}"
        ) from None


def moment(text: str) -> datetime:
    """A time with its distance from UTC, such as 2026-03-02T02:10:00+00:00."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"expected a time with its distance from UTC, such as 2026-03-02T02:10:00+00:00, "
            f"found {text!r}"
        )
    return at


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def words(text: str) -> str:
    """A text that says something: not empty, and not of blanks alone."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"expected words, found {text!r}")
    return text


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, found {text!r}")
    return number
