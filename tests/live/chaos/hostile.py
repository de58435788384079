"""Records that are meant to stop the service, and a sender that floods it.

This module owns what each such record is, and what must become of it: parked for which reasons, or
parked for none because it is ignored. It keeps the place of each record that Kafka has, so that the
end of a run can look for each of them. It does not know how they are looked for (`aside.py`).
"""

import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from chargeline.published.inbound import INTERFACE, MERGE_COPY, NO_VISIT, NUDGE, PEER, REKEYED
from chargeline.simulator.feed import simulate

from ..records import (
    NO_TIME_MS,
    PARTITIONS,
    Place,
    Record,
    abandon_transaction,
    java,
    key_of,
    send,
    send_with_bad_name,
)
from ..service import Service

FACILITY = b"HOSTILE"
FRAME_BYTES = 400_000
"""The largest message that the captures of a run take."""
ZEROS = bytes(5_000_000)
HOST = "192.0.2.66"
BURST = 300
TRANSACTION_MS = 1_000
QUARANTINED = "sender.quarantined"
IGNORED: frozenset[str] = frozenset()
_FROM = (PEER, HOST.encode())
_NUDGE = ((NUDGE, b"1"),)


class Poison(NamedTuple):
    """A record, and the codes for one of which it must be parked; none if it must be ignored."""

    record: Record
    codes: frozenset[str]


class Sent(NamedTuple):
    """Where a record of `hostile.py` is, its bytes, and for what it must be parked.

    A good message of the hostile sender may be parked or used.
    """

    place: Place
    value: bytes
    codes: frozenset[str]
    may_be_used: bool = False


def hostile_feed(visits: int, seed: int) -> list[bytes]:
    """Good messages of the hostile sender, for visits of its own."""
    messages = simulate(visits=visits, seed=seed, style="standard", mess=0.0).messages
    return [_of_hostile(message) for _style, message in messages]


def _of_hostile(message: bytes) -> bytes:
    """The message with MSH-3 and MSH-4 of the hostile sender."""
    fields = message.split(b"|", 4)
    return b"|".join([*fields[:2], b"CANTEEN", FACILITY, fields[4]])


