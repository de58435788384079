"""How a command ends: its exit code, and its one line on standard error.

It owns the exit codes of the verbs that read files, and the findings that several verbs share. The
programs of the live service have exit codes of their own (operate/running.py).
"""

import sys

from chargeline.engine import Finding

OK, FAILED, WRONG_USE, SET_ASIDE = 0, 1, 2, 3
INTERRUPTED = 130  # as shells report a program that ^C ended


def tell(message: object) -> None:
    """Print a message on standard error."""
    print(f"chargeline: {message}", file=sys.stderr)


def wrong_use(message: str) -> int:
    """Print the message on standard error; returns the exit code of wrong use."""
    tell(message)
    return WRONG_USE


def not_found(expected: str, found: str, do: str) -> str:
    """The message about a visit, a line or a rule that does not exist."""
    return str(Finding("command.not_found", expected=expected, found=found, where="", do=do))
