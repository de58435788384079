"""Edits between two codes: which line is denied, and what counts as beside."""

from datetime import date, timedelta

import pytest

from chargeline.engine.edits.limits import above_limit
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


def test_no_modifier_passes_a_pair_with_indicator_0() -> None:
    """59 on the line in column 2 passes indicator 1, and changes nothing of indicator 0."""
    first, second = lines()["96413"], lines()["J9312"]._replace(modifiers=("59",))
    assert list(bundled((first, second), asked("ptp hospital 96413 J9312 1"))) == []
    (entry,) = bundled((first, second), asked("ptp hospital 96413 J9312 0"))
    assert entry.lines == (second.line_id,)
    assert entry.finding.do == "drop the line: no modifier passes this edit"


@pytest.mark.parametrize(
    ("indicator", "units", "denied"),
    [(1, (5,), [(5, 1)]), (1, (3, 3), []), (2, (2, 2), [(4, 2)]), (3, (2, 2), [(4, 2)])],
)
def test_a_limit_counts_a_line_or_a_day_and_denies_all_of_it(
    indicator: int, units: tuple[int, ...], denied: list[tuple[int, int]]
) -> None:
    """Of three units a line may have (1), or a day (2, 3), all are at stake where it has more, and
    each indicator says what can be done.
    """
    drug = lines()["J9312"]
    several = [drug._replace(units=of, line_id=f"L{of}{n}") for n, of in enumerate(units)]
    noted = list(above_limit(several, asked(f"mue hospital J9312 3 {indicator}")))
    at_stake = [
        (sum(line.units for line in several if line.line_id in entry.lines), len(entry.lines))
        for entry in noted
    ]
    assert at_stake == denied
    for entry in noted:
        what = "a line" if indicator == 1 else "a day"
        assert entry.finding.expected == (
            f"at most 3 units of J9312 on {what} (MUE, indicator {indicator})"
        )
        told = {1: "split the units", 2: "cannot be appealed", 3: "appeal with the record"}
        assert told[indicator] in entry.finding.do


def test_codes_of_two_days_are_not_beside_each_other() -> None:
    """Neither a pair binds over midnight, nor is a primary code of the day before one of today."""
    primary, add_on = lines()["96413"], lines()["96415"]
    later = add_on._replace(service_date=DAY + timedelta(days=1))
    assert list(bundled((primary, later), asked("ptp hospital 96413 96415 0"))) == []
    (entry,) = add_on_alone((primary, later), asked("add-on 96415 96413"))
    assert entry.lines == (later.line_id,)
    assert list(add_on_alone((primary, add_on), asked("add-on 96415 96413"))) == []
