"""One authorization that visits in several partitions use, on a real Kafka and PostgreSQL.

What is left of it lies in no single partition: two captures count it down, and one of them is
killed while doses come.
"""

import json
import signal
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import chargeline.engine.authorization_words as words
from chargeline.hl7.authorization_messages import AuthorizationNotice, notice_message
from tests.drafting.test_authorizations import dose, order

from .chaos.evidence import Body, distinct, events_of, gathered, revisions
from .commands import command
from .records import PARTITIONS, Record, java, key_of
from .service import Program, Service, service
from .test_capture import assert_equal_to_code
from .test_placement import two_captures

__all__ = ["service"]

CODE, UNITS = "J2860", 80  # in each dose
GRANTED = 5 * UNITS
DAYS = {f"V{number}": f"202610{5 * number:02d}" for number in range(1, 7)}
FIRST, SECOND, LAST = "V1", "V2", "V6"


def told(day: int, status: words.AuthorizationStatus, units: int | None = None) -> bytes:
    """What the payer said of A77 on a day of September 2026; a grant is for the next half year."""
    granted = status in ("approved", "modified")
    received = datetime(2026, 9, day, 15, 30)
    return notice_message(
        AuthorizationNotice(
            facility="ZEBRA",
            payer="UNITEDHEALTHCARE",
            patient="ZZ1",
            number="A77",
            status=status,
            received=received,
            codes=(CODE,),
            diagnoses=("D47.Z2",),
            starts=date(2026, 10, 1) if granted else None,
            until=date(2027, 3, 31) if granted else None,
            units=units,
            basis="units" if granted else "",
            decided=received if granted else None,
        )
    )


ASKED = [order(visit, day) for visit, day in DAYS.items()]
PENDED = [told(1, "requested", GRANTED), told(4, "pended")]
ANSWERED = [told(8, "approved", GRANTED - UNITS), told(9, "modified", GRANTED)]
GIVEN = [dose(visit, day) for visit, day in DAYS.items()]
HALF = len(GIVEN) // 2


async def drug_lines(service: Service) -> dict[str, Body]:
    """The drug's line of each visit's last draft; a visit without one is left out.

    A line without its authorization says under `why` by which edit.
    """
    lines = {}
    for (_facility, visit), events in revisions((await gathered(service)).drafts).items():
        for encounter in events[-1].body["encounters"]:
            why = [e["code"] for e in encounter["edits"] if e["code"] == "authorization.units"]
            for line in encounter["lines"]:
                if line["code"] == CODE:
                    lines[visit] = line | {"why": "".join(why)}
    return lines


async def numbers(service: Service) -> dict[str, str]:
    """The authorization of each visit's line, or the edit that says why it has none."""
    lines = await drug_lines(service)
    return {visit: line["authorization"] or line["why"] for visit, line in lines.items()}


async def on_file(service: Service) -> Body:
    """A77 as `chargeline auth list` prints it."""
    ended = await command("auth list --json", service.environment)
    assert ended.code == 0, ended
    listed: Body = json.loads(ended.out)
    return listed


async def assert_counted_down(service: Service, used: int) -> None:
    """The units that are counted down are those that the drafts bill, visit by visit."""
    listed, lines = await on_file(service), await drug_lines(service)
    billed = {visit: line["units"] for visit, line in lines.items()}
    assert {use["visit"]: int(use["amount"]) for use in listed["uses"]} == billed
    assert (sum(billed.values()), int(listed["used"])) == (used, used)
    assert int(listed["left"]) == GRANTED - used, "below 0 if more is billed than granted"


async def needed(service: Service) -> Counter[tuple[str, str]]:
    """How often each state of `authorization.needed` was published, as a reader counts who reads
    committed records and knows repeats by their id.
    """
    events = await events_of(service, f"{service.name}.authorizations", "read_committed")
    first = {event.id: event.raw for event in distinct(events)}
    assert all(first[event.id] == event.raw for event in events), "one id has one content"
    bodies = [event.body for event in distinct(events)]
    return Counter([(body["visit"], body["state"]) for body in bodies])


async def owner_of(service: Service, message: bytes) -> Program:
    """The running capture that has the partition of a message."""
    name = (await service.owners())[java(key_of(message))]
    return next(program for program in service.programs if program.name == name)


async def test_visits_in_several_partitions_share_one_authorization_through_a_kill(
    service: Service, tmp_path: Path
) -> None:
    """400 units, six doses of 80: the sixth has none, until the first is voided.

    The capture of the sixth visit is killed after the first doses were read; the rest comes while
    it is away.
    """
    everything = [*ASKED, *PENDED, *ANSWERED, *GIVEN]
    assert len({java(key_of(message)) for message in ASKED}) > PARTITIONS // 2
    await two_captures(service)
    await service.deliver([*ASKED, *PENDED])
    await service.until(service.drained, "the orders to be asked about")
    opened = Counter({(visit, "opened"): 1 for visit in DAYS})
    assert await needed(service) == opened
    await service.deliver(ANSWERED)
    early = [Record(message, key_of(message)) for message in GIVEN[:HALF]]
    places = await service.deliver_records(early)
    killed = await owner_of(service, early[0].value or b"")
    await service.until(lambda: service.read_up_to(places[:1]), "the first dose to be read")
    killed.signal(signal.SIGKILL)
    assert await killed.ended() == -signal.SIGKILL
    await service.deliver(GIVEN[HALF:])
    service.start()
    await service.until(service.drained, "all doses to be counted")
    assert await numbers(service) == dict.fromkeys(DAYS, "A77") | {LAST: "authorization.units"}
    await assert_counted_down(service, len(DAYS) * UNITS)
    assert await needed(service) == opened + Counter({(visit, "closed"): 1 for visit in DAYS})
    await assert_equal_to_code(service, everything, tmp_path)

    void = dose(FIRST, DAYS[FIRST], "1200", "D")
    await service.deliver([void])
    await service.until(service.drained, "the void to reach the last visit")
    left = [visit for visit in DAYS if visit != FIRST]
    assert await numbers(service) == dict.fromkeys(left, "A77")
    await assert_counted_down(service, GRANTED)
    second = dose(SECOND, DAYS[SECOND], "1200", "D")
    await service.deliver([second])
    await service.until(service.drained, "the second void to give its units back")
    await assert_counted_down(service, GRANTED - UNITS)
    await assert_equal_to_code(service, [*everything, void, second], tmp_path)
