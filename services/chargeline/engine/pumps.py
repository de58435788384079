"""Home pumps that are started in one visit and taken off in another.

It owns what such a visit adds to its patient's record, and what the record says about its rows. It
knows no codes. Taking a pump off is part of starting it, so a stop whose start another visit has is
neither billed nor asked about.

One sequence, worked through. Visit A starts a pump of order F1 on Thursday at 11:15, and adds that
to the record. On Saturday at 09:15 visit B has a stop of order F1 and no start of it, and adds the
stop. B is drafted with the start of A: the stop ends that pump. A is drafted with the stop of B:
the pump ran for 46 hours, although no order says for how long it should.
"""

from chargeline.engine.record import Fact, History, Slot, pump_was_started, pump_was_taken_off
from chargeline.engine.timeline.records import Administration, Day, Timeline
from chargeline.engine.words import Device

CARRIED: frozenset[Device] = frozenset({"portable_pump", "clinic_pump", "implanted_pump"})
"""The pumps that go home with the patient."""


def pump_facts(timeline: Timeline) -> list[Fact]:
    """What a visit adds to the record: pumps that it only starts, and pumps that it only stops."""
    facts: list[Fact] = []
    for item in timeline.administrations:
        if item.stopped_only is not None:
            facts.append(Fact(Slot("pump_stop", item.order), item.stopped_only))
        elif _goes_home(item):
            facts.append(Fact(Slot("pump_start", item.order), item.start))
    return facts


def _goes_home(item: Administration) -> bool:
    is_open = item.charted == "open" or item.may_have_run
    return item.given and item.device in CARRIED and is_open


def with_record(timeline: Timeline, history: History) -> Timeline:
    """The timeline with what other visits say about its pumps."""
    if not any(other.slot.kind in ("pump_start", "pump_stop") for other in history):
        return timeline
    return timeline._replace(days=tuple([_day(day, history) for day in timeline.days]))


def _day(day: Day, history: History) -> Day:
    items = tuple([_item(item, history) for item in day.administrations])
    return day if items == day.administrations else day._replace(administrations=items)


def _item(item: Administration, history: History) -> Administration:
    if item.stopped_only is not None:
        is_known = pump_was_started(item.order, item.stopped_only, history)
        return item._replace(ends_other_visit=True) if is_known else item
    if not _goes_home(item):
        return item
    stop = pump_was_taken_off(item.order, item.start, history)
    if stop is None:
        return item
    last = item.intervals[-1]._replace(stop=stop)
    return item._replace(
        charted="interval", may_have_run=False, intervals=(*item.intervals[:-1], last)
    )
