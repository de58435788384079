"""`chargeline ledger forget`, `hold`, `release`, `holds`: one visit or patient, by a person's word.

It owns what is printed: how many rows of each table, as proof, and nothing of their content. What
belongs to a visit or a patient, the ledger knows.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from chargeline.drafting.acting import act_of
from chargeline.drafting.announcing import nudge
from chargeline.drafting.masking import shape
from chargeline.drafting.processor import utc_now
from chargeline.engine import Finding, VisitKey, printable
from chargeline.hl7.patient_numbers import patient_numbers
from chargeline.ledger.auditing import Act, Verb
from chargeline.ledger.erasing import Identification
from chargeline.ledger.errors import UnreadableRow
from chargeline.ledger.holding import HeldRows, Hold
from chargeline.ledger.records import Whose
from chargeline.ledger.unreadable import counted, named
from chargeline.operate.opened import opened
from chargeline.operate.running import FAILED, NOT_COMPLETE, OK, Command, say
from chargeline.published.inbound import record_key
from chargeline.settings import Settings

READING = Identification(patient_numbers, record_key)


def forget(whose: Whose, *, who: str, why: str) -> Command:
    """Do `chargeline ledger forget`: remove all of it in one transaction, and print what went.

    A nudge for each visit makes a capture that has it in memory drop it. Rows that do not open
    could not be searched: they stay, the proof and the trail name them, and the exit code says so.
    Of nothing there is no proof.
    """

    async def work(settings: Settings) -> int:
        now = utc_now()
        async with opened(settings) as ledger, ledger.batch() as batch:
            removed, visits, sums, unsearched = await batch.erase(whose, READING, now)
            left = {"unsearched": counted(unsearched), "unsearched_rows": named(unsearched)}
            nudges = [nudge(settings.topic_inbound, VisitKey(*key), now) for key in sorted(visits)]
            await batch.announce(nudges if any(removed.values()) else [])
            act = _act("ledger.forget", whose, who=who, why=why, rows=removed, sums=sums, **left)
            await batch.audit([act])
        if not unsearched and not any(removed.values()):
            return say("the ledger had nothing of it", FAILED)
        proof = {"forgotten": whose.kind, "at": now.isoformat(), "by": act.who, "reason": why}
        rows = {name: removed[name] for name in sorted(removed)}
        print(json.dumps({**proof, "complete": not unsearched, "rows": rows, **left}))
        if unsearched:
            return say(_not_complete(whose, unsearched), NOT_COMPLETE)
        return OK

    return work


def _not_complete(whose: Whose, unsearched: Sequence[UnreadableRow]) -> str:
    """What a person must know of rows that were not searched, and do."""
    finding = unsearched[0].finding._replace(
        expected="to search every row",
        found=", ".join(f"{n} of {table}" for table, n in counted(unsearched).items())
        + f" that do not open, the first of them {named(unsearched)[0]}",
        where="",
        do=f"they were left and may be of this {whose.kind}: restore them from a backup, or remove "
        f"them, and forget the {whose.kind} again",
    )
    return f"NOT COMPLETE: {finding}"


def hold(whose: Whose, *, who: str, why: str) -> Command:
    """Do `chargeline ledger hold`: retention and `forget` leave it alone from now on.

    What the ledger does not have is held for what comes, and the exit code is 1: the number may be
    mistyped.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger, ledger.batch() as batch:
            act = _act("ledger.hold", whose, who=who, why=why)
            rows = await batch.hold(whose, READING, utc_now(), who=act.who, why=why)
            await batch.audit([act])
        print(printable(f"{whose.kind} is held by {act.who}: {_kept(rows)}; {why}"))
        return OK if rows.any else _nothing_held(whose)

    return work


def release(whose: Whose, *, who: str, why: str) -> Command:
    """Do `chargeline ledger release`: what was held has its usual days again."""

    async def work(settings: Settings) -> int:
        async with opened(settings) as ledger, ledger.batch() as batch:
            ended = await batch.release(whose)
            kept_by = await batch.kept_by(whose)
            act = _act("ledger.release", whose, who=who, why=why)
            await batch.audit([act] if ended else [])
        if not ended:
            return _nothing_released(whose, kept_by)
        others = sum(one.number != whose.number for one in ended)
        merged = f" ({others} held under another number, merged with this one)" if others else ""
        print(printable(f"{whose.kind} is released by {act.who}{merged}: {why}"))
        if kept_by:
            print(f"{whose.kind} stays held {_by_others(kept_by)}")
        return OK

    return work


