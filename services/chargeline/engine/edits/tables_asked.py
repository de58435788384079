"""Look-ups in published tables on behalf of edits, and which of them could not be made.

It owns the account of the tables that were not there, so that a draft says once what was not
looked at. It knows no edit.
"""

from typing import TypeVar

from chargeline.engine.claim_words import ClaimSetting
from chargeline.engine.record import NOTHING_ELSEWHERE, Elsewhere
from chargeline.engine.tables import NotLoaded, PublishedTables
from chargeline.engine.trace import Noted, note

_Row = TypeVar("_Row")


class TablesAsked:
    """The tables of a claim of one setting. `known` turns a look-up that was not made into None.

    `elsewhere` is what the patient's other visits have.
    """

    def __init__(
        self,
        tables: PublishedTables,
        setting: ClaimSetting,
        elsewhere: Elsewhere = NOTHING_ELSEWHERE,
    ) -> None:
        self.elsewhere = elsewhere
        self.tables = tables
        self.setting = setting
        self._missing: dict[str, NotLoaded] = {}

    def known(self, answer: _Row | NotLoaded) -> _Row | None:
        """The answer of a look-up; None, and the table is told as missing, if it was not made."""
        if isinstance(answer, NotLoaded):
            self._missing.setdefault(str(answer), answer)
            return None
        return answer

    def missing(self) -> list[Noted]:
        """One note for all tables that were not there; none where all were."""
        tables = sorted({f"{gap.table} of {gap.quarter}" for gap in self._missing.values()})
        return [_not_there(", ".join(tables))] if tables else []


def _not_there(tables: str) -> Noted:
    return note(
        "tables.missing",
        (),
        expected="published tables of the day of service",
        found=f"not there: {tables}",
        do="build them with `chargeline refdata build`; until then their edits do not run",
    )


NOTHING_LOADED = _not_there("all")
"""The note for a program that has no published tables at all."""