class Hostile:
    """Sends what may stop the service, and remembers what must be parked."""

    def __init__(
        self, service: Service, dice: random.Random, feed: Sequence[bytes], bursts: int
    ) -> None:
        """`feed` are the good messages of the hostile sender; each of the `bursts` has its part."""
        self.service = service
        self.sent: list[Sent] = []
        self.done: Counter[str] = Counter()
        self._dice = dice
        self._feed = feed
        self._good = [feed[number::bursts] for number in range(bursts)]

    async def poison(self) -> int:
        """Send one record of each kind, each into any partition; returns how many."""
        kinds = self._kinds()
        await self._deliver(kinds)
        kafka, topic = self.service.kafka.bootstrap, self.service.inbound
        place = await send_with_bad_name(kafka, topic, self._anywhere())
        bomb = await send(kafka, topic, [self._garbage(value=ZEROS)], compression="gzip")
        self.sent += [
            Sent(place, b"", frozenset({"record.unreadable"})),
            Sent(bomb[0], b"", frozenset({"record.too_large"})),
        ]
        self.done["poison"] += len(kinds) + 2
        return len(kinds) + 2

    async def burst(self) -> int:
        """Send more unreadable messages than a sender may, until a capture has quarantined it or
        holds them; then good ones of the same sender. Returns how many were unreadable.

        The good ones are used or parked, as the captures that read them have met the others.
        """
        before, count = await self._effects(), 0
        while await self._effects() == before:
            bad = [self._unreadable() for _message in range(BURST)]
            places = await self._deliver(bad)
            count += len(bad)
            await self.service.until(partial(self.service.read_up_to, places), "a burst to be read")
        good = [self._used_or_held(message) for message in self._good[self.done["bursts"]]]
        await self._deliver(good, may_be_used=True)
        self.done["bursts"] += 1
        self.done["of the hostile sender"] += count + len(good)
        return count

    async def _effects(self) -> tuple[int, int]:
        """How often a capture has quarantined the hostile sender, and how many messages are parked
        unread: by captures that quarantined it at the burst before, maybe.
        """
        said = [line for line in self.service.logged() if line["event"] == QUARANTINED]
        held = await self.service.count(f"parked WHERE code = '{QUARANTINED}'")
        return sum(line["host"] == HOST for line in said), held

    async def _deliver(
        self, records: Sequence[Poison], *, may_be_used: bool = False
    ) -> list[Place]:
        places = await self.service.deliver_records([poison.record for poison in records])
        self.sent += [
            Sent(place, poison.record.value or b"", poison.codes, may_be_used)
            for place, poison in zip(places, records, strict=True)
        ]
        return places

    async def open_transaction(self) -> None:
        """Leave a transaction open on one partition; the broker aborts it after some seconds."""
        self.done["open transactions"] += 1
        await abandon_transaction(
            self.service.kafka.bootstrap,
            self.service.inbound,
            [self._garbage()],
            name=f"{self.service.name}-forgetful-{self.done['open transactions']}",
            timeout_ms=TRANSACTION_MS,
        )

    async def until_transactions_are_over(self) -> None:
        """Wait until Kafka has ended the open transactions, and send records that are ignored.

        The end of a transaction is a marker with an offset of its own, which no capture can count.
        So the last record of a partition must be another one.
        """
        await self.service.until(self.service.no_open_transactions, "transactions to time out")
        nudges = [self._garbage(value=None, headers=_NUDGE)._replace(partition=number)
                  for number in range(PARTITIONS)]  # fmt: skip
        await self._deliver([Poison(record, IGNORED) for record in nudges])

    # ------------------------------------------------------------------ the records

    def _anywhere(self) -> int:
        return self._dice.randrange(PARTITIONS)

    def _garbage(self, **more: object) -> Record:
        value = b"no HL7 at all %d" % self._dice.getrandbits(64)
        return Record(value, b"nobody", self._anywhere())._replace(**more)  # type: ignore[arg-type]

    def _kinds(self) -> list[Poison]:
        """One record of each kind that one producer can send, in random order."""
        too_large, no_hl7 = frozenset({"record.too_large"}), frozenset({"message.no_msh"})
        empty = frozenset({"message.empty"})
        dose = self._dice.choice(self._feed)
        key = key_of(dose)
        elsewhere = (java(key) + 1) % PARTITIONS
        kinds = [
            Poison(self._garbage(), no_hl7),
            Poison(self._garbage(timestamp_ms=NO_TIME_MS), frozenset({"record.time"})),
            Poison(self._garbage(value=b"MSH|^~\\&|" + b"x" * FRAME_BYTES), too_large),
            Poison(self._garbage(headers=(("long", b"x" * 100_000),)), too_large),
            Poison(self._garbage(key=b"k" * 70_000), too_large),
            Poison(self._garbage(key=b"\xff\xfe|\x00"), no_hl7),
            Poison(self._garbage(key=None), no_hl7),
            Poison(self._garbage(headers=((NUDGE, b"1"), ("name", b"\xff"))), no_hl7),
            Poison(self._garbage(headers=((MERGE_COPY, b"prior"), (REKEYED, b"6"))), no_hl7),
            # tombstones: without a header, and as a nudge that nobody needs
            Poison(self._garbage(value=None), empty),
            Poison(self._garbage(value=b"", key=None), empty),
            Poison(self._garbage(value=None, headers=_NUDGE), IGNORED),
            Poison(Record(None, key, java(key), _NUDGE), IGNORED),
            # good messages that a header makes unusable; their copies come with a burst
            Poison(
                Record(dose, b"nobody", self._anywhere(), ((INTERFACE, b"nobody's"),)),
                frozenset({"interface.unknown"}),
            ),
            Poison(
                Record(dose, b"nobody", elsewhere, ((REKEYED, b"6"),)),
                frozenset({"key.disputed"}),
            ),
        ]
        self._dice.shuffle(kinds)
        return kinds

    def _unreadable(self) -> Poison:
        """A message that nobody can use, of which MSH-3 and MSH-4 can be read.

        A half of them may be parked unread; the key of the others could be that of a visit.
        """
        head, number = b"MSH|^~\\&|CANTEEN|" + FACILITY, self._dice.getrandbits(64)
        value, code = self._dice.choice(
            [
                (head + b"|||2026||RAS^O17|%d|P|2.5\r", "visit.missing"),
                (head + b"|||2026|\rxx%d", "message.type"),
            ]
        )
        headers = self._dice.choice([(_FROM, (NO_VISIT, b"1")), (_FROM,)])
        record = Record(value % number, b"nobody%d" % number, None, headers)
        return Poison(record, frozenset({code, QUARANTINED}))

    def _used_or_held(self, message: bytes) -> Poison:
        record = Record(message, key_of(message), None, (_FROM,))
        return Poison(record, frozenset({QUARANTINED}))
