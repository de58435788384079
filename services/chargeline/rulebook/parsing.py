"""From TOML and CSV to rules and drugs.

It owns the shape of a rule file and of a table row, and collects every mistake instead of stopping
at the first. Words are checked against the engine's closed vocabulary, dates are half-open.
"""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from chargeline.engine.finding import Finding
from chargeline.engine.formulary import Drug, normal
from chargeline.engine.rules import Answer, Condition, Rule
from chargeline.engine.vocabulary import CONCERNS, COUNT, KINDS, MINUTES, TEXT, Concern

_RULE_KEYS = frozenset(
    {"id", "decides", "from", "until", "when", "then", "why", "cite", "overrides", "other"}
)
_POLICY_KEYS = frozenset({"name", "describes"})  # the head of a policy.toml
_DRUG_COLUMNS = [
    "id",
    "names",
    "hcpcs",
    "unit_amount",
    "unit",
    "kind",
    "container",
    "from",
    "until",
    "cite",
    "note",
]
_CODE_COLUMNS = ("role", "code", "from", "until", "cite")


def read_toml(path: Path, mistakes: list[Finding]) -> dict[str, object]:
    """A TOML file as a table; {} and a mistake where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        mistakes.append(
            Finding(
                "rules.file", expected="a TOML file", found=str(error), where=path.name, do="correct the file"
            )
        )
    except FileNotFoundError:
        mistakes.append(
            Finding(
                "rules.file",
                expected="this file",
                found="none",
                where=str(path),
                do="restore it, or name another folder",
            )
        )
    return {}


def parse_rules(path: Path, layer: str, sources: frozenset[str], mistakes: list[Finding]) -> list[Rule]:
    """All rules of one file."""
    rules = []
    for index, entry in enumerate(entries_of(path, "rule", _POLICY_KEYS, mistakes), start=1):
        place = f"{layer}/{path.name} rule {index} ({entry.get('id', 'without id')})"
        parser = _RuleParser(entry, place, layer, sources)
        rule = parser.parse()
        mistakes.extend(parser.mistakes)
        if rule is not None:
            rules.append(rule)
    return rules


def entries_of(
    path: Path, heading: str, others: frozenset[str], mistakes: list[Finding]
) -> list[dict[str, object]]:
    """The [[heading]] entries of a file; anything else but the keys in `others` is a mistake."""
    table = read_toml(path, mistakes)
    for key in sorted(set(table) - others - {heading}):
        mistakes.append(
            Finding(
                "rules.key",
                expected=f"[[{heading}]] entries",
                found=f"{key!r}",
                where=path.name,
                do=f"write [[{heading}]]",
            )
        )
    entries = table.get(heading, [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        mistakes.append(
            Finding(
                "rules.key",
                expected=f"[[{heading}]] entries",
                found="something else",
                where=path.name,
                do=f"write [[{heading}]]",
            )
        )
        return []
    return entries


class _RuleParser:
    """One [[rule]] entry; collects its mistakes."""

    def __init__(self, entry: Mapping[str, object], place: str, layer: str, sources: frozenset[str]) -> None:
        self.entry = entry
        self.place = place
        self.layer = layer
        self.sources = sources
        self.mistakes: list[Finding] = []

    def parse(self) -> Rule | None:
        """The rule, or None if it has mistakes."""
        for key in sorted(set(self.entry) - _RULE_KEYS):
            self._wrong(f"one of the keys {', '.join(sorted(_RULE_KEYS))}", f"{key!r}", "remove or rename it")
        concern = CONCERNS.get(str(self.entry.get("decides")))
        if concern is None:
            known = ", ".join(CONCERNS)
            self._wrong(f"decides = one of {known}", f"{self.entry.get('decides')!r}", "correct it")
            return None
        starts = self._day("from", required=True)
        ends = self._day("until", required=False)
        if starts and ends and ends <= starts:
            self._wrong(
                "until after from", f"{starts} to {ends}", "until is the first day it no longer holds"
            )
        when = self._when(concern)
        then = self._then(concern)
        rule = Rule(
            self._text("id"),
            concern.name,
            self.layer,
            starts or date.min,
            ends,
            when,
            then,
            self._text("why"),
            self._cite(),
            tuple(self._texts("overrides")),
            self.place,
        )
        return None if self.mistakes else rule

    def _wrong(self, expected: str, found: str, do: str) -> None:
        self.mistakes.append(Finding("rules.value", expected=expected, found=found, where=self.place, do=do))

    def _text(self, key: str) -> str:
        value = self.entry.get(key)
        if not isinstance(value, str) or not value.strip():
            self._wrong(f"{key} = a text", repr(value), f"give the rule its {key}")
            return ""
        return value

    def _texts(self, key: str) -> list[str]:
        value = self.entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._wrong(f"{key} = a list of texts", repr(value), "write it in brackets")
            return []
        return value

    def _day(self, key: str, *, required: bool) -> date | None:
        value = self.entry.get(key)
        if value is None and not required:
            return None
        if type(value) is not date:
            self._wrong(f"{key} = a date such as 2026-01-01", repr(value), "write the day without quotes")
            return None
        return value

    def _cite(self) -> tuple[str, ...]:
        cite = self._texts("cite")
        if not cite:
            self._wrong("cite = at least one source", "none", "name a key of sources.toml")
        for key in cite:
            if key not in self.sources:
                self._wrong(
                    "a source of sources.toml", f"{key!r}", "add the source there, or correct the key"
                )
        return tuple(cite)

    def _when(self, concern: Concern) -> tuple[Condition, ...]:
        value = self.entry.get("when", {})
        if not isinstance(value, dict):
            self._wrong("when = { fact = value }", repr(value), "write a table")
            return ()
        return tuple(
            condition
            for fact, wanted in sorted(value.items())
            if (condition := self._condition(concern, fact, wanted)) is not None
        )

    def _condition(self, concern: Concern, fact: str, wanted: object) -> Condition | None:
        allowed = concern.facts.get(fact)
        if allowed is None:
            known = ", ".join(concern.facts) or "none"
            self._wrong(f"a fact of {concern.name} ({known})", f"{fact!r}", "correct the name of the fact")
            return None
        if allowed == MINUTES:
            return self._range(fact, wanted)
        words = [wanted] if isinstance(wanted, str) else wanted
        if not isinstance(words, list) or not all(isinstance(each, str) for each in words) or not words:
            self._wrong(f"{fact} = a word or a list of words", repr(wanted), "correct the value")
            return None
        for word in words:
            if not isinstance(allowed, str) and word not in allowed:
                self._wrong(f"{fact} = one of {', '.join(allowed)}", repr(word), "correct the word")
        if fact == "payer":
            words = [word.upper() for word in words]  # payers are named in any case
        return Condition(fact, frozenset(words), None, None)

    def _range(self, fact: str, wanted: object) -> Condition | None:
        if not isinstance(wanted, dict) or not wanted or set(wanted) - {"at_least", "at_most"}:
            self._wrong(f"{fact} = {{ at_least = n, at_most = n }}", repr(wanted), "correct the range")
            return None
        bounds = [wanted.get("at_least"), wanted.get("at_most")]
        if any(each is not None and type(each) is not int for each in bounds):
            self._wrong("whole minutes", repr(wanted), "write whole numbers")
            return None
        return Condition(fact, frozenset(), bounds[0], bounds[1])

    def _then(self, concern: Concern) -> tuple[tuple[str, Answer], ...]:
        value = self.entry.get("then")
        if not isinstance(value, dict) or not value:
            self._wrong("then = { answer = value }", repr(value), "say what the rule decides")
            return ()
        return tuple((key, self._answer(concern, key, each)) for key, each in sorted(value.items()))

    def _answer(self, concern: Concern, key: str, value: object) -> Answer:
        allowed = concern.answers.get(key)
        number = allowed in (MINUTES, COUNT)
        if allowed is None:
            self._wrong(
                f"an answer of {concern.name} ({', '.join(concern.answers)})", repr(key), "correct it"
            )
        elif number and type(value) is not int:
            self._wrong(f"{key} = a whole number", repr(value), "correct the value")
        elif allowed == TEXT and not isinstance(value, str):
            self._wrong(f"{key} = a text", repr(value), "put it in quotes")
        elif not number and allowed != TEXT and value not in allowed:
            self._wrong(f"{key} = one of {', '.join(allowed)}", repr(value), "correct the word")
        return value if isinstance(value, int) else str(value)


def _rows(path: Path, columns: Sequence[str], mistakes: list[Finding]) -> list[tuple[str, dict[str, str]]]:
    """Rows of a CSV table with their places; the header must name all columns."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [each for each in columns if each not in (reader.fieldnames or [])]
            if missing:
                mistakes.append(
                    Finding(
                        "rules.key",
                        expected=f"columns {', '.join(columns)}",
                        found=f"no {', '.join(missing)}",
                        where=path.name,
                        do="add them",
                    )
                )
                return []
            return [
                (
                    f"{path.name} line {reader.line_num}",
                    {key: value or "" for key, value in row.items() if key},
                )
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        mistakes.append(
            Finding(
                "rules.file",
                expected="a CSV table",
                found=str(error),
                where=str(path),
                do="correct the file or its name",
            )
        )
        return []


def _dates(place: str, row: Mapping[str, str], mistakes: list[Finding]) -> tuple[date, date | None]:
    found: list[date | None] = []
    for key in ("from", "until"):
        text = row[key].strip()
        try:
            found.append(date.fromisoformat(text) if text else None)
        except ValueError:
            found.append(None)
            mistakes.append(
                Finding(
                    "rules.date",
                    expected=f"{key} as YYYY-MM-DD",
                    found=repr(text),
                    where=place,
                    do="correct the date",
                )
            )
    if not row["from"].strip():
        mistakes.append(
            Finding(
                "rules.date",
                expected="a first day in from",
                found="none",
                where=place,
                do="say since when the row holds",
            )
        )
    starts, ends = found[0] or date.min, found[1]
    if ends is not None and ends <= starts:
        mistakes.append(
            Finding(
                "rules.date",
                expected="until after from",
                found=f"{starts} to {ends}",
                where=place,
                do="until is exclusive",
            )
        )
    return starts, ends


def parse_codes(path: Path, sources: frozenset[str], mistakes: list[Finding]) -> list[Rule]:
    """The table of codes as rules of the concern role.code."""
    rules = []
    for place, row in _rows(path, _CODE_COLUMNS, mistakes):
        starts, ends = _dates(place, row, mistakes)
        if not row["role"] or not row["code"]:
            mistakes.append(
                Finding(
                    "rules.value",
                    expected="a role and a code",
                    found="an empty field",
                    where=place,
                    do="fill both",
                )
            )
        if row["cite"] not in sources:
            mistakes.append(
                Finding(
                    "rules.cite",
                    expected="a source of sources.toml",
                    found=repr(row["cite"]),
                    where=place,
                    do="correct the key",
                )
            )
        rules.append(
            Rule(
                f"code.{row['role']}.{starts.isoformat()}",
                "role.code",
                "base",
                starts,
                ends,
                (Condition("role", frozenset({row["role"]}), None, None),),
                (("code", row["code"]),),
                f"The code of the role {row['role']} in the table of codes.",
                (row["cite"],),
                (),
                place,
            )
        )
    return rules


def parse_formulary(path: Path, mistakes: list[Finding]) -> list[Drug]:
    """The drugs of one formulary table."""
    drugs = []
    for place, row in _rows(path, _DRUG_COLUMNS, mistakes):
        starts, ends = _dates(place, row, mistakes)
        try:
            amount = Decimal(row["unit_amount"])
        except InvalidOperation:
            amount = Decimal(0)
        if not amount.is_finite() or amount <= 0:
            mistakes.append(
                Finding(
                    "rules.formulary",
                    expected="unit_amount above 0",
                    found=repr(row["unit_amount"]),
                    where=place,
                    do="give the billing unit",
                )
            )
            continue
        if not row["id"].strip():
            mistakes.append(
                Finding(
                    "rules.formulary",
                    expected="an id",
                    found="an empty field",
                    where=place,
                    do="name the drug, such as iron-sucrose",
                )
            )
            continue
        if row["kind"] not in KINDS:
            mistakes.append(
                Finding(
                    "rules.formulary",
                    expected=f"kind = one of {', '.join(KINDS)}",
                    found=repr(row["kind"]),
                    where=place,
                    do="correct it",
                )
            )
            continue
        names = tuple(name.strip() for name in row["names"].split("|") if name.strip())
        drugs.append(
            Drug(
                row["id"].strip(), names, row["hcpcs"].strip(), amount, row["unit"].strip(), row["kind"],
                row["container"].strip(), starts, ends, row["cite"].strip(), row["note"].strip(),
            )
        )  # fmt: skip
    return drugs


def formulary_mistakes(drugs: Sequence[Drug], place: str) -> list[Finding]:
    """Names that mean two drugs, and rows of one drug whose dates overlap."""
    mistakes = []
    owner: dict[str, str] = {}
    rows: dict[str, list[Drug]] = {}
    for drug in drugs:
        rows.setdefault(drug.id, []).append(drug)
        for name in sorted({normal(each) for each in (drug.id, *drug.names)}):
            if owner.setdefault(name, drug.id) != drug.id:
                found = f"{name!r} for {owner[name]} and {drug.id}"
                mistakes.append(
                    Finding(
                        "rules.formulary",
                        expected="a name that means one drug",
                        found=found,
                        where=place,
                        do="remove it from one",
                    )
                )
    for drug_id, same in rows.items():
        ordered = sorted(same, key=lambda drug: drug.starts)
        for earlier, later in pairwise(ordered):
            if earlier.ends is None or earlier.ends > later.starts:
                found = f"{drug_id} twice on {later.starts}"
                mistakes.append(
                    Finding(
                        "rules.formulary",
                        expected="one row for a drug on a day",
                        found=found,
                        where=place,
                        do="end the earlier row",
                    )
                )
    return mistakes
