"""Claims about several messages in one MLLP frame: each is stored, and one answer says so."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import hl7
import pytest

from chargeline.gateway.server import Gateway, StoreFull
from chargeline.mllp.limits import Peer
from tests.gateway import MemoryStore, profile, settings
from tests.golden.messages import given
from tests.hl7 import with_header
from tests.telemetry.test_logs import lines, out

__all__ = ["out"]

PEER = Peer("10.0.0.7", 40000, "")
NOW = datetime(2026, 3, 2, 18, 15, tzinfo=UTC)
FIRST = given("OXALIPLATIN", "130 mg", "0900", "1000", visit="V1")
SECOND = given("ONDANSETRON", "8 mg", "0830", "0850", visit="V2", patient="ZZ2")
FHS = b"FHS|^~\\&|MAR|ZEBRA|CHARGELINE|ZEBRA|202603021800||||FILE7\r"
BHS = b"BHS|^~\\&|MAR|ZEBRA|CHARGELINE|ZEBRA|202603021800||||LOT7\r"


class FullFor(MemoryStore):
    """A store that has no room for one message."""

    def __init__(self, refused: bytes) -> None:
        super().__init__()
        self.refused = refused

    async def put(self, message):  # type: ignore[no-untyped-def]
        if message.raw.strip() == self.refused.strip():
            raise StoreFull
        await super().put(message)


async def handled(frame: bytes, store: MemoryStore) -> bytes:
    gateway = Gateway(store, profile(), settings(), now=lambda: NOW, new_number=lambda: "N1")
    return await gateway.handle(frame, PEER) or b""


def said(answer: bytes) -> list[tuple[str, str]]:
    """MSA-1 and MSA-2 of each acknowledgement in an answer."""
    rows = [f"{line}|".split("|") for line in answer.decode().split("\r") if line[:3] == "MSA"]
    return [(row[1], row[2]) for row in rows]


def number(message: bytes) -> str:
    return message.decode().split("\r")[0].split("|")[9]


def names(answer: bytes) -> Sequence[str]:
    return [line[:3] for line in answer.decode().split("\r") if line]


BOTH = [("AA", number(FIRST)), ("AA", number(SECOND))]
ACKS = ["MSH", "MSA"] * 2


@pytest.mark.parametrize(
    ("frame", "answered"),
    [
        (FIRST + SECOND, ACKS),
        (FIRST.rstrip() + b"\r\n" + SECOND, ACKS),
        (BHS + FIRST + SECOND + b"BTS|2\r", ["BHS", *ACKS, "BTS"]),
        (FHS + BHS + FIRST + SECOND + b"BTS|2\rFTS|1\r", ["FHS", "BHS", *ACKS, "BTS", "FTS"]),
    ],
    ids=["two MSH", "two MSH with CRLF", "batch", "batch in a file"],
)
async def test_each_message_of_a_frame_is_stored_and_answered(
    frame: bytes, answered: list[str]
) -> None:
    """Under the key of its own visit, and in an envelope if it came in one."""
    store = MemoryStore()
    answer = await handled(frame, store)
    assert [message.key for message in store.kept] == ["ZEBRA|V1", "ZEBRA|V2"]
    assert [message.raw.strip() for message in store.kept] == [FIRST.strip(), SECOND.strip()]
    assert all("chargeline-problem" not in message.headers for message in store.kept)
    assert (said(answer), names(answer)) == (BOTH, answered)


async def test_a_batch_is_answered_with_a_batch_that_names_it() -> None:
    """Sender and receiver change places; BHS-12 is the number of the batch. python-hl7 reads it."""
    answer = (await handled(FHS + BHS + FIRST + b"BTS|1\rFTS|1\r", MemoryStore())).decode()
    assert "BHS|^~\\&|CHARGELINE|ZEBRA|MAR|ZEBRA|20260302181500+0000||||N1|LOT7\r" in answer
    assert "FHS|^~\\&|CHARGELINE|ZEBRA|MAR|ZEBRA|20260302181500+0000||||N1|FILE7\r" in answer
    assert answer.endswith("BTS|1\rFTS|1\r")
    ((only,),) = hl7.parse_file(answer)
    assert str(only.segment("MSA")[1]) == "AA"


@pytest.mark.parametrize("envelope", [(b"", b""), (BHS, b"BTS|2\r")])
async def test_a_refusal_stands_before_the_acceptances(envelope: tuple[bytes, bytes]) -> None:
    """A sender that reads only the first MSA sends the frame again, and loses nothing."""
    store = FullFor(SECOND)
    answer = await handled(envelope[0] + FIRST + SECOND + envelope[1], store)
    assert said(answer) == [("AR", number(SECOND)), ("AA", number(FIRST))]
    assert [message.key for message in store.kept] == ["ZEBRA|V1"]


async def test_a_bad_message_does_not_refuse_its_batch() -> None:
    """Bytes that are no message are an error; the message after them is stored."""
    store = MemoryStore()
    answer = await handled(BHS + b"PID|1||ZZ1\r" + FIRST + b"BTS|1\r", store)
    assert said(answer) == [("AE", ""), ("AA", number(FIRST))]
    assert [message.key for message in store.kept] == ["ZEBRA|V1"]


async def test_a_line_feed_before_a_header_in_a_note_begins_no_message() -> None:
    """Where segments end with CR, a line feed is content."""
    noted = FIRST + b"NTE|1||copied:\nMSH|^~\\&|X\r"
    store = MemoryStore()
    assert said(await handled(noted, store)) == [("AA", number(FIRST))]
    assert [message.raw for message in store.kept] == [noted]


async def test_an_envelope_without_messages_is_answered_by_an_empty_one() -> None:
    """So a sender that tries its connection is not refused."""
    store = MemoryStore()
    assert names(await handled(BHS + b"BTS|0\r", store)) == ["BHS", "BTS"]
    assert store.kept == []


async def test_a_batch_that_wants_no_answers_gets_none() -> None:
    """MSH-15 and MSH-16 of each message count, also in a batch."""
    quiet = with_header(MSH_15="NE", MSH_16="NE")
    assert await handled(BHS + quiet + quiet + b"BTS|2\r", MemoryStore()) == b""


async def test_a_wrong_count_is_logged_and_the_messages_count(out: io.StringIO) -> None:
    """BTS-1 is often wrong; a refusal would have the batch sent for ever."""
    answer = await handled(BHS + FIRST + SECOND + b"BTS|3\r", MemoryStore())
    assert said(answer) == BOTH
    (line,) = [line for line in lines(out) if line["event"] == "batch.miscounted"]
    assert (line["code"], line["where"]) == ("batch.count", "BTS-1")


async def test_a_thousand_messages_in_a_frame_are_all_stored() -> None:
    """More than are stored side by side."""
    many = [given("ONDANSETRON", "8 mg", "0830", visit=f"V{n}") for n in range(1000)]
    store = MemoryStore()
    answer = await handled(BHS + b"".join(many) + b"BTS|1000\r", store)
    assert said(answer) == [("AA", number(message)) for message in many]
    assert len(store.kept) == 1000
