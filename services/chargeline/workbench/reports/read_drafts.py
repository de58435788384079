"""What published drafts say for the reports: stops, waste, other policies, edits.

It owns how the JSON of a revision, as it is stored, becomes numbers under keys. It drafts nothing.

A difference between policies is told on every line of its administrations: with two lines of one
bag (96413, 96415), both say `would give 96365 x1, 96366 x1`. It is counted once: entries of an
encounter are one difference where the other policy, the rule, the administrations and what it would
give are the same. Two such with a shared administration and a shared code are one, too.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chargeline.engine import ANSWER, MessageRef, Source, charge_written, source_in_words
from chargeline.ledger.reporting import DraftToRead
from chargeline.ledger.running import STOP_MISSING

Plain = Mapping[str, Any]
Key = tuple[str, ...]
_A_QUESTION = "a question"
_DRUG_ROLES = ("drug", "drug.discarded")


class VisitBehind(NamedTuple):
    """A visit behind a number."""

    facility: str
    visit: str
    day: str
    place: str


class CountsByKey:
    """Numbers under keys, each key with the visits behind it, in the order in which they came."""

    def __init__(self) -> None:
        self.numbers: dict[Key, Counter[str]] = {}
        self.visits: dict[Key, dict[VisitBehind, None]] = {}

    def add(self, key: Key, numbers: Mapping[str, int], visit: VisitBehind | None) -> None:
        """Add numbers of a visit; None where the visit is not behind what is counted."""
        self.numbers.setdefault(key, Counter()).update(numbers)
        behind = self.visits.setdefault(key, {})
        if visit is not None:
            behind[visit] = None


class DraftTallies:
    """What the drafts that were read say together. `prices` are cents by code."""

    def __init__(self, prices: Mapping[str, int]) -> None:
        self._prices = prices
        self.stops, self.waste, self.policies, self.edits = (
            CountsByKey(),
            CountsByKey(),
            CountsByKey(),
            CountsByKey(),
        )
        self.read = self.older_format = self.unreadable = 0
        self.oldest_day = ""

    def add(self, row: DraftToRead) -> None:
        """Count a draft; one whose text is no JSON is counted as such."""
        self.read += 1
        self.oldest_day = row.day
        try:
            draft: Plain = json.loads(row.body)
        except ValueError:
            self.unreadable += 1
            return
        self._count(row, draft)

    def _count(self, row: DraftToRead, draft: Plain) -> None:
        visit = VisitBehind(row.facility, row.visit, row.day, row.place)
        encounters: Sequence[Plain] = draft["encounters"]
        self.older_format += any("administrations" not in part for part in encounters)
        stops = stops_in(draft, row.put)
        if stops:
            is_missing = stops["waiting"] + stops["nobody_knows"] + stops["by_answer"] > 0
            self.stops.add((row.place,), stops, visit if is_missing else None)
        for part in encounters:
            for key, numbers in waste_in(part["lines"], self._prices):
                counts = "jw_lines" in numbers or "jz_lines" in numbers
                self.waste.add(key, numbers, visit if counts else None)
            for (other, rule), numbers in differences_in(part, self._prices):
                self.policies.add((draft["policy"], other, rule), numbers, visit)
            for edit in part.get("edits", ()):
                cents = edit["stake_cents"]
                priced = {"cents": cents} if cents is not None else {"unpriced": 1}
                self.edits.add((edit["severity"], edit["code"]), {"times": 1, **priced}, visit)


# ------------------------------------------------------------------ stops


def stops_in(draft: Plain, put: frozenset[str]) -> Counter[str]:
    """How the stops of a visit's infusions are documented, by the names of `UnitStops`.

    `put` are the open questions about a stop. What is asked later still runs, and is left out.
    """
    said = [entry for entry in draft.get("said", ()) if entry["holds"]]
    answers = {_source_of(entry["answer_id"]) for entry in said}
    about_stops = Counter([entry["choice"] for entry in said if entry["code"] == STOP_MISSING])
    words: Counter[str] = Counter()
    for part in draft["encounters"]:
        asked = {
            key: question["question_id"] in put
            for question in part["questions"]
            if question["code"] == STOP_MISSING
            for key in question["administrations"]
        }
        for fact in part.get("administrations", ()):
            if fact["given"] and fact["stretches"]:
                words[_word_of(fact, asked, answers)] += 1
    # Of which dose nobody can say the stop, the answer does not tell; of as many it is not asked.
    nobody = min(about_stops["unknown"], words["no_stop"])
    without = words["no_stop"] - nobody if draft["status"] != "open" else 0
    return +Counter(
        {
            "waiting": words["waiting"] + without,
            "nobody_knows": nobody,
            "by_answer": words["by_answer"] + about_stops["push"],
            "other_visit": words["other_visit"],
            "charted": words["charted"],
        }
    )


def _word_of(fact: Plain, asked: Mapping[str, bool], answers: Collection[str]) -> str:
    last = fact["stretches"][-1]
    if fact["key"] in asked:
        return "waiting" if asked[fact["key"]] else "no_stop"
    if last["stop"] is None:
        return "no_stop"
    if fact["charted"] == "instant":
        return "no_infusion"
    if last["stop_source"] in answers:
        return "by_answer"
    return "charted" if last["stop_source"] is not None else "other_visit"


def _source_of(answer: str) -> str:
    """An answer as a draft names it where it is the source of a fact."""
    return source_in_words(Source(MessageRef(answer, answer, ANSWER, None), "answer"))


# ------------------------------------------------------------------ waste


def waste_in(
    lines: Iterable[Plain], prices: Mapping[str, int]
) -> Iterator[tuple[Key, dict[str, int]]]:
    """The drug lines of an encounter under (code, drug), with what is said of waste."""
    for line in lines:
        if line["role"] not in _DRUG_ROLES:
            continue
        key, units, modifiers = (line["code"], line["drug"]), line["units"], line["modifiers"]
        if "JW" in modifiers:
            price = prices.get(line["code"])
            priced = {"unpriced": 1} if price is None else {"cents": units * price}
            yield key, {"jw_lines": 1, "jw_units": units, **priced}
        else:
            yield key, {"units": units, **({"jz_lines": 1} if "JZ" in modifiers else {})}


# ------------------------------------------------------------------ other policies


class _Apart(NamedTuple):
    """One difference: the administrations, what the other policy gives, and our lines."""

    keys: frozenset[str]
    gives: frozenset[str]
    lines: tuple[tuple[str, int], ...]
    rule: str


def differences_in(
    part: Plain, prices: Mapping[str, int]
) -> Iterator[tuple[tuple[str, str], dict[str, int]]]:
    """The differences of an encounter under (other policy, rule), each counted once."""
    alike: dict[tuple[str, _Apart], list[tuple[str, int]]] = {}
    entries = [(line, [(line["code"], line["units"])]) for line in part["lines"]]
    for entry, billed in [*entries, *[(withheld, []) for withheld in part["withheld"]]]:
        keys = frozenset(entry["administrations"] or [entry["drug"]])
        for other in entry["other_policies"]:
            apart = _Apart(keys, frozenset(other["would_give"]), (), other["rule"])
            alike.setdefault((other["policy"], apart), []).extend(billed)
    by_policy: dict[str, list[_Apart]] = {}
    for (policy, apart), lines in alike.items():
        whole = by_policy.setdefault(policy, [])
        whole[:] = _joined(whole, apart._replace(lines=tuple(lines)))
    for policy, differences in by_policy.items():
        for apart in differences:
            yield (policy, apart.rule), {"differences": 1, **_money(apart, prices)}


def _joined(others: Iterable[_Apart], apart: _Apart) -> list[_Apart]:
    """The differences with one more; those that it overlaps become one with it."""
    kept = []
    for other in others:
        shared = [end for end in other.gives & apart.gives if charge_written(end) is not None]
        if shared and other.keys & apart.keys:
            apart = _Apart(
                other.keys | apart.keys,
                other.gives | apart.gives,
                (*other.lines, *apart.lines),
                other.rule or apart.rule,
            )
        else:
            kept.append(other)
    return [*kept, apart]


def _money(apart: _Apart, prices: Mapping[str, int]) -> dict[str, int]:
    """What it would move; `unpriced` where a code has no price, or the other policy asks."""
    charges = [charge for charge in map(charge_written, apart.gives) if charge is not None]
    would = [(charge.code, charge.units) for charge in charges]
    codes = {code for code, _units in (*would, *apart.lines)}
    if _A_QUESTION in apart.gives or not codes <= prices.keys():
        return {"unpriced": 1}
    return {"here": _sum(apart.lines, prices), "would": _sum(would, prices), "priced": 1}


def _sum(lines: Iterable[tuple[str, int]], prices: Mapping[str, int]) -> int:
    return sum([units * prices[code] for code, units in lines])
