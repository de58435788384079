"""`make bench`, first part: the speed of chargeline beside two general HL7 parsers.

This module owns the comparison and prints ratios, because ratios can be compared between machines;
the absolute numbers cannot. Each figure is the median of five rounds in which all candidates take
turns. The CPU time of one process is measured, so other work on the machine disturbs little.
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import hl7
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from chargeline.engine import Feed, Rulebook, SavedWork, VisitKey, draft
from chargeline.hl7.interpret import read_events
from chargeline.hl7.profile import Profile, make_profile
from chargeline.hl7.reader import read_message
from chargeline.rulebook.case_tables import tables_of
from chargeline.rulebook.loading import load_rulebook, read_interface
from chargeline.rulebook.location import rules_directory
from tests.bench.charge_families import print_families
from tests.bench.feeds import (
    busy_centre,
    examined_centre,
    long_account,
    long_infusion,
    one_long_encounter,
)
from tests.bench.patients import print_patients
from tests.bench.storing import print_storing

VISITS, SEED, ROUNDS, BATCH = 600, 11, 5, 500
HL7APY_MESSAGES, PYTHON_HL7_MESSAGES = 40, 400
WANTED = {
    "reader / hl7apy": 800.0,
    "reader / python-hl7": 40.0,
    "bytes to updated draft / hl7apy": 200.0,
    "bytes to updated draft / python-hl7": 10.0,
    "the same with published tables / bytes to updated draft": 0.9,
}
SHORT, LONG, MORE = 10, 5000, 400
DAY = date(2026, 3, 2)  # of the quarter in which the visits of the feed are


def main() -> int:
    """Print all figures. The exit code is always 0: a slow machine is not a failure."""
    gc.disable()  # `chargeline code` does the same; the other parsers have the same advantage
    folder = rules_directory()
    rulebook = load_rulebook(folder)
    profiles = {
        name: make_profile(read_interface(folder, name)) for name in ("standard", "action-stream")
    }
    feed = busy_centre(VISITS, SEED)
    size = sum(len(data) for _style, data in feed) // len(feed)
    print(f"{len(feed)} messages of {VISITS} visits, {size} bytes on average;")
    print(f"one core, {ROUNDS} rounds\n")
    rate = _print_speed(feed, rulebook, profiles)
    print_storing(feed, 1 / rate)
    print_families(
        lambda messages: _seconds(lambda: _up_to_date(messages, rulebook, profiles)),
        feed,
        examined_centre(VISITS // 2, SEED),
    )
    print_patients()
    _print_growth(rulebook, profiles["action-stream"])
    return 0


# ------------------------------------------------------------------ messages a second


def _print_speed(
    feed: Sequence[tuple[str, bytes]], rulebook: Rulebook, profiles: dict[str, Profile]
) -> float:
    """Print what each candidate does a second; returns how many messages a second are drafted."""
    sample = [data.decode() for _style, data in feed[:: max(1, len(feed) // 400)]]
    readable = [text for text in sample if _hl7apy_reads(text)]
    refused = len(sample) - len(readable)
    if refused:
        print(f"hl7apy refuses {refused} of {len(sample)} messages of the sample;")
        print("hl7apy is timed on the others\n")
    full = _with_tables(rulebook)
    candidates: dict[str, tuple[int, Callable[[], None]]] = {
        "hl7apy": (HL7APY_MESSAGES, lambda: _each(parse_message, readable[:HL7APY_MESSAGES])),
        "python-hl7": (PYTHON_HL7_MESSAGES, lambda: _each(hl7.parse, sample[:PYTHON_HL7_MESSAGES])),
        "reader": (len(feed), lambda: _each(read_message, [data for _style, data in feed])),
        "bytes to updated draft": (len(feed), lambda: _up_to_date(feed, rulebook, profiles)),
        "the same with published tables": (len(feed), lambda: _up_to_date(feed, full, profiles)),
    }
    rounds: list[dict[str, float]] = []
    for _round in range(ROUNDS):
        rounds.append({name: count / _seconds(work) for name, (count, work) in candidates.items()})
    print("messages a second")
    for name in candidates:
        print(f"  {name:<32}{statistics.median(rates[name] for rates in rounds):>12,.0f}")
    print("\nratios (median of rounds, lowest to highest)")
    for name, wanted in WANTED.items():
        ours, theirs = name.split(" / ")
        ratios = sorted(rates[ours] / rates[theirs] for rates in rounds)
        median, span = statistics.median(ratios), f"{ratios[0]:,.1f} to {ratios[-1]:,.1f}"
        print(f"  {name:<57}{median:>8,.1f}   {span}   wanted {wanted:,.0f}")
    return statistics.median(rates["bytes to updated draft"] for rates in rounds)


def _with_tables(rulebook: Rulebook) -> Rulebook:
    """The rulebook with made-up tables that have a row for each code that it bills: a limit, a
    price or a status, and a pair or a primary code for each code of giving a drug.
    """
    drugs = sorted({drug.hcpcs for drug in rulebook.formulary.drugs if drug.hcpcs})
    rules = [rule for rule in rulebook.base.rules if rule.concern.name == "role.code"]
    services = sorted({str(dict(rule.then)["code"]) for rule in rules})
    rows = [f"mue hospital {code} 400 3" for code in (*drugs, *services)]
    for code in drugs:
        rows += [f"price {code} 10.50", f"status {code} K"]
    rows += [f"ptp hospital {first} {second} 1" for first, second in pairwise(services)]
    rows += [f"add-on {code} 96413" for code in ("96415", "96417", "96411", "96367", "96368")]
    tables = tables_of(rows, DAY, frozenset((*drugs, *services)))
    return rulebook.with_tables(tables)


def _hl7apy_reads(text: str) -> bool:
    try:
        parse_message(text)
    except (HL7apyException, TypeError):  # hl7apy raises a TypeError on some fields of v2.8
        return False
    return True


def _seconds(work: Callable[[], None]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def _each(work: Callable[[Any], object], items: Iterable[Any]) -> None:
    for item in items:
        work(item)


def _up_to_date(
    feed: Sequence[tuple[str, bytes]], rulebook: Rulebook, profiles: dict[str, Profile]
) -> None:
    """Add messages in batches of 500; after each batch draft the visits that it changed.

    The drafts are complete, with their traces.
    """
    visits = Feed(rulebook.base)
    memories: dict[VisitKey, SavedWork] = {}
    for first in range(0, len(feed), BATCH):
        touched: set[VisitKey] = set()
        for style, data in feed[first : first + BATCH]:
            touched |= visits.add(read_events(read_message(data), profiles[style]))
        for key in touched:
            if key not in visits:
                continue  # merged into another visit of the batch
            memory = memories.get(key)
            if memory is None:
                memory = memories[key] = SavedWork()
            draft(visits[key], rulebook, saved=memory)


# ------------------------------------------------------------------ one more message


def _print_growth(rulebook: Rulebook, profile: Profile) -> None:
    print(f"\none more message in a visit of {LONG:,} against one in a visit of {SHORT}")
    print("(wanted: at most 1.5)")
    shapes: dict[str, Callable[[int], Iterator[bytes]]] = {
        "recurring account, five infusions a day": long_account,
        "one infusion with a rate check a minute": long_infusion,
        "one encounter of nothing but infusions": one_long_encounter,
    }
    for name, shape in shapes.items():
        short = _one_more(shape, SHORT, rulebook, profile)
        long = _one_more(shape, LONG, rulebook, profile)
        both = f"{short * 1e6:,.0f} and {long * 1e6:,.0f} microseconds"
        print(f"  {name:<42}{long / short:>6.2f}   {both}")


def _one_more(
    shape: Callable[[int], Iterator[bytes]], already: int, rulebook: Rulebook, profile: Profile
) -> float:
    """Seconds from one more message to its draft; the short visit is started anew each time."""
    costs = []
    repeats = MORE if already == SHORT else 40
    messages = list(shape(already + (1 if already == SHORT else repeats)))
    visits, memory = _begun(messages[:already], rulebook, profile)
    for number in range(repeats):
        if already == SHORT:
            visits, memory = _begun(messages[:already], rulebook, profile)
        data = messages[-1] if already == SHORT else messages[already + number]
        began = time.perf_counter()
        for key in visits.add(read_events(read_message(data), profile)):
            draft(visits[key], rulebook, saved=memory)
        costs.append(time.perf_counter() - began)
    return statistics.median(costs)


def _begun(
    messages: Sequence[bytes], rulebook: Rulebook, profile: Profile
) -> tuple[Feed, SavedWork]:
    visits, memory = Feed(rulebook.base), SavedWork()
    for data in messages:
        visits.add(read_events(read_message(data), profile))
    for key in visits:
        draft(visits[key], rulebook, saved=memory)
    return visits, memory


if __name__ == "__main__":
    sys.exit(main())
