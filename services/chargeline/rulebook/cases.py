"""Cases beside the rules: a sentence, what was given, and what must come of it.

It owns the short notation in which a coder writes them ("pembrolizumab 200 mg iv 09:00-09:30") and
running them against a rulebook. A case speaks of one encounter and of service codes; what it does
not mention (drug lines, questions) it does not claim.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, cast, get_args

from chargeline.engine.draft import Rulebook, draft
from chargeline.engine.drug_lines import DRUG_ROLE
from chargeline.engine.events import DrugAmount, MessageRef, Source, VisitKey
from chargeline.engine.finding import Finding
from chargeline.engine.timeline import Administration, Day, Interval, Timeline, VisitContext
from chargeline.engine.trace import Draft
from chargeline.engine.words import (
    Charting,
    Device,
    DeviceCharted,
    Method,
    MethodCharted,
    PatientClassFact,
    Purpose,
    PurposeCharted,
    RouteCharted,
    words_of,
)
from chargeline.rulebook.parsing import entries_of

FIRST_DAY = date(2026, 3, 2)
_MESSAGE = MessageRef("case", "case", "case", None)
_ROUTES: Mapping[str, RouteCharted] = {
    "iv": "intravenous", "im": "intramuscular", "sc": "subcutaneous", "ia": "intra_arterial",
    "it": "intrathecal", "ip": "intraperitoneal", "ipl": "intrapleural",
    "icv": "intraventricular_reservoir", "cath": "catheter", "po": "other", "noroute": "",
}  # fmt: skip
_METHODS: Mapping[str, Method] = {
    "push": "push",
    "infusion": "infusion",
    "onbody": "on_body",
    "refill": "refill",
    "irrigation": "irrigation",
}
_PURPOSES: Mapping[str, Purpose] = {"kvo": "keep_open", "flush": "flush"}
_TIMES = re.compile(r"\d\d:\d\d(-(\d\d:\d\d|\?))?(,\d\d:\d\d-(\d\d:\d\d|\?))*")
_DRUG = re.compile(r"(\S+)(?:\s+([\d.]+)\s+(\S+))?")
_LISTS = ("given", "expect", "drugs", "withheld", "asks", "diagnoses")
_KEYS = frozenset(
    {"says", "source", "given", "expect", "drugs", "withheld", "asks", "policy", "class", "diagnoses"}
    | {"payer", "second_encounter"}
)


class Case(NamedTuple):
    """One case. `expect` maps a policy to service codes such as `96415 x2` or `96365-59`."""

    place: str
    says: str
    source: str
    given: tuple[str, ...]
    expect: Mapping[str, tuple[str, ...]]
    drugs: tuple[str, ...] | None
    withheld: tuple[str, ...] | None
    asks: tuple[str, ...] | None
    patient_class: PatientClassFact
    diagnoses: tuple[str, ...]
    payer: str
    second_encounter: bool


def read_cases(paths: Sequence[Path], rulebook: Rulebook, mistakes: list[Finding]) -> list[Case]:
    """All cases of some files; the policies of a case default to all that ship."""
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
    """The first thing that keeps an entry from being a case; its place is for the caller to say."""
    unknown = sorted(set(entry) - _KEYS)
    if unknown or not entry.get("says") or not entry.get("given") or "expect" not in entry:
        found = f"keys {', '.join(sorted(entry))}"
        return _unlike("says, given and expect", found, "see rules/README.md")
    expect = entry["expect"]
    lists = [entry.get(key, []) for key in _LISTS if key != "expect"]
    lists += expect.values() if isinstance(expect, dict) else [expect]
    if not all(isinstance(each, list) for each in lists):
        return _unlike(f"lists in {', '.join(_LISTS)}", "something else", "put it in brackets")
    if (named := entry.get("class", "outpatient")) not in words_of(PatientClassFact):
        allowed = ", ".join(words_of(PatientClassFact))
        return _unlike(f"class = one of {allowed}", repr(named), "correct it")
    policies = [*expect] if isinstance(expect, dict) else [entry.get("policy")]
    strange = sorted({str(name) for name in policies if name} - set(rulebook.policies))
    if strange:
        allowed = ", ".join(sorted(rulebook.policies))
        return _unlike(f"policies among {allowed}", ", ".join(strange), "correct them")
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
        given=_texts(entry["given"]),
        expect={str(policy): _texts(codes) for policy, codes in by_policy.items()},
        drugs=_texts(entry["drugs"]) if "drugs" in entry else None,
        withheld=_texts(entry["withheld"]) if "withheld" in entry else None,
        asks=_texts(entry["asks"]) if "asks" in entry else None,
        patient_class=cast(PatientClassFact, entry.get("class", "outpatient")),
        diagnoses=_texts(entry.get("diagnoses", [])),
        payer=str(entry.get("payer", "")),
        second_encounter=bool(entry.get("second_encounter", False)),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def run_case(case: Case, rulebook: Rulebook) -> list[Finding]:
    """What a case expected and did not get; empty when it holds."""
    try:
        timeline = timeline_of(case)
    except ValueError as error:
        return [
            Finding(
                "rules.case",
                expected="the notation of rules/README.md",
                found=str(error),
                where=case.place,
                do="correct `given`",
            )
        ]
    failures = []
    for policy, expected in case.expect.items():
        second = frozenset({FIRST_DAY}) if case.second_encounter else frozenset[date]()
        made = draft(timeline, rulebook, policy, second_encounters=second)
        found = {
            "codes": (sorted(expected), service_codes(made)),
            "drugs": (_sorted(case.drugs), drug_codes(made)),
            "withheld": (_sorted(case.withheld), withheld_reasons(made)),
            "asks": (_sorted(case.asks), question_codes(made)),
        }
        for what, (wanted, got) in found.items():
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


def _sorted(words: tuple[str, ...] | None) -> list[str] | None:
    return sorted(words) if words is not None else None


def service_codes(made: Draft) -> list[str]:
    """Service codes with modifiers and added units, sorted: `96413`, `96415 x2`, `96365-59`."""
    return _codes(made, drugs=False)


def drug_codes(made: Draft) -> list[str]:
    """HCPCS codes of drug lines with units, sorted: `J9271 x200`."""
    return _codes(made, drugs=True)


def _codes(made: Draft, *, drugs: bool) -> list[str]:
    units: dict[str, int] = {}
    for encounter in made.encounters:
        for line in encounter.lines:
            if (line.role == DRUG_ROLE) is drugs:
                name = "-".join([line.code, *line.modifiers])
                units[name] = units.get(name, 0) + line.units
    return sorted(name if count == 1 else f"{name} x{count}" for name, count in units.items())


def withheld_reasons(made: Draft) -> list[str]:
    """Reasons of withheld services, sorted; fluid that only carries drugs is left out."""
    return sorted(
        entry.reason
        for encounter in made.encounters
        for entry in encounter.withheld
        if entry.reason not in ("vehicle", "drug.no_code")
    )


def question_codes(made: Draft) -> list[str]:
    """Codes of all questions, sorted."""
    asked = [*made.questions, *(each for encounter in made.encounters for each in encounter.questions)]
    return sorted(each.finding.code for each in asked)


# ------------------------------------------------------------------ the notation


def timeline_of(case: Case) -> Timeline:
    """The timeline that a case describes. Raises ValueError naming the text that cannot be read."""
    administrations = [administration_of(text, index) for index, text in enumerate(case.given, start=1)]
    days: dict[date, list[Administration]] = {}
    for item in sorted(administrations, key=lambda each: (each.start, each.key)):
        days.setdefault(item.day, []).append(item)
    context = VisitContext(
        "ZZCASE", ((None, case.patient_class),), case.payer, "", (), case.diagnoses, None, None, False, "UTC"
    )
    key = VisitKey("CASE", "V1")
    return Timeline(key, context, tuple(Day(day, tuple(each)) for day, each in days.items()), (), ("ZZCASE",))


def administration_of(text: str, index: int) -> Administration:
    """One administration from its notation: drug [amount unit] route [method] [dN] times [flags]."""
    words = text.split()
    where = next((n for n, word in enumerate(words) if word in _ROUTES), None)
    if where is None:
        raise ValueError(f"{text!r}: expected a route ({', '.join(_ROUTES)}) after the drug")
    flags = dict(word.split("=", 1) for word in words[where + 1 :] if "=" in word)
    plain = [word for word in words[where + 1 :] if "=" not in word]
    day = FIRST_DAY + timedelta(
        days=next((int(word[1:]) - 1 for word in plain if re.fullmatch(r"d\d+", word)), 0)
    )
    _refuse_unknown(text, plain, flags)
    method: MethodCharted = next((_METHODS[word] for word in plain if word in _METHODS), "")
    purpose: PurposeCharted = next((_PURPOSES[word] for word in plain if word in _PURPOSES), "")
    times = next((word for word in plain if _TIMES.fullmatch(word)), None)
    if times is None:
        raise ValueError(f"{text!r}: expected times such as 10:00, 10:00-11:30 or 10:00-?")
    intervals = _intervals(day, times, flags)
    order = flags.get("order", f"O{index}")
    return Administration(
        key=f"{order}#{index}",
        order=order,
        day=day,
        given="notgiven" not in plain,
        bolus_of_running_bag="bolus" in plain,
        drugs=_drugs(" ".join(words[:where])),
        drug_source=Source(_MESSAGE, "RXA[1]-5"),
        route=_ROUTES[words[where]],
        route_text=words[where],
        method=method,
        charted=_charted(intervals),
        line=flags.get("line", ""),
        device=_device(text, flags.get("device", "")),
        intervals=intervals,
        ordered_minutes=int(flags["ordered"]) if "ordered" in flags else None,
        partial="partial" in plain,
        purpose=purpose,
        primary="primary" in plain,
        problems=(),
    )


_FLAGS = frozenset({"line", "device", "ordered", "order", "days"})
_WORDS = frozenset({*_METHODS, *_PURPOSES, "partial", "primary", "notgiven", "bolus"})


def _refuse_unknown(text: str, plain: Sequence[str], flags: Mapping[str, str]) -> None:
    unknown = [word for word in plain if word not in _WORDS and not _TIMES.fullmatch(word)]
    unknown = [word for word in unknown if not re.fullmatch(r"d\d+", word)] + sorted(set(flags) - _FLAGS)
    if unknown:
        known = ", ".join(sorted({*_WORDS, *(f"{flag}=" for flag in _FLAGS)}))
        raise ValueError(f"{text!r}: expected {known}, found {', '.join(unknown)}")


def _device(text: str, word: str) -> DeviceCharted:
    for device in get_args(Device):
        if word == device:
            return cast(Device, device)
    if word:
        raise ValueError(f"{text!r}: expected device={' or '.join(words_of(Device))}, found {word}")
    return ""


def _charted(intervals: Sequence[Interval]) -> Charting:
    if any(each.stop is None for each in intervals):
        return "open"
    return "instant" if all(each.stop == each.start for each in intervals) else "interval"


def _intervals(day: date, times: str, flags: Mapping[str, str]) -> tuple[Interval, ...]:
    found = []
    source = Source(_MESSAGE, "RXA[1]-3")
    for piece in times.split(","):
        start_text, _dash, stop_text = piece.partition("-")
        start = datetime.combine(day, time.fromisoformat(start_text), UTC)
        stop: datetime | None = start
        if stop_text == "?":
            stop = None
        elif stop_text:
            stop = datetime.combine(day, time.fromisoformat(stop_text), UTC)
            stop += timedelta(days=(1 if stop < start else 0) + int(flags.get("days", "0")))
        found.append(Interval(start, stop, source, source if stop is not None else None))
    return tuple(found)


def _drugs(text: str) -> tuple[DrugAmount, ...]:
    parts = [part.strip() for part in text.split(" + ")]
    found = []
    for part in parts:
        match = _DRUG.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r}: expected a drug such as `ondansetron 8 mg`")
        name, amount, unit = match.groups()
        found.append(
            DrugAmount(
                (name,), name, Decimal(amount) if amount else None, unit or "",
                "additive" if len(parts) > 1 else "", "RXA[1]-5",
            )
        )  # fmt: skip
    return tuple(found)
