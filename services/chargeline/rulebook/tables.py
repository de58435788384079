"""The CSV tables of the rules folder: roles, codes and drugs.

This module owns their columns and checks each row. A row of roles or codes becomes a rule like any
other: `chemo.push.initial,96409,2024-01-01,,CPT` is the rule that gives the role its code from that
day on. A table shows many such rules at a glance. The module does not know what a role or a class
means.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import chain, pairwise
from pathlib import Path
from typing import get_args

from chargeline.engine import (
    CONCERNS,
    AmountRange,
    Condition,
    Drug,
    Finding,
    NameWords,
    Rule,
    claim_words,
    normal,
    words,
)
from chargeline.rulebook.files import (
    Days,
    Row,
    check_key,
    check_source,
    days_of,
    place_of,
    read_table,
    read_toml,
)
from chargeline.rulebook.rule_files import Sets

_CODE_COLUMNS = ("role", "code", "from", "until", "cite")
_ROLE_COLUMNS = (
    "class", "technique", "position", "role", "id", "why", "cite", "from", "until",
)  # fmt: skip
_ROLE_FACTS = ("class", "technique", "position")
_DRUG_COLUMNS = (
    "id", "names", "hcpcs", "unit_amount", "unit", "kind", "container",
    "from", "until", "cite", "note",
)  # fmt: skip
_DRUG_CHOICES = ("routes", "amounts", "most", "patients")
# A site's own table may leave out the columns above.


def parse_codes(path: Path, sources: Mapping[str, str], mistakes: list[Finding]) -> list[Rule]:
    """The table of codes as rules of the concern role.code."""
    rules = []
    for row in read_table(path, _CODE_COLUMNS, mistakes):
        days = days_of(row, mistakes)
        role, code = row.cells["role"], row.cells["code"]
        if not role or not code:
            mistakes.append(
                Finding(
                    "rules.value",
                    expected="a role and a code",
                    found="an empty field",
                    where=row.place,
                    do="fill both",
                )
            )
        check_source(row, sources, mistakes)
        rules.append(
            _rule(
                row,
                days,
                rule_id=f"code.{role}.{days.starts.isoformat()}",
                concern="role.code",
                when=(Condition("role", frozenset({role})),),
                answer=("code", code),
                why=f"The code of the role {role} in the table of codes.",
            )
        )
    return rules


def parse_roles(
    path: Path, sources: Mapping[str, str], sets: Sets, mistakes: list[Finding]
) -> list[Rule]:
    """The grid of roles as rules of the concern service.role.

    A cell of class, technique or position holds a word, or the name of a set of sets.toml.
    """
    rules = []
    for row in read_table(path, _ROLE_COLUMNS, mistakes):
        days = days_of(row, mistakes)
        check_source(row, sources, mistakes)
        role, rule_id, why = [row.cells[column].strip() for column in ("role", "id", "why")]
        if not (role and rule_id and why):
            mistakes.append(
                Finding(
                    "rules.value",
                    expected="a role, an id, and a sentence in why",
                    found="an empty field",
                    where=row.place,
                    do="fill all of them",
                )
            )
        conditions = [_role_condition(row, fact, sets, mistakes) for fact in _ROLE_FACTS]
        rules.append(
            _rule(
                row,
                days,
                rule_id=rule_id,
                concern="service.role",
                when=tuple(conditions),
                answer=("role", role),
                why=why,
            )
        )
    return rules


def _role_condition(row: Row, fact: str, sets: Sets, mistakes: list[Finding]) -> Condition:
    word = row.cells[fact].strip()
    allowed = CONCERNS["service.role"].facts[fact].words
    of_fact = sets.get(fact, {})
    if word not in allowed and word not in of_fact:
        mistakes.append(
            Finding(
                "rules.value",
                expected=f"{fact} = one of {', '.join([*allowed, *of_fact])}",
                found=repr(word),
                where=row.place,
                do="correct the word",
            )
        )
    return Condition(fact, of_fact.get(word, frozenset({word})))


def _rule(
    row: Row,
    days: Days,
    *,
    rule_id: str,
    concern: str,
    when: tuple[Condition, ...],
    answer: tuple[str, str],
    why: str,
) -> Rule:
    decides = CONCERNS[concern]
    return Rule(
        id=rule_id,
        concern=decides,
        layer="base",
        starts=days.starts,
        ends=days.ends,
        when=when,
        then=(answer,),
        answer=decides.answer_of(dict([answer])),
        why=why,
        cite=(row.cells["cite"],),
        overrides=(),
        other=(),
        place=row.place,
    )


# ------------------------------------------------------------------ drugs


def parse_formulary(
    path: Path, mistakes: list[Finding], sources: Mapping[str, str] | None = None
) -> list[Drug]:
    """The drugs of one formulary table.

    Each key in `cite` must be one of `sources`. With None `cite` may be any text: the source of a
    site's own table is the site.
    """
    drugs = []
    for row in read_table(path, _DRUG_COLUMNS, mistakes):
        days = days_of(row, mistakes)
        if sources is not None:
            for key in row.cells["cite"].split("|"):
                check_key(key, row.place, sources, mistakes)
        drug = _drug(row, days, mistakes)
        if drug is not None:
            drugs.append(drug)
    return drugs


def _drug(row: Row, days: Days, mistakes: list[Finding]) -> Drug | None:
    """The drug of a row; None, and a mistake, if the row is not one."""
    columns = (*_DRUG_COLUMNS, *_DRUG_CHOICES)
    cells = {column: row.cells.get(column, "").strip() for column in columns}
    try:
        amount = Decimal(cells["unit_amount"])
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        found = repr(row.cells["unit_amount"])
        mistakes.append(_wrong(row.place, "unit_amount above 0", found, "give the billing unit"))
        return None
    if not cells["id"]:
        do = "name the drug, such as iron-sucrose"
        mistakes.append(_wrong(row.place, "an id", "an empty field", do))
        return None
    kind = next((word for word in words.DRUG_KINDS if word == row.cells["kind"]), None)
    if kind is None:
        allowed = ", ".join(words.DRUG_KINDS)
        found = repr(row.cells["kind"])
        mistakes.append(_wrong(row.place, f"kind = one of {allowed}", found, "correct it"))
        return None
    return Drug(
        id=cells["id"],
        names=tuple([name.strip() for name in row.cells["names"].split("|") if name.strip()]),
        hcpcs=cells["hcpcs"],
        unit_amount=amount,
        unit=cells["unit"],
        kind=kind,
        container=cells["container"],
        starts=days.starts,
        ends=days.ends,
        cite=cells["cite"].replace("|", ", "),
        note=cells["note"],
        routes=_routes(row, cells["routes"], mistakes),
        amounts=_amounts(row, cells["amounts"], mistakes),
        most=_most(row, cells["most"], mistakes),
        patients=_patients(row, cells["patients"], mistakes),
    )


def _patients(row: Row, cell: str, mistakes: list[Finding]) -> claim_words.PatientsCharted:
    """The patients for whom the code of a row is; "" for all whom no other row is for."""
    allowed = get_args(claim_words.PatientsCharted)
    named = next((word for word in allowed if word == cell), None)
    if named is None:
        expected = f"patients = {' or '.join(filter(None, allowed))}, or nothing"
        mistakes.append(_wrong(row.place, expected, repr(cell), "correct the word"))
    return named or ""


def _routes(row: Row, cell: str, mistakes: list[Finding]) -> frozenset[words.RouteCharted]:
    """The routes of a cell such as `subcutaneous|intramuscular`."""
    named = [name.strip() for name in cell.split("|") if name.strip()]
    by_word: dict[str, words.RouteCharted] = {route: route for route in get_args(words.Route)}
    for name in named:
        if name not in by_word:
            expected = f"routes = one of {', '.join(by_word)}, with | between them"
            mistakes.append(_wrong(row.place, expected, repr(name), "correct the word"))
    return frozenset(by_word[name] for name in named if name in by_word)


def _amounts(row: Row, cell: str, mistakes: list[Finding]) -> tuple[AmountRange, ...]:
    """The amounts of a cell such as `7.5|22.5`, `..250` or `251..500`, in the unit of the row."""
    ranges = []
    for part in [part.strip() for part in cell.split("|") if part.strip()]:
        least, dots, most = part.partition("..")
        try:
            bounds = [Decimal(bound) if bound else None for bound in (least, most)]
        except InvalidOperation:
            expected = "amounts such as 7.5|22.5, ..250 or 251..500"
            mistakes.append(_wrong(row.place, expected, repr(part), "correct the number"))
            continue
        ranges.append(AmountRange(bounds[0], bounds[1] if dots else bounds[0]))
    return tuple(ranges)


def _most(row: Row, cell: str, mistakes: list[Finding]) -> Decimal | None:
    """The largest dose at once, in the unit of the row; None where the cell is empty."""
    if not cell:
        return None
    try:
        most = Decimal(cell)
    except InvalidOperation:
        most = Decimal(0)
    if not most.is_finite() or most <= 0:
        do = "give the largest dose that the label gives to anybody, or leave it empty"
        mistakes.append(_wrong(row.place, "most above 0", repr(cell), do))
        return None
    return most


def _wrong(place: str, expected: str, found: str, do: str) -> Finding:
    return Finding("rules.formulary", expected=expected, found=found, where=place, do=do)


def formulary_mistakes(drugs: Sequence[Drug], place: str) -> list[Finding]:
    """A mistake for each name that means two drugs, and for rows of one drug with the same days.

    A name may stand in two rows that differ by route or amount: the administration then chooses.
    """
    mistakes = []
    owners: dict[str, list[Drug]] = {}
    rows: dict[tuple[str, str], list[Drug]] = {}
    for drug in drugs:
        rows.setdefault((drug.id, drug.patients), []).append(drug)
        if drug.patients:
            continue
        for name in sorted({normal(name) for name in (drug.id, *drug.names)}):
            for owner in owners.setdefault(name, []):
                if owner.id != drug.id and not _told_apart(owner, drug):
                    found = f"{name!r} for {owner.id} and {drug.id}"
                    do = "remove it from one, or tell them apart by `routes` or `amounts`"
                    mistakes.append(_wrong(place, "a name that means one drug", found, do))
            owners[name].append(drug)
    for (drug_id, patients), same in rows.items():
        of_all = rows.get((drug_id, ""), ())
        if patients and {drug.unit for drug in same} != {drug.unit for drug in of_all}:
            found = f"none for {drug_id} beside that for {patients}"
            do = "add the row for all other patients, with the same unit and an empty `patients`"
            mistakes.append(_wrong(place, "a code for all other patients", found, do))
        ordered = sorted(same, key=lambda drug: drug.starts)
        for earlier, later in pairwise(ordered):
            if earlier.ends is None or earlier.ends > later.starts:
                found = f"{drug_id} twice on {later.starts}"
                do = "end the earlier row"
                mistakes.append(_wrong(place, "one row for a drug on a day", found, do))
    return mistakes


def _told_apart(first: Drug, second: Drug) -> bool:
    """Whether no route or no amount fits both rows, or no day has both."""
    if first.routes and second.routes and not first.routes & second.routes:
        return True
    if first.amounts and second.amounts:
        return not any(
            _overlap(ours, theirs) for ours in first.amounts for theirs in second.amounts
        )
    return not (_begins_before(first, second) and _begins_before(second, first))


def _overlap(first: AmountRange, second: AmountRange) -> bool:
    def reaches(one: AmountRange, other: AmountRange) -> bool:
        return one.least is None or other.most is None or one.least <= other.most

    return reaches(first, second) and reaches(second, first)


def _begins_before(first: Drug, second: Drug) -> bool:
    """Whether the first row begins before the second one ends."""
    return second.ends is None or first.starts < second.ends


def parse_name_words(path: Path, mistakes: list[Finding]) -> NameWords:
    """The words of words.toml: harmless ones by kind, and words that are read as another."""
    table = read_toml(path, mistakes)
    harmless, alike = table.get("harmless", {}), table.get("alike", {})
    if (
        isinstance(harmless, dict)
        and isinstance(alike, dict)
        and not table.keys() - {"harmless", "alike"}
        and all(isinstance(kind, list) for kind in harmless.values())
        and all(map(_is_word, (*chain(*harmless.values()), *alike.values())))
    ):
        return NameWords(frozenset(chain(*harmless.values())), alike)
    mistakes.append(
        Finding(
            "rules.value",
            expected='[harmless] with lists of lower-case words, [alike] with word = "word"',
            found="something else",
            where=place_of(path),
            do="correct it",
        )
    )
    return NameWords()


def _is_word(value: object) -> bool:
    return isinstance(value, str) and normal(value) == value and " " not in value
