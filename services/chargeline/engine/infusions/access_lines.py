"""Which drugs went into the same access line: each line has an initial service of its own.

It owns one decision: a drug or an order that goes on at another site is still in the same line.
Example: vancomycin stops at 10:30 because the right hand infiltrated, and goes on at 10:50 in the
left hand. It does not know whether a second line was needed: a person is asked.
"""

from collections.abc import Sequence

from chargeline.engine.services.records import Service, start_seconds


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
    for service in without_line:
        home = next((line for line in lines if _goes_on(service, line)), lines[0])
        home.append(service)
    return lines


def _goes_on(service: Service, line: Sequence[Service]) -> bool:
    """Whether a line holds the same drug or the same order."""
    order = service.administration.order
    return any(
        other.substance == service.substance or other.administration.order == order
        for other in line
    )
