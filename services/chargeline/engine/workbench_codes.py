"""The codes of what the workbench refuses, and a sentence for each.

They are part of the closed list in `finding_codes.py`, because every error carries a finding.
"""

from collections.abc import Mapping
from typing import Literal

WorkbenchCode = Literal[
    "workbench.busy",
    "workbench.condition_missing",
    "workbench.failed",
    "workbench.login_refused",
    "workbench.no_page",
    "workbench.no_right",
    "workbench.not_done",
    "workbench.not_logged_in",
    "workbench.not_ours",
    "workbench.not_valid",
    "workbench.outdated",
    "workbench.provider_away",
    "workbench.token_refused",
    "workbench.token_there",
    "workbench.too_many",
]
WORKBENCH_MEANINGS: Mapping[WorkbenchCode, str] = {
    "workbench.busy": "More comparisons are asked for than one workbench makes at a time.",
    "workbench.condition_missing": "Something is said without the state that it is about.",
    "workbench.failed": "The workbench made a mistake of its own.",
    "workbench.login_refused": "The identity provider confirms no login, or gives no role.",
    "workbench.no_page": "The workbench has no page at an address.",
    "workbench.no_right": "Somebody may not see or do something in the workbench.",
    "workbench.not_done": "A comparison is asked for as a table before it is done.",
    "workbench.not_logged_in": "Nobody is logged in to the workbench, or the session has ended.",
    "workbench.not_ours": "A form was not sent by a page of the person's own session.",
    "workbench.not_valid": "A field of a form or an address has a value that it does not take.",
    "workbench.outdated": "Something is said of a visit that has changed meanwhile.",
    "workbench.provider_away": "The identity provider of the workbench does not answer.",
    "workbench.token_refused": "A token is unknown to the workbench, was revoked, or has ended.",
    "workbench.token_there": "A token of this name holds already.",
    "workbench.too_many": "More requests came than a person can mean.",
}
