"""Cases beside the rules: a sentence, what was given, and what the draft must hold.

This module owns the keys of a case, and runs a case against a rulebook. A case always says which
service codes it expects. Drug lines, withheld services and questions are compared only if the case
mentions them. With `choose` a case gives other answers than the rulebook does, so that an answer
which no shipped policy gives can be proven too. The module does no coding; the engine drafts.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple, cast

from chargeline.engine import (
    CONCERNS,
    Administration,
    Contribution,
    Day,
    Draft,
    Finding,
    History,
    Needs,
    Rulebook,
    SharedDecisions,
    Slot,
    Timeline,
    VisitContext,
    VisitKey,
    days_of_visit,
    draft,
    fold,
    words,
)
from chargeline.rulebook.authorization_notation import (
    authorized_in_short,
    needed_in_short,
    needs_in,
    visit_of,
)
from chargeline.rulebook.care_notation import care_of, contribution_of
from chargeline.rulebook.case_tables import tables_of
from chargeline.rulebook.choosing import Answers, with_answers_chosen
from chargeline.rulebook.files import entries_of
from chargeline.rulebook.notation import FIRST_DAY, administration_of, dispensed_of, reading_of
from chargeline.rulebook.rule_files import answer_mistakes

KEY = VisitKey("CASE", "V1")
PATIENT = "ZZCASE"
_LISTS = (
    "given", "charted", "expect", "drugs", "withheld", "withheld_drugs", "asks", "edits",
    "diagnoses", "tables", "dispensed", "care", "record", "authorized", "needed", "visit",
)  # fmt: skip
_KEYS = frozenset(
    {"says", "source", "given", "charted", "expect", "drugs", "withheld", "withheld_drugs", "asks"}
    | {"edits", "tables", "policy", "class", "diagnoses", "payer", "second_encounter", "admitted"}
    | {"choose", "day", "dispensed", "care", "record", "authorized", "needed", "visit"}
)


class Case(NamedTuple):
    """One case. `expect` maps a policy to service codes such as `96415 x2` or `96365-59`.

    A case has `given`, the administrations, or `charted`, the rows of a nurse, from which the
    engine folds the timeline, or neither and only `care`, what was said beside the pharmacy.
    `record` is what other visits add to the patient's record (care_notation.py). `choose` holds
    answers by concern, in place of the rulebook's.
    `tables` are rows of published tables (case_tables.py), and `dispensed` is what the pharmacy
    handed out for orders of which nothing is charted. `visit` says which authorizations the visit
    names, who treats the patient, and where (authorization_notation.py). None in `drugs`,
    `withheld`, `withheld_drugs`, `asks`, `edits`, `authorized` or `needed` means that the case does
    not mention them.
    """

    place: str
    says: str
    source: str
    given: tuple[str, ...]
    charted: tuple[str, ...]
    expect: Mapping[str, tuple[str, ...]]
    drugs: tuple[str, ...] | None
    withheld: tuple[str, ...] | None
    withheld_drugs: tuple[str, ...] | None
    asks: tuple[str, ...] | None
    edits: tuple[str, ...] | None
    patient_class: words.PatientClassFact
    diagnoses: tuple[str, ...]
    payer: str
    second_encounter: bool
    choose: Answers
    tables: tuple[str, ...] = ()
    dispensed: tuple[str, ...] = ()
    care: tuple[str, ...] = ()
    record: tuple[str, ...] = ()
    authorized: tuple[str, ...] | None = None
    needed: tuple[str, ...] | None = None
    visit: tuple[str, ...] = ()
    day: date = FIRST_DAY
    admitted: date | None = None


def read_cases(paths: Sequence[Path], rulebook: Rulebook, mistakes: list[Finding]) -> list[Case]:
    """All cases of some files. A case that names no policy must hold under every policy."""
    cases = []
    for path in paths:
        for index, entry in enumerate(entries_of(path, "case", frozenset(), mistakes), start=1):
            place = f"{path.parent.name}/{path.name} case {index}"
            mistake = _mistake(entry, rulebook)
            if mistake is not None:
                mistakes.append(mistake._replace(where=place))
            else:
                cases.append(_case(entry, place, rulebook))
    return cases


def _mistake(entry: Mapping[str, object], rulebook: Rulebook) -> Finding | None:
    """The first mistake of an entry, None if it is a case. The caller adds the place."""
    unknown = sorted(set(entry) - _KEYS)
    has_both = bool(entry.get("given")) and bool(entry.get("charted"))
    has_one = any(entry.get(key) for key in ("given", "charted", "care"))
    if unknown or not entry.get("says") or has_both or not has_one or "expect" not in entry:
        found = f"keys {', '.join(sorted(entry))}"
        expected = "says, expect, and given, charted or care"
        return _unlike(expected, found, "see rules/README.md")
    expect = entry["expect"]
    lists = [entry.get(key, []) for key in _LISTS if key != "expect"]
    lists += expect.values() if isinstance(expect, dict) else [expect]
    if not all(isinstance(texts, list) for texts in lists):
        return _unlike(
            f"lists in {', '.join(_LISTS)}", "a value without brackets", "write [ ] around it"
        )
    named = entry.get("class", "outpatient")
    classes = words.words_of(words.PatientClassFact)
    if named not in classes:
        return _unlike(f"class = one of {', '.join(classes)}", repr(named), "correct it")
    policies = [*expect] if isinstance(expect, dict) else [entry.get("policy")]
    strange = sorted({str(name) for name in policies if name} - set(rulebook.policies))
    if strange:
        allowed = ", ".join(sorted(rulebook.policies))
        return _unlike(f"policies among {allowed}", ", ".join(strange), "correct them")
    for key in ("admitted", "day"):
        if not isinstance(entry.get(key, FIRST_DAY), date):
            return _unlike(f"{key} = a date", repr(entry[key]), "write 2026-03-02")
    return _wrong_choice(entry.get("choose", {}))


def _wrong_choice(choose: object) -> Finding | None:
    """The first mistake in `choose`, a table of concerns that each have a table of answers."""
    expected = 'choose = { "position.initial" = { by = "rank" } }'
    if not isinstance(choose, dict):
        return _unlike(expected, repr(choose), "write a table")
    for name, answers in choose.items():
        concern = CONCERNS.get(name)
        if concern is None or not isinstance(answers, dict):
            return _unlike(expected, repr(name), "name a concern, with a table of answers")
        wrong = answer_mistakes(concern, answers)
        if wrong:
            return _unlike(*wrong[0])
        required = [field.name for field in concern.answers.values() if field.required]
        missing = [key for key in required if key not in answers]
        if missing:
            return _unlike(f"{', '.join(missing)} for {name}", "none", "say it in `choose`")
    return None


def _unlike(expected: str, found: str, do: str) -> Finding:
    return Finding("rules.case", expected=expected, found=found, where="", do=do)


def _case(entry: Mapping[str, object], place: str, rulebook: Rulebook) -> Case:
    expect = entry["expect"]
    named = entry.get("policy")
    policies = [str(named)] if named else list(rulebook.policies)
    by_policy = expect if isinstance(expect, dict) else dict.fromkeys(policies, expect)
    return Case(
        place=place,
        says=str(entry["says"]),
        source=str(entry.get("source", "")),
        given=_texts(entry.get("given", [])),
        charted=_texts(entry.get("charted", [])),
        expect={str(policy): _texts(codes) for policy, codes in by_policy.items()},
        drugs=_texts(entry["drugs"]) if "drugs" in entry else None,
        withheld=_texts(entry["withheld"]) if "withheld" in entry else None,
        withheld_drugs=_texts(entry["withheld_drugs"]) if "withheld_drugs" in entry else None,
        asks=_texts(entry["asks"]) if "asks" in entry else None,
        edits=_texts(entry["edits"]) if "edits" in entry else None,
        patient_class=cast(words.PatientClassFact, entry.get("class", "outpatient")),
        diagnoses=_texts(entry.get("diagnoses", [])),
        payer=str(entry.get("payer", "")),
        second_encounter=bool(entry.get("second_encounter", False)),
        admitted=admitted if isinstance(admitted := entry.get("admitted"), date) else None,
        choose=cast(Answers, entry.get("choose", {})),
        tables=_texts(entry.get("tables", [])),
        dispensed=_texts(entry.get("dispensed", [])),
        care=_texts(entry.get("care", [])),
        record=_texts(entry.get("record", [])),
        authorized=_texts(entry["authorized"]) if "authorized" in entry else None,
        needed=_texts(entry["needed"]) if "needed" in entry else None,
        visit=_texts(entry.get("visit", [])),
        day=day if isinstance(day := entry.get("day"), date) else FIRST_DAY,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple([str(text) for text in value]) if isinstance(value, list) else ()


# ------------------------------------------------------------------ running


def run_case(case: Case, rulebook: Rulebook) -> list[Finding]:
    """A finding for each thing that a case expects and does not get; empty if the case holds."""
    failures = []
    chosen = with_choice(case, rulebook)
    try:
        chosen = with_tables(case, chosen)
        timeline = timeline_of(case, chosen)
        history = history_of(case, timeline)
    except ValueError as error:
        finding = _unlike("the notation of rules/README.md", str(error), "correct `given`")
        return [finding._replace(where=case.place)]
    for policy, expected in case.expect.items():
        drafted = draft(timeline, chosen, history, policy=policy)
        outcomes = {
            "codes": (sorted(expected), service_codes(drafted)),
            "drugs": (_sorted(case.drugs), drug_codes(drafted)),
            "withheld": (_sorted(case.withheld), withheld_reasons(drafted)),
            "withheld_drugs": (
                _sorted(case.withheld_drugs),
                withheld_reasons(drafted, drugs=True),
            ),
            "asks": (_sorted(case.asks), question_codes(drafted)),
            "edits": (_sorted(case.edits), edits_in_short(drafted)),
            "authorized": (_sorted(case.authorized), authorized_in_short(drafted)),
            "needed": (_sorted(case.needed), needed_in_short(drafted)),
        }
        for what, (wanted, got) in outcomes.items():
            if wanted is not None and wanted != got:
                failures.append(
                    Finding(
                        "rules.case_fails",
                        expected=f"{what} {', '.join(wanted) or 'none'}",
                        found=", ".join(got) or "none",
                        where=f"{case.place} ({case.says}) under {policy}",
                        do="correct the rule or the case",
                    )
                )
    return failures


def timeline_of(case: Case, rulebook: Rulebook) -> Timeline:
    """The timeline that a case describes. Raises ValueError for a text that cannot be read."""
    context = VisitContext(
        patient=PATIENT,
        classes=((None, case.patient_class),),
        payer=case.payer,
        diagnoses=case.diagnoses,
        admitted=datetime.combine(case.admitted, time(), UTC) if case.admitted else None,
        **visit_of(case.visit),
    )
    said = care_of(case.care, KEY, case.day)
    if case.charted:
        charted = reading_of(case.charted, KEY)
        together = charted._replace(events=(*charted.events, *said.events))
        folded = fold([together], rulebook.base)[KEY]
        return folded._replace(context=context, patients=(PATIENT,))
    beside = fold([said], rulebook.base)[KEY]
    administrations = [
        administration_of(text, n, case.day) for n, text in enumerate(case.given, start=1)
    ]
    handed_out = [dispensed_of(text, n, case.day) for n, text in enumerate(case.dispensed)]
    timeline = timeline_with(administrations, context, beside.days)
    return timeline._replace(
        dispensed=tuple(handed_out),
        observed=beside.observed,
        planned=beside.planned,
        authorizations=beside.authorizations,
        unclear=beside.unclear,
    )


def timeline_with(
    administrations: Sequence[Administration], context: VisitContext, cared: Sequence[Day] = ()
) -> Timeline:
    """The timeline of one invented visit, with its administrations grouped by day.

    `cared` are days with what was said beside the pharmacy.
    """
    days = days_of_visit(administrations, cared)
    return Timeline(KEY, context, days, patients=(context.patient,))


def history_of(case: Case, timeline: Timeline) -> History:
    """The history of a case: what its `record` says, and an earlier visit of its day.

    For a second encounter, another visit of the patient had its initial service before. Raises
    ValueError for a record that cannot be read.
    """
    record = frozenset([contribution_of(text, PATIENT) for text in case.record])
    if not case.second_encounter:
        return record
    slot = Slot("initial_service", FIRST_DAY.isoformat())
    earlier = VisitKey("CASE", "V0")  # of two visits at the same time, V0 sorts before V1
    start = timeline.administrations[0].start
    return record | {Contribution(earlier, PATIENT, slot, start)}


def with_choice(case: Case, rulebook: Rulebook) -> Rulebook:
    """The rulebook with the answers that a case chooses, in place of the rules there."""
    if not case.choose:
        return rulebook
    shared = SharedDecisions()
    policies = {
        name: with_answers_chosen(policy, case.choose, shared)
        for name, policy in rulebook.policies.items()
    }
    base = with_answers_chosen(rulebook.base, case.choose, shared)
    return rulebook._replace(policies=policies, base=base)


def with_tables(case: Case, rulebook: Rulebook) -> Rulebook:
    """The rulebook with the rows of tables that a case makes up. Raises ValueError."""
    needs, published = needs_in(case.tables, case.day)
    if needs:
        rulebook = rulebook._replace(needs=Needs(needs))
    if not published:
        return rulebook
    rules = [rule for policy in rulebook.policies.values() for rule in policy.rules]
    codes = [dict(rule.then)["code"] for rule in rules if rule.concern.name == "role.code"]
    drugs = [drug.hcpcs for drug in rulebook.formulary.drugs]
    billed = frozenset(map(str, (*codes, *drugs)))
    return rulebook.with_tables(tables_of(published, case.day, billed))


def _sorted(texts: tuple[str, ...] | None) -> list[str] | None:
    return sorted(texts) if texts is not None else None


# ------------------------------------------------------------------ a draft in short


def service_codes(drafted: Draft) -> list[str]:
    """Service codes with modifiers and added units, sorted: `96413`, `96415 x2`, `96365-59`."""
    return _codes(drafted, drugs=False)


def drug_codes(drafted: Draft) -> list[str]:
    """HCPCS codes of drug lines with units, sorted: `J9271 x200`, `J9355 N450242013201 UN3 x45`."""
    return _codes(drafted, drugs=True)


def _codes(drafted: Draft, *, drugs: bool) -> list[str]:
    units: dict[str, int] = {}
    for encounter in drafted.encounters:
        for line in encounter.lines:
            if (line.family == "drugs") is drugs:
                name = "-".join([line.code, *line.modifiers])
                name += f" {line.ndc.in_full}" if line.ndc is not None else ""
                units[name] = units.get(name, 0) + line.units
    return sorted([name if count == 1 else f"{name} x{count}" for name, count in units.items()])


def withheld_reasons(drafted: Draft, *, drugs: bool = False) -> list[str]:
    """Reasons of withheld services, sorted; with `drugs` those of the drugs themselves instead."""
    return sorted(
        [
            entry.reason
            for encounter in drafted.encounters
            for entry in encounter.withheld
            if (entry.family == "drugs") is drugs
        ]
    )


def question_codes(drafted: Draft) -> list[str]:
    """Codes of all questions, sorted."""
    asked = [question for encounter in drafted.encounters for question in encounter.questions]
    return sorted([question.finding.code for question in (*drafted.questions, *asked)])


def edits_in_short(drafted: Draft) -> list[str]:
    """Edits before the claim with severity and who settles them: `ndc.missing warns pharmacy`.

    What is at stake follows where a table says what it is worth: `of 5632.50`.
    """
    edits = []
    for edit in drafted.edits:
        worth = f" of {edit.cents / 100:.2f}" if edit.cents is not None else ""
        edits.append(f"{edit.finding.code} {edit.severity} {edit.who}{worth}")
    return sorted(edits)
