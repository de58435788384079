"""From what was gathered to the rows of each report, and their order.

It owns one function for each report, in a table at the end. A row that needs somebody comes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import cast

from pydantic import BaseModel

from chargeline.drafting.answering import TAKE_BACK
from chargeline.engine import MEANINGS, FindingCode, answer_words, basis_of, plain, severity_of
from chargeline.published.answers import Given, GivenAnswer
from chargeline.workbench.reports.asked_for import ReportName
from chargeline.workbench.reports.gathering import Gathered, SaidAndWaited
from chargeline.workbench.reports.read_drafts import CountsByKey
from chargeline.workbench.reports.rows import (
    AuthorizationLeft,
    FindingsOfCode,
    PolicyDifference,
    QuestionAges,
    UnitStops,
    WasteOfDrug,
    WorkDone,
)
from chargeline.workbench.visit.words import masked

_SEVERITIES: tuple[answer_words.Severity, ...] = ("blocks", "warns", "notes")
_DAY_MINUTES = 24 * 60


def says_of(code: str) -> str:
    """What a code means; the code itself for that of a rule."""
    return MEANINGS.get(cast(FindingCode, code), code)


def stops(gathered: Gathered) -> list[UnitStops]:
    """Missing stops by unit, the most missing first."""
    rows = []
    for (unit,), words in gathered.tallies.stops.numbers.items():
        missing = words["waiting"] + words["nobody_knows"] + words["by_answer"]
        rows.append(
            UnitStops(
                unit=unit,
                infusions=missing + words["charted"] + words["other_visit"],
                missing=missing,
                waiting=words["waiting"],
                nobody_knows=words["nobody_knows"],
                by_answer=words["by_answer"],
                other_visit=words["other_visit"],
                charted=words["charted"],
                visits=len(gathered.tallies.stops.visits[unit,]),
            )
        )
    return sorted(rows, key=lambda row: (-row.missing, -row.infusions, row.unit))


def questions(gathered: Gathered) -> list[QuestionAges]:
    """Open questions by kind and age, the most open first."""
    rows = []
    for asked in gathered.questions:
        if not asked.open or asked.oldest is None:
            continue
        youngest, younger, older, oldest = asked.ages
        rows.append(
            QuestionAges(
                code=asked.code,
                says=says_of(asked.code),
                severity=severity_of(asked.code),
                days_0_1=youngest,
                days_2_3=younger,
                days_4_8=older,
                days_9_more=oldest,
                open=asked.open,
                oldest_days=max(0, (gathered.now - asked.oldest).days),
                stake_cents=asked.stake_cents,
            )
        )
    return sorted(rows, key=lambda row: (-row.open, -row.oldest_days, row.code))


def findings(gathered: Gathered) -> list[FindingsOfCode]:
    """What was found, the gravest first and then the most frequent."""
    rows = [
        FindingsOfCode(
            kind="question",
            severity=severity_of(asked.code),
            code=asked.code,
            says=says_of(asked.code),
            times=asked.put,
            open=asked.open,
            cents=asked.stake_cents,
        )
        for asked in gathered.questions
    ]
    for (severity, code), numbers in gathered.tallies.edits.numbers.items():
        rows.append(
            FindingsOfCode(
                kind="edit",
                severity=cast(answer_words.Severity, severity),
                code=code,
                says=says_of(code),
                times=numbers["times"],
                open=numbers["times"],
                cents=None if numbers["unpriced"] else numbers["cents"],
            )
        )
    rows += [
        FindingsOfCode(
            kind="parked",
            severity="blocks",  # a visit with a parked message is not ready
            code=parked.code,
            says=says_of(parked.code),
            times=parked.parked,
            open=parked.waiting,
            cents=None,
        )
        for parked in gathered.parked
    ]
    return sorted(
        rows, key=lambda row: (_SEVERITIES.index(row.severity), -row.times, row.code, row.kind)
    )


def waste(gathered: Gathered) -> list[WasteOfDrug]:
    """What was discarded of drugs that have a line of JW or JZ, the most money first."""
    rows = []
    for (code, drug), numbers in gathered.tallies.waste.numbers.items():
        if not numbers["jw_lines"] and not numbers["jz_lines"]:
            continue
        rows.append(
            WasteOfDrug(
                code=code,
                drug=drug,
                given_units=numbers["units"],
                discarded_units=numbers["jw_units"],
                discarded_lines=numbers["jw_lines"],
                none_discarded_lines=numbers["jz_lines"],
                discarded_cents=None if numbers["unpriced"] else numbers["cents"],
                visits=len(gathered.tallies.waste.visits[code, drug]),
            )
        )
    return sorted(
        rows,
        key=lambda row: (-(row.discarded_cents or 0), -row.discarded_units, row.code, row.drug),
    )


def policies(gathered: Gathered) -> list[PolicyDifference]:
    """Where other policies end otherwise, the most money first, whichever way it moves."""
    tally: CountsByKey = gathered.tallies.policies
    rows = []
    for (policy, other, rule), numbers in tally.numbers.items():
        is_priced = numbers["priced"] > 0
        rows.append(
            PolicyDifference(
                policy=policy,
                other=other,
                rule=rule,
                differences=numbers["differences"],
                visits=len(tally.visits[policy, other, rule]),
                here_cents=numbers["here"] if is_priced else None,
                would_cents=numbers["would"] if is_priced else None,
                without_price=numbers["unpriced"],
            )
        )
    return sorted(
        rows,
        key=lambda row: (-abs(row.moves_cents or 0), -row.differences, row.other, row.rule),
    )


def authorizations(gathered: Gathered) -> list[AuthorizationLeft]:
    """What runs out: what is used up first, then what ends soonest."""
    rows = []
    for running in gathered.running_out:
        balance, authorization = running.balance, running.balance.authorization
        granted, until = authorization.units, authorization.until
        basis = basis_of(authorization)
        rows.append(
            AuthorizationLeft(
                number=masked(authorization.number),
                payer=authorization.payer,
                codes=" ".join(authorization.codes),
                used=f"{plain(balance.used)} {basis}",
                granted=f"{plain(granted)} {basis}" if granted is not None else "",
                used_percent=float(100 * balance.used / granted) if granted else None,
                until=until,
                days_left=(until - gathered.today).days if until is not None else None,
                concerns=" ".join([code for code, _says in running.concerns]),
                says="; ".join([says for _code, says in running.concerns]),
                facility=running.facility,
                visit=running.visit.visit if running.visit is not None else "",
            )
        )
    return sorted(
        rows,
        key=lambda row: (
            "authorization.units" not in row.concerns.split(),
            row.days_left if row.days_left is not None else 10**6,
            -(row.used_percent or 0),
            row.number,
        ),
    )


def people(gathered: Gathered) -> list[WorkDone]:
    """What each person said on each day, the last day first."""
    by_day: dict[tuple[datetime, str], list[SaidAndWaited]] = {}
    for one in gathered.said:
        local = one.said.at.astimezone(gathered.zone)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        by_day.setdefault((day, one.said.by), []).append(one)
    waits = _waits(gathered.said)
    rows = [_work_done(day, who, said, waits) for (day, who), said in by_day.items()]
    return sorted(rows, key=lambda row: (-row.day.toordinal(), -row.all, row.who))


def _work_done(
    day: datetime, who: str, said: Sequence[SaidAndWaited], waits: Mapping[int, int]
) -> WorkDone:
    words = [_word_of(one.said) for one in said]
    minutes = [waits[id(one)] for one in said if id(one) in waits]
    return WorkDone(
        day=day.date(),
        who=who,
        answers=words.count("answer"),
        taken_back=words.count("taken_back"),
        holds=words.count("hold"),
        releases=words.count("release"),
        other_words=words.count("other"),
        waited=len(minutes),
        within_a_day=sum([wait <= _DAY_MINUTES for wait in minutes]),
        median_minutes=int(median(minutes)) if minutes else None,
        longest_minutes=max(minutes, default=None),
    )


def _word_of(said: Given) -> str:
    if isinstance(said, GivenAnswer):
        return "taken_back" if said.choice == TAKE_BACK else "answer"
    return said.choice if said.choice in ("hold", "release") else "other"


def _waits(said: Iterable[SaidAndWaited]) -> dict[int, int]:
    """How many minutes a question had waited, by the identity of the first answer to it."""
    answered: set[tuple[str, str]] = set()
    waits: dict[int, int] = {}
    for one in said:
        if not isinstance(one.said, GivenAnswer) or one.said.choice == TAKE_BACK:
            continue
        name = (one.said.facility, one.said.question_id)
        if name not in answered and one.put is not None and one.said.at >= one.put:
            waits[id(one)] = int((one.said.at - one.put).total_seconds()) // 60
        answered.add(name)
    return waits


ROWS: Mapping[ReportName, Callable[[Gathered], Sequence[BaseModel]]] = {
    "stops": stops,
    "questions": questions,
    "findings": findings,
    "waste": waste,
    "policies": policies,
    "authorizations": authorizations,
    "people": people,
}
