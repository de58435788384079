"""Pages that are made from lists: `python -m tests.pages findings` prints one.

This module owns the layout of the pages. It knows no sentence about a code: the sentences come
from the engine and from the rules, and licences from the packages themselves. A test compares each
page with what is printed here, so that a page is never untrue.
"""

import sys

from chargeline.engine import MEANINGS
from chargeline.rulebook.loading import load_rulebook
from chargeline.rulebook.location import rules_directory
from tests.supply.packages import third_party

_FINDINGS_HEAD = """\
# Findings

A finding says what is wrong: a code, what was expected, what was found, where, and what to do.
Errors, questions to a person, messages that were set aside, and mistakes in rules and in settings
are all findings. This table lists their codes. A question that a rule asks has the id of that rule
as its code.

<!-- Made by `python -m tests.pages findings`
     from services/chargeline/engine/finding_codes.py and rules/. -->

| code | what it means |
|---|---|
"""


def findings() -> str:
    """docs/findings.md: each code with its sentence, and each question that a shipped rule asks."""
    rows: dict[str, str] = {**MEANINGS}
    for policy in load_rulebook(rules_directory()).policies.values():
        rows.update(
            {rule.id: rule.why for rule in policy.rules if ("outcome", "question") in rule.then}
        )
    return _FINDINGS_HEAD + "".join(f"| `{code}` | {rows[code]} |\n" for code in sorted(rows))


PAGES = {"findings": findings, "third-party": third_party}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
