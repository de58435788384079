"""The charge lines of the Visit screen, what is withheld, and the edits before the claim.

It owns how these rows are worded and grouped. Their codes, units and reasons are the draft's, and
money is the site's price list: without one, no amount stands on the page.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from chargeline.engine import (
    FAMILIES,
    MEANINGS,
    Asked,
    ChargeLine,
    ClaimEdit,
    Draft,
    EncounterDraft,
    Withheld,
    differences_in_words,
    plain,
)
from chargeline.published.stakes import edit_of, money
from chargeline.workbench.visit.model import (
    BesideRow,
    EditRow,
    FamilyOfLines,
    LineRow,
    PolicyApart,
    StateShown,
    WithheldRow,
)
from chargeline.workbench.visit.words import SEVERITIES, dollars, in_short

_TITLES = {
    "infusions": "Administration",
    "drugs": "Drugs",
    "office_visits": "Visits with a practitioner",
    "radiation": "Radiation",
}
_READY = StateShown("ready", "ready")
_DISCARDED = "drug.discarded"


class Numbers:
    """Which questions on the page make a line provisional."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        self._of_code: dict[str, list[int]] = {}
        self._about: dict[tuple[str, str], list[int]] = {}
        for number, entry in enumerate(asked, start=1):
            question = entry.question
            self._of_code.setdefault(question.finding.code, []).append(number)
            for name in question.administrations or (question.drug,):
                self._about.setdefault((question.finding.code, name), []).append(number)

    def of(self, line: ChargeLine) -> list[int]:
        """The numbers of the questions that a provisional line waits for."""
        names = dict.fromkeys([line.drug, *line.administrations])
        about = [
            number for name in names for number in self._about.get((line.provisional, name), ())
        ]
        return sorted(set(about)) or self._of_code.get(line.provisional, [])


def families_of(
    draft: Draft, asked: Sequence[Asked], prices: Mapping[str, int], chosen: str
) -> tuple[FamilyOfLines, ...]:
    """The lines of a visit by charge family, in the order of the families."""
    numbers = Numbers(asked)
    days = len({line.service_date for line in draft.lines})
    families = []
    for family in FAMILIES:
        rows = [
            _row(line, draft, prices, numbers=numbers, is_dated=days > 1)._replace(
                is_chosen=line.line_id == chosen
            )
            for line in draft.lines
            if line.family == family
        ]
        if rows:
            title = _TITLES[family] if days <= 1 else f"{_TITLES[family]}, {days} days"
            families.append(FamilyOfLines(title, tuple(rows)))
    return tuple(families)


def line_row(
    line: ChargeLine, draft: Draft, asked: Sequence[Asked], prices: Mapping[str, int]
) -> LineRow:
    """One line as a row, with its day."""
    return _row(line, draft, prices, numbers=Numbers(asked), is_dated=True)


def _row(
    line: ChargeLine,
    draft: Draft,
    prices: Mapping[str, int],
    *,
    numbers: Numbers,
    is_dated: bool,
) -> LineRow:
    when = f"{in_short(line.service_date)} · " if is_dated else ""
    held = line.held or draft.held
    instead = f"A person bills this in place of {line.instead_of}. " if line.instead_of else ""
    return LineRow(
        line_id=line.line_id,
        code="-".join([line.code, *line.modifiers]),
        units=line.units,
        drug=line.drug,
        what=f"{when}{what_of(line)}",
        minutes=str(line.minutes) if line.minutes is not None else "",
        amount=amount_of([line], prices) if line.code in prices else "",
        state=_state(line, held, numbers),
        apart=apart_in_words(line),
        note=f"{instead}{f'Held: {held}' if held else ''}".strip(),
        is_initial=line.family == "infusions" and ".initial" in line.role,
        is_chosen=False,
    )


def what_of(line: ChargeLine) -> str:
    """What a line is in the words of its role, such as `chemo infusion, initial`; of a drug the
    arithmetic of its units.
    """
    if line.family == "drugs":
        facts = dict(line.trace[0].facts)
        return str(facts.get("arithmetic", "discarded" if line.role == _DISCARDED else "drug"))
    what, kind, *rest = [*line.role.replace("_", " ").split("."), ""]
    return ", ".join([f"{what} {kind}".strip(), *[word for word in rest if word]])


