"""The appointments of radiation sessions as they stand after all messages about them.

It owns what becomes of several messages about one appointment. The latest one that says something
counts for it: a cancellation that only names the appointment changes its state, and what was booked
and when stay as an earlier message said. It does not know what an appointment means for a charge.

One sequence, worked through. A S12 books IMRT for Monday 10:00. A S13 moves it to Tuesday 11:00 and
says no status. A S14 with the status Complete names the number alone. IMRT on Tuesday 11:00 then
stands as completed, in whatever order the three arrive.
"""

from collections.abc import Iterator
from datetime import datetime

from chargeline.engine.care import Appointment
from chargeline.engine.timeline.merges import Version

_Versions = dict[tuple[Version, str], Appointment]


class AppointmentBuilder:
    """The appointments of one visit: every version of each, by number and row."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], _Versions] = {}

    def add(self, event: Appointment, sent: datetime) -> bool:
        """Take in one version, sent at a time; returns whether it may matter.

        A message that came again counts as sent at the latest of its times.
        """
        versions = self._versions.setdefault((event.number, event.row), {})
        version = ((sent, event.message.digest), event.address)
        again = [key for key in versions if (key[0][1], key[1]) == (version[0][1], version[1])]
        if any(key >= version for key in again):
            return False
        for key in again:
            del versions[key]
        versions[version] = event
        return True

    def standing(self) -> Iterator[Appointment]:
        """Each appointment of which a message says that a session is booked, and when."""
        for number, row in sorted(self._versions):
            versions = dict(self._versions[number, row])
            if row:
                versions |= _of_all_rows(self._versions.get((number, ""), {}))
            standing = _standing([versions[version] for version in sorted(versions)])
            if standing is not None:
                yield standing


def _of_all_rows(versions: _Versions) -> _Versions:
    """What messages that only name the appointment say of each of its sessions, without times."""
    return {
        version: event._replace(timed=False)
        for version, event in versions.items()
        if event.kind == "unsaid"
    }


def _standing(versions: list[Appointment]) -> Appointment | None:
    """The last version with what earlier ones say; None where none says what is booked and when."""
    said = [version for version in versions if version.kind != "unsaid"]
    timed = [version for version in versions if version.timed]
    if not said or not timed:
        return None
    states = [version.state for version in versions if version.state != "unsaid"]
    courses = [version.course for version in versions if version.course]
    return versions[-1]._replace(
        kind=said[-1].kind,
        state=states[-1] if states else "booked",
        day=timed[-1].day,
        at=timed[-1].at,
        timed=True,
        course=courses[-1] if courses else "",
    )
