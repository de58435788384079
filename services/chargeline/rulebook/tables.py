"""The CSV tables of the rules folder: roles, codes and drugs.

This module owns their columns and checks each row. A row of roles or codes becomes a rule like any
other: `chemo.push.initial,96409,2024-01-01,,CPT` is the rule that gives the role its code from that
day on. A table shows many such rules at a glance. The module does not know what a role or a class
means.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from chargeline.engine import CONCERNS, Condition, Drug, Finding, Rule, normal, words
from chargeline.rulebook.files import Days, Row, check_source, days_of, read_table
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


def parse_formulary(path: Path, mistakes: list[Finding]) -> list[Drug]:
    """The drugs of one formulary table."""
    drugs = []
    for row in read_table(path, _DRUG_COLUMNS, mistakes):
        days = days_of(row, mistakes)
        drug = _drug(row, days, mistakes)
        if drug is not None:
            drugs.append(drug)
    return drugs


def _drug(row: Row, days: Days, mistakes: list[Finding]) -> Drug | None:
    """The drug of a row; None, and a mistake, if the row is not one."""
    cells = {column: row.cells[column].strip() for column in _DRUG_COLUMNS}
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
        cite=cells["cite"],
        note=cells["note"],
    )


def _wrong(place: str, expected: str, found: str, do: str) -> Finding:
    return Finding("rules.formulary", expected=expected, found=found, where=place, do=do)


def formulary_mistakes(drugs: Sequence[Drug], place: str) -> list[Finding]:
    """A mistake for each name of two drugs, and for rows of one drug whose dates overlap."""
    mistakes = []
    owners: dict[str, str] = {}
    rows: dict[str, list[Drug]] = {}
    for drug in drugs:
        rows.setdefault(drug.id, []).append(drug)
        for name in sorted({normal(name) for name in (drug.id, *drug.names)}):
            if owners.setdefault(name, drug.id) != drug.id:
                found = f"{name!r} for {owners[name]} and {drug.id}"
                do = "remove it from one"
                mistakes.append(_wrong(place, "a name that means one drug", found, do))
    for drug_id, same in rows.items():
        ordered = sorted(same, key=lambda drug: drug.starts)
        for earlier, later in pairwise(ordered):
            if earlier.ends is None or earlier.ends > later.starts:
                found = f"{drug_id} twice on {later.starts}"
                do = "end the earlier row"
                mistakes.append(_wrong(place, "one row for a drug on a day", found, do))
    return mistakes
