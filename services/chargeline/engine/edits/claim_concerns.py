"""What rules decide about edits before the claim: how much one matters, and whose claim it is.

It owns the questions to the rules. An edit without a rule is switched off.
"""

from typing import NamedTuple

from chargeline.engine.answer_words import Severity
from chargeline.engine.claim_words import ClaimSetting, EditName, Settler
from chargeline.engine.rules import Concern, NoFacts


class EditFacts(NamedTuple):
    """An edit, and who pays, in capitals."""

    edit: "EditName"
    payer: str


class EditAnswer(NamedTuple):
    """How much hangs on an edit, and who can settle it."""

    severity: "Severity"
    who: "Settler"


EDIT = Concern(
    "edit.severity",
    EditFacts,
    EditAnswer,
    meaning="how much an edit before the claim matters, and who can settle it",
    may_be_silent=True,
)


class SettingAnswer(NamedTuple):
    """By whose published limits and pairs a claim is judged."""

    setting: "ClaimSetting"


SETTING = Concern(
    "edit.setting",
    NoFacts,
    SettingAnswer,
    meaning="whether the limits and pairs of hospitals or of practitioners hold",
)
CONCERNS = (EDIT, SETTING)
