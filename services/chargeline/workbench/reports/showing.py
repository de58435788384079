"""How each report stands on the page: its columns, where a number leads, and its bars.

It owns the words of the tables and pictures. The rows are those of JSON and CSV (rows.py).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from chargeline.ledger.running import STOP_MISSING
from chargeline.workbench.reports.asked_for import Links, ReportName
from chargeline.workbench.reports.picture import ReportBar
from chargeline.workbench.reports.rows import (
    AuthorizationLeft,
    FindingsOfCode,
    PolicyDifference,
    QuestionAges,
    UnitStops,
    WasteOfDrug,
    WorkDone,
)
from chargeline.workbench.visit.words import dollars, in_full, in_short, many
from chargeline.workbench.wording import length

NOBODY_SAYS = "–"
NO_PRICE = "no price"
_KINDS = {"question": "question", "edit": "edit before the claim", "parked": "parked message"}


class ColumnHead(NamedTuple):
    """The head of a column."""

    title: str
    is_number: bool


class Cell(NamedTuple):
    """A cell: its text, where it leads, and what stands beneath; a severity makes it a badge."""

    text: str
    address: str = ""
    beneath: str = ""
    severity: str = ""


class Look(NamedTuple):
    """How a report is shown: what it is called and says, its columns, cells and bars.

    `empty` is said where it has no row, and `notes` beneath. `whole` is what the width of the
    picture stands for where all bars are shorter.
    """

    title: str
    says: str
    columns: tuple[ColumnHead, ...]
    cells: Callable[[Any, Links], list[Cell]]
    bars: Callable[[Sequence[Any]], list[ReportBar]]
    empty: str
    notes: str = ""
    whole: float = 0


def row_name(key: Sequence[str]) -> str:
    """A key as the parameter `of` names it."""
    return " | ".join([part or NOBODY_SAYS for part in key])


def _number(count: int, address: str = "") -> Cell:
    return Cell(f"{count:,}", address if count else "")


def _money(cents: int | None, *, signed: bool = False) -> str:
    return dollars(cents, signed=signed) if cents is not None else NO_PRICE


def _percent(share: float) -> str:
    return f"{share:.1f} %"


def _stop_cells(row: UnitStops, links: Links) -> list[Cell]:
    behind = links.behind("stops", row_name((row.unit,)))
    work = links.work(code=STOP_MISSING, place=row.unit) if row.unit else ""
    return [
        Cell(row.unit or NOBODY_SAYS, beneath="" if row.unit else "nobody says the unit"),
        _number(row.infusions),
        _number(row.missing, behind),
        Cell(_percent(row.percent)),
        _number(row.waiting, work),
        _number(row.by_answer),
        _number(row.nobody_knows),
        _number(row.other_visit),
    ]


def _stop_bars(rows: Sequence[UnitStops]) -> list[ReportBar]:
    bars = []
    for row in rows:
        derived = f", {row.by_answer} derived" if row.by_answer else ""
        says = f"{row.missing} of {row.infusions}{derived}"
        share = 100 / (row.infusions or 1)
        open_share = (row.waiting + row.nobody_knows) * share
        parts = (("blocks", open_share), ("warns", row.by_answer * share))
        bars.append(ReportBar(row.unit or NOBODY_SAYS, says, parts))
    return bars


def _question_cells(row: QuestionAges, links: Links) -> list[Cell]:
    work = links.work(code=row.code)
    return [
        Cell(row.code, work, row.says, row.severity),
        *[_number(count) for count in row.ages],
        _number(row.open, work),
        Cell(f"{row.oldest_days} d"),
        Cell(_money(row.stake_cents)),
    ]


def _question_bars(rows: Sequence[QuestionAges]) -> list[ReportBar]:
    return [
        ReportBar(
            row.code,
            f"{row.open}, oldest {row.oldest_days} d",
            tuple([(f"age age{place}", count) for place, count in enumerate(row.ages)]),
        )
        for row in rows
    ]


def _finding_cells(row: FindingsOfCode, links: Links) -> list[Cell]:
    work, behind = links.work(code=row.code), links.behind("findings", _finding_name(row))
    address = {"question": work, "edit": behind, "parked": links.parked(row.code)}[row.kind]
    return [
        Cell(row.code, address, row.says, row.severity),
        Cell(_KINDS[row.kind]),
        _number(row.times),
        _number(row.open, address),
        Cell(_money(row.cents) if row.kind != "parked" else NOBODY_SAYS),
    ]


def _finding_name(row: FindingsOfCode) -> str:
    return row_name((row.severity, row.code))


def _finding_bars(rows: Sequence[FindingsOfCode]) -> list[ReportBar]:
    return [
        ReportBar(row.code, f"{row.times}, {row.severity}", ((row.severity, row.times),))
        for row in rows
    ]


def _waste_cells(row: WasteOfDrug, links: Links) -> list[Cell]:
    return [
        Cell(row.drug or row.code, beneath=row.code),
        _number(row.given_units),
        _number(row.discarded_units),
        Cell(_percent(row.percent)),
        _number(row.discarded_lines),
        _number(row.none_discarded_lines),
        Cell(_money(row.discarded_cents)),
        _number(row.visits, links.behind("waste", row_name((row.code, row.drug)))),
    ]


def _waste_bars(rows: Sequence[WasteOfDrug]) -> list[ReportBar]:
    return [
        ReportBar(
            row.drug or row.code,
            f"{_percent(row.percent)} of {many(row.given_units + row.discarded_units, 'unit')}",
            (("warns", row.percent),),
        )
        for row in rows
    ]


def _policy_cells(row: PolicyDifference, links: Links) -> list[Cell]:
    key = row_name((row.policy, row.other, row.rule))
    return [
        Cell(row.other, beneath=f"drafts: {row.policy}"),
        Cell(row.rule or "no single rule"),
        _number(row.differences),
        Cell(_money(row.here_cents)),
        Cell(_money(row.would_cents)),
        Cell(_money(row.moves_cents, signed=True)),
        _number(row.without_price),
        _number(row.visits, links.behind("policies", key)),
    ]


def _policy_bars(rows: Sequence[PolicyDifference]) -> list[ReportBar]:
    return [
        ReportBar(
            row.rule or row.other,
            f"{row.differences} · {_money(row.moves_cents, signed=True)}",
            (("notes", row.differences),),
        )
        for row in rows
    ]


def _authorization_cells(row: AuthorizationLeft, links: Links) -> list[Cell]:
    is_over = "authorization.units" in row.concerns.split()
    left = f"{row.days_left} d" if row.days_left is not None else NOBODY_SAYS
    severity = "blocks" if is_over else "warns"
    return [
        Cell(row.number, beneath=row.payer),
        Cell(row.codes or "all codes"),
        Cell(row.used, beneath=f"of {row.granted}" if row.granted else "without a limit"),
        Cell(_percent(row.used_percent) if row.used_percent is not None else NOBODY_SAYS),
        Cell(in_full(row.until) if row.until is not None else NOBODY_SAYS),
        Cell(left),
        Cell("used up" if is_over else "runs out", beneath=row.says, severity=severity),
        Cell(row.visit or NOBODY_SAYS, links.visit(row.facility, row.visit)),
    ]


def _authorization_bars(rows: Sequence[AuthorizationLeft]) -> list[ReportBar]:
    return [
        ReportBar(
            f"{row.number} {row.payer}",
            _percent(row.used_percent),
            (("blocks" if row.used_percent > 100 else "warns", min(100.0, row.used_percent)),),
        )
        for row in rows
        if row.used_percent is not None
    ]


def _work_cells(row: WorkDone, _links: Links) -> list[Cell]:
    return [
        Cell(in_full(row.day)),
        Cell(row.who),
        _number(row.answers),
        _number(row.taken_back),
        _number(row.holds),
        _number(row.releases),
        _number(row.other_words),
        Cell(_length(row.median_minutes)),
        Cell(_length(row.longest_minutes)),
        Cell(f"{row.within_a_day} of {row.waited}" if row.waited else NOBODY_SAYS),
    ]


def _length(minutes: int | None) -> str:
    return length(timedelta(minutes=minutes)) if minutes is not None else NOBODY_SAYS


def _work_bars(rows: Sequence[WorkDone]) -> list[ReportBar]:
    days: dict[date, Counter[str]] = {}
    for row in rows:
        counts = {"answers": row.answers, "holds": row.holds + row.releases}
        others = row.taken_back + row.other_words
        days.setdefault(row.day, Counter()).update({**counts, "others": others})
    return [
        ReportBar(
            in_short(day),
            f"{many(counts['answers'], 'answer')}, {counts['holds']} held or released",
            (
                ("ready", counts["answers"]),
                ("warns", counts["holds"]),
                ("notes", counts["others"]),
            ),
        )
        for day, counts in days.items()
    ]


def _heads(words: str, numbers: str, more_words: str = "") -> tuple[ColumnHead, ...]:
    """Columns of words, of numbers, and of words again; the titles have commas between them."""
    groups = ((words, False), (numbers, True), (more_words, False))
    return tuple(
        [
            ColumnHead(title, is_number=is_number)
            for titles, is_number in groups
            for title in filter(None, titles.split(", "))
        ]
    )


LOOKS: Mapping[ReportName, Look] = {
    "stops": Look(
        title="Missing stops by unit",
        says="infusions of which the chart did not hold the stop",
        columns=_heads(
            "Unit",
            "Infusions, Missing, Rate, Not answered, Derived: by answer, Nobody knows, "
            "In another visit",
        ),
        cells=_stop_cells,
        bars=_stop_bars,
        empty="No infusion has run its time in these days.",
        notes="A stop that a person gave is derived and stays missing: the chart did not hold it. "
        "What still runs is left out. A pump that was taken off in another visit is charted there.",
        whole=15,
    ),
    "questions": Look(
        title="Open questions by kind and age",
        says="days since first put; a darker part is older",
        columns=_heads(
            "Kind", "0 to 1 d, 2 to 3 d, 4 to 8 d, 9 d and more, Open, Oldest, At stake"
        ),
        cells=_question_cells,
        bars=_question_bars,
        empty="No question is open. One appears here as soon as a draft puts it.",
    ),
    "findings": Look(
        title="Findings by severity and code",
        says="questions that were put, edits before the claim, and parked messages",
        columns=_heads("Finding, What it is", "Times, Open, Money in question"),
        cells=_finding_cells,
        bars=_finding_bars,
        empty="Nothing was found that somebody must see to.",
        notes="Parked messages count by the day on which they came; their visits wait.",
    ),
    "waste": Look(
        title="Waste",
        says="units of single-dose containers on lines with JW, and lines with JZ",
        columns=_heads(
            "Drug",
            "Units given, Discarded, Share, JW lines, JZ lines, Billed as discarded, Visits",
        ),
        cells=_waste_cells,
        bars=_waste_bars,
        empty="No draft has a line with JW or JZ.",
        notes="As the drafts bill it: below one unit nothing is discarded on a claim.",
        whole=20,
    ),
    "policies": Look(
        title="Differences between policies",
        says="where another policy would end otherwise than the drafts, by the rule that differs",
        columns=_heads(
            "Other policy, Rule",
            "Differences, Drafted, Would bring, Moves, Without a price, Visits",
        ),
        cells=_policy_cells,
        bars=_policy_bars,
        empty="No shipped policy would end otherwise than the drafts.",
        notes="What differs on several lines of the same administrations counts once. Money is of "
        "differences in which every code has a price.",
    ),
    "authorizations": Look(
        title="Authorizations running out",
        says="as they stand today, whatever the days above",
        columns=_heads(
            "Number and payer, Codes", "Used, Share, Last day, Ends in", "State, Last visit"
        ),
        cells=_authorization_cells,
        bars=_authorization_bars,
        empty="No authorization has too little left, or ends soon.",
        notes="Numbers are masked. Counted on drafts, and given back when a draft changes.",
        whole=100,
    ),
    "people": Look(
        title="Work done",
        says="answers, holds and releases by day and person, and how long questions had waited",
        columns=_heads(
            "Day, Who",
            "Answers, Taken back, Holds, Releases, Other words, Median wait, Longest, Within a day",
        ),
        cells=_work_cells,
        bars=_work_bars,
        empty="Nobody answered, held or released anything in these days.",
        notes="A wait runs from the moment at which a question was put to its first answer.",
    ),
}
