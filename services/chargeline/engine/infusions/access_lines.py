"""Which drugs went into the same access line: each line has an initial service of its own.

It owns two decisions: a drug or an order that goes on at another site is still in the same line,
and lines that were never in use at the same time are one line.
Example: vancomycin stops at 10:30 because the right hand infiltrated, and goes on at 10:50 in the
left hand. It does not know whether a second line was needed: a person is asked.
"""

from collections.abc import Sequence

from chargeline.engine.services.records import Service, start_seconds
from chargeline.engine.spans import Span, overlap, union


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
        continued = [line for line in lines if _go_on(same, line)]
        if not continued:
            lines.append(list(same))
            continue
        continued[0].extend(same)
        for other in continued[1:]:
            continued[0].extend(other)
            lines.remove(other)
    lines = _used_together(lines)
    return _with_those_without_line(lines, without_line)


def _with_those_without_line(
    lines: Sequence[list[Service]], without_line: Sequence[Service]
) -> list[list[Service]]:
    """Add each service to the first line in which its drug or order went, else to the first."""
    held = [_held(line) for line in lines]
    together = [list(line) for line in lines]
    for service in without_line:
        names = _names(service)
        home = next((at for at, of_line in enumerate(held) if not names.isdisjoint(of_line)), 0)
        together[home].append(service)
        held[home] |= names
    return together


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
    ours = union(span for service in line for span in _presence(service))
    return overlap(ours, [span for service in other for span in _presence(service)]) > 0


def _presence(service: Service) -> Sequence[Span]:
    """The spans of a service; a push of one moment lasts a second."""
    start = start_seconds(service)
    return [(begin, max(end, begin + 1)) for begin, end in service.spans] or [(start, start + 1)]


def _go_on(services: Sequence[Service], line: Sequence[Service]) -> bool:
    """Whether a line holds the same drug or the same order as one of the services."""
    return not _held(services).isdisjoint(_held(line))


def _held(line: Sequence[Service]) -> set[tuple[str, str]]:
    return {name for service in line for name in _names(service)}


def _names(service: Service) -> set[tuple[str, str]]:
    """The drug and the order of a service, each marked as what it is."""
    return {("drug", service.substance), ("order", service.administration.order)}
