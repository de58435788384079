"""The public side of the simulator: a whole feed from a seed, and its files.

This module owns how visits become one stream in order of arrival. It refuses to know the content of
a visit or of a message, and takes no randomness but the seed: the same arguments give the same
bytes.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from chargeline.simulator.charting import records_of, sender_of
from chargeline.simulator.mess import (
    Dial,
    cancelled_visit,
    muddle_letters,
    muddle_records,
    muddle_visit,
)
from chargeline.simulator.messages import (
    Letter,
    administration_letters,
    letter,
    order_letters,
    render,
    visit_segments,
)
from chargeline.simulator.visits import FACILITIES, InventedVisit, plan_visits


class InventedFeed(NamedTuple):
    """Messages as (style of the sender, bytes) in order of arrival, and what truly happened.

    Each message ends its segments with CR and has no frame. `truth` has the shape of truth.json.
    """

    messages: tuple[tuple[str, bytes], ...]
    truth: dict[str, object]


def simulate(
    *,
    visits: int,
    seed: int,
    style: str = "mixed",
    mess: float = 0.0,
    first_day: date = date(2026, 3, 2),
) -> InventedFeed:
    """Invent `visits` visits from `first_day` on, written in "standard", "action-stream" or "mixed"
    style.

    `mess` from 0.0 to 1.0 adds what goes wrong in real feeds; what was truly given does not depend
    on it. Raises ValueError for an unknown style or a dial out of range.
    """
    if style not in (*FACILITIES, "mixed"):
        raise ValueError(f"style: expected standard, action-stream or mixed, found {style!r}")
    if not 0.0 <= mess <= 1.0:
        raise ValueError(f"mess: expected a number from 0.0 to 1.0, found {mess}")
    told: list[InventedVisit] = []
    posted: list[tuple[datetime, str, bytes]] = []
    for planned in plan_visits(visits, seed, style, first_day):
        dial = Dial(mess, seed, planned.serial())
        mistake = cancelled_visit(planned, dial)
        for visit in (muddle_visit(planned, dial), *([mistake] if mistake else [])):
            told.append(visit)
            posted += _post(visit, seed, mess)
    posted.sort(key=lambda item: item[0])
    # Cancelled visits come last, so that the others have the same place at any setting of the dial.
    told.sort(key=lambda visit: visit.cancelled)
    truth: dict[str, object] = {"seed": seed, "visits": [visit.truth() for visit in told]}
    return InventedFeed(tuple((style, text) for _, style, text in posted), truth)


def _post(visit: InventedVisit, seed: int, mess: float) -> Iterator[tuple[datetime, str, bytes]]:
    """Write all messages of one visit: (arrival, style, bytes)."""
    dial = Dial(mess, seed, visit.serial())
    sender = sender_of(visit, dial.stream("sender"))
    records = muddle_records(records_of(visit, sender, dial.stream("charting")), dial)
    letters = [
        *_stay(visit),
        *order_letters(visit, sender),
        *administration_letters(visit, sender, records),
    ]
    for each in muddle_letters(letters, visit, sender, dial):
        yield each.arrives, visit.style, render(visit, sender, each)


def _stay(visit: InventedVisit) -> Iterator[Letter]:
    """Arrival, and discharge or the cancelling of a registration by mistake."""
    yield letter(visit, "A04", visit.arrived, visit_segments(visit))
    if visit.cancelled:
        yield letter(visit, "A11", visit.left)
    else:
        yield replace(
            letter(visit, "A03", visit.left, visit_segments(visit)), discharged=visit.left
        )


def write_feed(feed: InventedFeed, directory: Path) -> None:
    """Write STYLE.hl7 for each style that has messages, and truth.json, into `directory`.

    Messages follow one another without a separator: each begins with MSH| after the CR of the last.
    A file that an earlier feed left for a style without messages is removed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for style in FACILITIES:
        path = directory / f"{style}.hl7"
        text = b"".join(message for sender, message in feed.messages if sender == style)
        if text:
            path.write_bytes(text)
        else:
            path.unlink(missing_ok=True)
    (directory / "truth.json").write_text(json.dumps(feed.truth, indent=1) + "\n", encoding="utf-8")
