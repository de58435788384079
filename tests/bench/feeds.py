"""The feeds that the benchmarks read: a busy centre, and one visit that grows long.

This module owns their shape and their size. It measures nothing.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from chargeline.hl7.reader import read_message
from chargeline.simulator.feed import InventedFeed, simulate

OPEN_VISITS = 200


def busy_centre(visits: int, seed: int) -> list[tuple[str, bytes]]:
    """Messages with the style of their sender; 200 visits are open at a time and interleaved."""
    return _interleaved(simulate(visits=visits, seed=seed, style="mixed", mess=0.1))


def examined_centre(visits: int, seed: int) -> list[tuple[str, bytes]]:
    """The same with a practitioner in half of the visits, and with radiation courses."""
    courses = max(1, visits // 50)
    return _interleaved(
        simulate(
            visits=visits, seed=seed, style="mixed", mess=0.1, courses=courses, examinations=0.5
        )
    )


def _interleaved(feed: InventedFeed) -> list[tuple[str, bytes]]:
    by_visit: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for style, data in feed.messages:
        by_visit[read_message(data).value("PV1-19") or "none"].append((style, data))
    groups = [list(reversed(group)) for group in by_visit.values()]
    ordered = []
    for first in range(0, len(groups), OPEN_VISITS):
        together = groups[first : first + OPEN_VISITS]
        while any(together):
            ordered += [group.pop() for group in together if group]
    return ordered


_HEAD = "MSH|^~\\&|ZEBRAMAR|ZEBRA|CHARGELINE|ZEBRA|{sent}||{kind}|{number}|T|2.5.1\r"
_WHO = (
    "PID|1||ZZ1^^^ZEBRA^MR||TESTPATIENT^ZEBRA\rPV1|1|{patient_class}|INF^CHAIR1||||||||||||||||V1\r"
)
_DONE = (
    "ORC|RE|P{order}|F{order}\r"
    "RXA|0|{count}|{start}|{stop}|ONDANSETRON^ondansetron^L|8|mg||{action}|N1||{rate}||||||||CP|A|{start}\r"
    "RXR|IV|PORT||IVPB\r"
)


def long_account(messages: int) -> Iterator[bytes]:
    """A recurring account with five infusions a day, day after day."""
    for number in range(messages):
        start = datetime(2024, 1, 1, 8) + timedelta(days=number // 5, minutes=40 * (number % 5))
        yield _message(number, "R", number, start, start + timedelta(minutes=30), "", "")


def long_infusion(messages: int) -> Iterator[bytes]:
    """An observation stay with one infusion and a rate check every minute."""
    began = datetime(2026, 3, 2, 8)
    yield _message(0, "OBS", 1, began, None, "New Bag", "100 mL/hr")
    for number in range(1, messages):
        yield _message(
            number, "OBS", 1, began + timedelta(minutes=number), None, "Rate Verify", "100 mL/hr"
        )


def one_long_encounter(messages: int) -> Iterator[bytes]:
    """An observation stay: one encounter in which each message is a new infusion.

    This is the worst shape: one more message means one more infusion to place among all others.
    """
    for number in range(messages):
        start = datetime(2026, 3, 2, 8) + timedelta(minutes=40 * number)
        yield _message(number, "OBS", number, start, start + timedelta(minutes=30), "", "")


def _message(
    number: int,
    patient_class: str,
    order: int,
    start: datetime,
    stop: datetime | None,
    action: str,
    rate: str,
) -> bytes:
    stamp = "%Y%m%d%H%M%S"
    values = {
        "sent": start.strftime(stamp),
        "kind": "RAS^O17^RAS_O17",
        "number": f"L{number}",
        "patient_class": patient_class,
        "order": order,
        "count": number + 1,
        "start": start.strftime(stamp),
        "stop": stop.strftime(stamp) if stop else "",
        "action": action,
        "rate": rate,
    }
    return (_HEAD + _WHO + _DONE).format_map(values).encode()