def _kept(rows: HeldRows) -> str:
    """What a hold keeps, with its number and kind: `1 visit, 4 messages`; "nothing yet"."""
    counts = (
        (rows.visits, "visit"),
        (rows.messages, "message"),
        (rows.parked, "parked message"),
        (rows.entries, "entry of a record"),
    )
    words = [f"{count} {noun if count == 1 else _PLURAL[noun]}" for count, noun in counts if count]
    merged = [f"{rows.numbers - 1} numbers merged with it"] if rows.numbers > 1 else []
    return ", ".join([*words, *merged]) or "nothing yet"


_PLURAL = {
    "visit": "visits",
    "message": "messages",
    "parked message": "parked messages",
    "entry of a record": "entries of records",
}


def _nothing_held(whose: Whose) -> int:
    finding = Finding(
        "ledger.nothing_held",
        expected=f"a {whose.kind} of which the ledger has something",
        found="nothing stored under this facility and number now",
        where="",
        do="check facility and number; the hold stands and covers what comes under this number, "
        "until `chargeline ledger release` ends it",
    )
    return say(str(finding), FAILED)


def _nothing_released(whose: Whose, kept_by: list[Whose]) -> int:
    do = f"release it {_by_others(kept_by)}" if kept_by else "see `chargeline ledger holds`"
    found = "one that is held with another one only" if kept_by else "none"
    expected = f"a {whose.kind} with a hold of its own"
    return say(str(Finding("ledger.nothing_held", expected, found, where="", do=do)), FAILED)


def _by_others(kept_by: list[Whose]) -> str:
    """By whose holds; the numbers of patients stay out."""
    visits = {f"with visit {one.facility}|{one.number}" for one in kept_by if one.kind == "visit"}
    patients = {"with its patient" for one in kept_by if one.kind == "patient"}
    return " and ".join(sorted(visits | patients))


class ListedHold(NamedTuple):
    """One hold as `ledger holds --json` prints it.

    `number` is the shape of a patient's number unless it was asked for. `record` is what names the
    hold in the audit trail. The last four count rows of the ledger, `numbers` those of the visit
    or patient.
    """

    kind: str
    facility: str
    number: str
    record: str
    since: str
    who: str
    why: str
    numbers: int
    visits: int
    messages: int
    parked: int
    entries: int


def holds(*, unmask: bool = False, as_json: bool = False, who: str = "", why: str = "") -> Command:
    """Do `chargeline ledger holds`: a line for each hold.

    With `unmask` the numbers of patients too. That is an act of the audit trail.
    """

    async def work(settings: Settings) -> int:
        async with opened(settings, locked=True) as ledger:
            if unmask:
                act = act_of("ledger.holds", "ledger", "hold", who=who, why=why)
                async with ledger.batch() as batch:
                    await batch.audit([act])
            placed = await ledger.holds()
        for hold in placed:
            listed = _listed(hold, unmask=unmask)
            print(json.dumps(listed._asdict()) if as_json else _line(listed, hold.rows))
        if not as_json:
            print(f"{len(placed)} held")
        return OK

    return work


def _listed(hold: Hold, *, unmask: bool) -> ListedHold:
    whose = hold.whose
    number = whose.number if unmask or whose.kind == "visit" else shape(whose.number)
    since = hold.placed_at.isoformat(timespec="seconds")
    record = whose.digest
    return ListedHold(
        *(whose.kind, whose.facility, number, record, since, hold.who, hold.why), *hold.rows
    )


def _line(hold: ListedHold, rows: HeldRows) -> str:
    return printable(
        f"{hold.since}  {hold.kind:<7} {hold.facility}|{hold.number}  record {hold.record}  "
        f"by {hold.who}: {_kept(rows)}; {hold.why}"
    )


def _act(did: Verb, whose: Whose, *, who: str, why: str, **details: object) -> Act:
    """The act on a visit or patient, whose number must not stay in the trail."""
    return act_of(did, whose.kind, whose.digest, who=who, why=why, details=details)