def amount_of(lines: Sequence[ChargeLine], prices: Mapping[str, int]) -> str:
    """What lines would bring; "" without a price list."""
    return dollars(money(lines, prices)) if prices else ""


def _state(line: ChargeLine, held: str, numbers: Numbers) -> StateShown:
    if held:
        return StateShown("held", "held")
    if line.provisional:
        asking = numbers.of(line)
        return StateShown("blocks", f"asks {', '.join(map(str, asking))}" if asking else "asks")
    return _READY


def apart_in_words(entry: ChargeLine | Withheld) -> tuple[str, ...]:
    """What other policies would make of an entry; policies that agree share a sentence."""
    policies: dict[str, list[str]] = {}
    for sentence in differences_in_words(entry):
        policy, _would, rest = sentence.partition(" would ")
        policies.setdefault(rest, []).append(policy)
    return tuple([f"{' and '.join(names)} would {rest}" for rest, names in policies.items()])


def apart_of(draft: Draft) -> tuple[PolicyApart, ...]:
    """Which policies end lines or withheld services otherwise, and how many of them."""
    entries: list[ChargeLine | Withheld] = [*draft.lines]
    entries += [entry for encounter in draft.encounters for entry in encounter.withheld]
    counts: Counter[str] = Counter()
    for entry in entries:
        sentences = differences_in_words(entry)
        counts.update({sentence.partition(" would ")[0] for sentence in sentences})
    return tuple([PolicyApart(policy, lines) for policy, lines in sorted(counts.items())])


# ------------------------------------------------------------------ withheld, edits, waste


def withheld_rows(encounters: Iterable[EncounterDraft]) -> tuple[WithheldRow, ...]:
    """What is not billed, what was withheld alike as one row."""
    rows: dict[WithheldRow, int] = {}
    for encounter in encounters:
        for entry in encounter.withheld:
            row = WithheldRow(
                what=entry.drug,
                minutes=str(entry.minutes or ""),
                says=entry.says,
                reason=entry.reason,
                apart=apart_in_words(entry),
                times=1,
            )
            rows[row] = rows.get(row, 0) + 1
    return tuple([row._replace(times=times) for row, times in rows.items()])


def edit_rows(draft: Draft, prices: Mapping[str, int]) -> tuple[EditRow, ...]:
    """The edits before the claim, those of one kind as one row."""
    lines = {line.line_id: line for line in draft.lines}
    alike: dict[tuple[str, str], list[ClaimEdit]] = {}
    for edit in draft.edits:
        alike.setdefault((edit.edit, edit.severity), []).append(edit)
    return tuple([_edit_row(edits, lines, prices) for edits in alike.values()])


def _edit_row(
    edits: Sequence[ClaimEdit], lines: Mapping[str, ChargeLine], prices: Mapping[str, int]
) -> EditRow:
    first = edits[0]
    stakes = [edit_of(edit, lines, prices)["stake_cents"] for edit in edits]
    cents = sum([stake for stake in stakes if isinstance(stake, int)])
    at_stake = dict.fromkeys([line_id for edit in edits for line_id in edit.lines])
    finding = first.finding
    return EditRow(
        state=SEVERITIES[first.severity],
        code=first.edit,
        says=MEANINGS[first.edit]
        if len(edits) > 1
        else f"Expected {finding.expected}; found {finding.found}.",
        do=finding.do,
        who=first.who,
        lines=tuple([lines[line_id].code for line_id in at_stake if line_id in lines]),
        stake=dollars(cents) if cents else "",
        times=len(edits),
    )


def waste_rows(draft: Draft) -> tuple[BesideRow, ...]:
    """The lines of discarded amounts, and the drug lines that say that nothing was discarded."""
    return tuple(
        [
            BesideRow(
                line.drug,
                (f"{'-'.join([line.code, *line.modifiers])} ×{line.units}", _wasted(line)),
            )
            for line in draft.lines
            if line.role == _DISCARDED or "JZ" in line.modifiers
        ]
    )


def _wasted(line: ChargeLine) -> str:
    if line.role != _DISCARDED:
        return "nothing was discarded"
    ndc = line.ndc
    left = f"; {plain(ndc.quantity)} {ndc.unit}" if ndc is not None and ndc.quantity else ""
    return f"{what_of(line)}{left}"
