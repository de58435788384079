"""The codes that a person may name: those of findings, and the ids of rules, which ask under them.

A command that names a code which nothing can have must not end like one that has nothing left to
do. This module owns that look, for a feed of files as for the ledger. It does not know what a
command does with a code.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from chargeline.engine import MEANINGS, Finding, FindingError, Rulebook


def check_code(code: str) -> None:
    """Raise FindingError if no finding has this code; "" is any code."""
    if code and code not in MEANINGS:
        raise _no_code(code, MEANINGS)


def check_asking_code(code: str, rulebook: Rulebook) -> None:
    """Raise FindingError if neither a finding nor a rule of any policy asks under this code."""
    if not code or code in MEANINGS:
        return
    ids = {rule.id for policy in rulebook.policies.values() for rule in policy.rules}
    if code not in ids:
        raise _no_code(code, [*MEANINGS, *sorted(ids)])


def _no_code(code: str, codes: Iterable[str]) -> FindingError:
    near = get_close_matches(code, list(codes), n=1)
    do = f"did you mean {near[0]}? " if near else ""
    return FindingError(
        Finding(
            "command.not_found",
            expected="a code of docs/findings.md, or the id of a rule that asks",
            found=repr(code),
            where="",
            do=f"{do}`chargeline parked list` and `chargeline questions list` show codes",
        )
    )
