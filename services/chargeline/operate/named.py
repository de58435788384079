"""What a command on the ledger names, held against what there is: a visit, a question's code.

A command that names what does not exist must not end like one that has nothing left to do, or a
mistyped number passes for an empty list. This module owns that look and what is said. It does not
know what the commands do with a name.
"""

from chargeline.drafting.codes_named import check_asking_code
from chargeline.drafting.setup import load_rules
from chargeline.engine import MEANINGS, Finding, FindingError
from chargeline.ledger.records import VISIT_STATUSES
from chargeline.ledger.view import View
from chargeline.settings import Settings


async def check_question_code(settings: Settings, view: View, code: str) -> None:
    """Raise FindingError if nobody asks under this code; "" is any code.

    What other rules have asked before stands in the ledger. Raises RulebookError if the rules of
    the settings cannot be read.
    """
    if not code or code in MEANINGS or await view.asked(code=code, closed=True):
        return
    rulebook, _folder = load_rules(settings)
    check_asking_code(code, rulebook)


async def check_visit(view: View, number: str, *, drafted: bool = False) -> None:
    """Raise FindingError if the ledger has no visit of this number; "" is any number.

    `drafted` asks for one that has a draft of its own: it was neither merged away nor forgotten.
    """
    if not number or await view.visit_keys(visit=number):
        return
    keys = await view.visit_keys(visit=number, statuses=VISIT_STATUSES)
    if keys and not drafted:
        return
    statuses = sorted({row.status for row in (await view.visits(keys)).values()})
    raise FindingError(
        Finding(
            "command.not_found",
            expected=f"visit {number} in the ledger" + (", with a draft" if drafted else ""),
            found=f"one that is {' and '.join(statuses)}" if statuses else "none",
            where="--visit",
            do="check the number; `chargeline visit show` says where a visit stands, and "
            "`chargeline parked list` whether its messages are parked",
        )
    )
