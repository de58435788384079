"""Which drugs went into the same access line: each line has an initial service of its own.

It owns two decisions: a drug or an order that goes on at another site is still in the same line,
and lines that were never in use at the same time are one line.
Example: vancomycin stops at 10:30 because the right hand infiltrated, and goes on at 10:50 in the
left hand. It does not know whether a second line was needed: a person is asked.
"""

from collections.abc import Sequence

from chargeline.engine.services.records import Service, start_seconds
from chargeline.engine.spans import Span


def access_lines(services: Sequence[Service]) -> list[list[Service]]:
    """Services by access line, the lines in the order in which they were first used.

    A service without a charted line belongs to the line in which the same drug or order went, else
    to the first line.
    """
    by_name: dict[str, list[Service]] = {}
    for service in services:
        by_name.setdefault(service.administration.line, []).append(service)
    if len(by_name) <= 1:
        return [list(same) for same in by_name.values()]
    without_line = by_name.pop("", [])
    lines: list[list[Service]] = []
    for name in sorted(by_name, key=lambda name: (start_seconds(by_name[name][0]), name)):
        same = by_name[name]
        continued = [line for line in lines if any(_goes_on(service, line) for service in same)]
        if not continued:
            lines.append(list(same))
            continue
        continued[0].extend(same)
        for other in continued[1:]:
            continued[0].extend(other)
            lines.remove(other)
    lines = _used_together(lines)
    for service in without_line:
        home = next((line for line in lines if _goes_on(service, line)), lines[0])
        home.append(service)
    return lines


def _used_together(lines: Sequence[list[Service]]) -> list[list[Service]]:
    """The lines that some drug ran in while another line was in use; the others join the first.

    A second line counts where both were needed at once. After an infiltration, or a push through
    another vein before the infusion, one line was in use at any time.
    """
    first, *others = lines
    apart: list[list[Service]] = []
    for line in others:
        if any(_overlap_in_time(line, other) for other in (first, *apart)):
            apart.append(line)
        else:
            first.extend(line)
    return [first, *apart]


def _overlap_in_time(line: Sequence[Service], other: Sequence[Service]) -> bool:
    return any(
        start < other_stop and other_start < stop
        for service in line
        for start, stop in _presence(service)
        for another in other
        for other_start, other_stop in _presence(another)
    )


def _presence(service: Service) -> Sequence[Span]:
    """The spans of a service; a push of one moment lasts a second."""
    start = start_seconds(service)
    return [(begin, max(end, begin + 1)) for begin, end in service.spans] or [(start, start + 1)]


def _goes_on(service: Service, line: Sequence[Service]) -> bool:
    """Whether a line holds the same drug or the same order."""
    order = service.administration.order
    return any(
        other.substance == service.substance or other.administration.order == order
        for other in line
    )
