"""One dose while it is being put together: the rows that made it, and when its drug ran.

It owns how a stretch is opened and closed, and what is asked about its ends. It does not know when
that happens: the moves of the machine say so (running.py).
"""

from datetime import datetime, timedelta
from typing import Literal

from chargeline.engine.events import Record
from chargeline.engine.ndc import ndc11
from chargeline.engine.timeline.corrections import address
from chargeline.engine.timeline.records import Interval, Problem, problem_at

ONE_HOUR = timedelta(hours=1)
TOUCHING = timedelta(minutes=1)
"""Two stretches touch with a gap up to this one, because nurses chart in whole minutes."""
State = Literal["nothing", "running", "paused", "stopped", "stopped in pause"]


class RunningDose:
    """One dose under construction: the rows that made it and the stretches in which it ran."""

    __slots__ = (
        "first",
        "intervals",
        "is_bolus",
        "names",
        "problems",
        "records",
        "running_since",
        "state",
    )

    def __init__(self, record: Record) -> None:
        self.first = record
        self.records: list[Record] = []
        self.names: set[str] = set()  # of the drugs of all rows
        self.note(record)
        self.intervals: list[Interval] = []
        self.running_since: Record | None = None
        self.state: State = "stopped"
        self.is_bolus = False
        self.problems: list[Problem] = []

    def note(self, record: Record) -> None:
        """Count a row among those that made the dose."""
        self.records.append(record)
        self.names.update(names_of(record))

    def run_from(self, record: Record) -> None:
        """Start the clock at the time of a row."""
        self.running_since = record
        self.state = "running"

    def close(self, record: Record, field: str) -> None:
        """End the running stretch at RXA-3 or RXA-4 of a row.

        A stop before its start is a problem and no stretch.
        """
        opened = self.running_since
        assert opened is not None, "only a running dose is closed"
        self.running_since = None
        at, twice = (record.at, record.at_twice) if field == "3" else _until(record)
        start = opened.at
        if opened.at_twice and not twice:
            start = min(start + ONE_HOUR, at)
        if opened.at_twice or twice:
            self.problems.append(_twice(opened if opened.at_twice else record))
        if at < start:
            minutes_early = (opened.at - at) // timedelta(minutes=1)
            self.problems.append(_stop_before_start(record, field, minutes_early))
            return
        self.intervals.append(Interval(start, at, address(opened, "3"), address(record, field)))

    def run_once(self, record: Record) -> None:
        """Take in a row that stands for itself: with its end, still running, or one moment."""
        if record.until is not None:
            self.running_since = record
            self.close(record, "4")
        elif record.action == "" and record.open_means_running:
            self.run_from(record)
            return
        else:
            source = address(record, "3")
            self.intervals.append(Interval(record.at, record.at, source, source))
        self.state = "stopped"


def names_of(record: Record) -> set[str]:
    """All names of the drugs of a row.

    Of an NDC also its labeler and product: packages of one product are one drug, however the NDC is
    written.
    """
    names = {name for drug in record.drugs for name in drug.names}
    return names | {digits[:-2] for name in names if (digits := ndc11(name)) is not None}


# ------------------------------------------------------------------ what is asked


def _until(record: Record) -> tuple[datetime, bool]:
    assert record.until is not None, "RXA-4 is valued"
    return record.until, record.until_twice


def _twice(record: Record) -> Problem:
    return problem_at(
        address(record, "3"),
        "time.twice",
        expected="a time that occurs once",
        found="a local time in the hour that the clock was put back, without offset",
        do="confirm start and stop; until then the shorter reading is used",
    )


def _stop_before_start(record: Record, field: str, minutes_early: int) -> Problem:
    return problem_at(
        address(record, field),
        "stop.before_start",
        expected="a stop at or after the start",
        found=f"a stop {minutes_early} minutes before its start",
        do="correct the start or the stop in the record; until then nothing is billed",
    )
