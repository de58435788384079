"""Edits between two codes: which line is denied, and what counts as beside."""

from datetime import date, timedelta

from chargeline.engine.edits.pairs import add_on_alone, bundled
from chargeline.engine.edits.tables_asked import TablesAsked
from chargeline.engine.trace import ChargeLine
from chargeline.rulebook.case_tables import tables_of

from .short import drafted

DAY = date(2026, 3, 2)
CODES = frozenset({"96413", "96415", "J9312"})


def lines() -> dict[str, ChargeLine]:
    """Rituximab over four hours: 96413, 96415 and J9312, by code."""
    return {line.code: line for line in drafted("rituximab 700 mg iv 09:00-13:00").lines}


def asked(*rows: str) -> TablesAsked:
    return TablesAsked(tables_of(rows, DAY, CODES), "hospital")


def test_the_line_in_column_two_is_denied_whichever_stands_first() -> None:
    """The pair says which of the two is not paid beside the other."""
    first, second = lines()["96413"], lines()["J9312"]
    tables = asked("ptp hospital 96413 J9312 0")
    for order in ((first, second), (second, first)):
        (entry,) = bundled(order, tables)
        assert entry.lines == (second.line_id,)


def test_codes_of_two_days_are_not_beside_each_other() -> None:
    """Neither a pair binds over midnight, nor is a primary code of the day before one of today."""
    primary, add_on = lines()["96413"], lines()["96415"]
    later = add_on._replace(service_date=DAY + timedelta(days=1))
    assert list(bundled((primary, later), asked("ptp hospital 96413 96415 0"))) == []
    (entry,) = add_on_alone((primary, later), asked("add-on 96415 96413"))
    assert entry.lines == (later.line_id,)
    assert list(add_on_alone((primary, add_on), asked("add-on 96415 96413"))) == []
