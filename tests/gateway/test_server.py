"""Claims about the gateway: an acknowledged message is stored, under the key of its visit.

The store is a list that a test can hold, break and fill. The tests read an answer by its MSA-1.
"""

import asyncio
import io
import logging
import random
import re
from datetime import UTC, datetime

import pytest

from chargeline.gateway.received import InboundMessage
from chargeline.gateway.server import (
    Gateway,
    StoreFull,
    StoreTooLarge,
    StoreUnavailable,
)
from chargeline.hl7.interpret import read_events
from chargeline.hl7.reader import read_message
from chargeline.mllp.limits import HangUpError, MllpLimits, Peer
from chargeline.mllp.wire import MllpError
from chargeline.published.inbound import record_key
from tests.clock import elapse
from tests.gateway import HOST, MemoryStore, connected, profile, running, settings, until
from tests.golden.messages import adt, given, message, orc, ordered, segment
from tests.hl7 import RAS, with_header
from tests.telemetry.test_logs import lines, out

__all__ = ["out"]

PEER = Peer("10.0.0.7", 40000, "pharmacy.genhosp.example")
NOW = datetime(2024, 3, 12, 14, 15, tzinfo=UTC)
SECRETS = ("TESTPATIENT", "ZEBRA", "99000001", "88000002", "19500101", "ZZ1", "ZZ9")


def code(answer: bytes | None) -> str:
    """MSA-1, or "" if nothing was answered."""
    return (read_message(answer).value("MSA-1") or "") if answer is not None else ""


async def handled(data: bytes, store: MemoryStore | None = None, **given: object) -> bytes | None:
    gateway = Gateway(store or MemoryStore(), profile(), settings(**given), now=lambda: NOW)
    return await gateway.handle(data, PEER)


async def kept(data: bytes) -> list[InboundMessage]:
    """The messages in the store after one message, which must have been accepted."""
    store = MemoryStore()
    assert code(await handled(data, store)) == "AA"
    return store.kept


# ------------------------------------------------------------------ acknowledged means stored


async def test_a_message_is_stored_as_it_came_and_accepted() -> None:
    """The store gets the bytes, the key, the headers and the time when the message came."""
    (message,) = await kept(RAS)
    assert message == InboundMessage(
        raw=RAS,
        key="GENHOSP|V0000001",
        headers={
            "chargeline-type": "RAS^O17",
            "chargeline-digest": read_message(RAS).body_digest.hex(),
            "chargeline-interface": "standard",
            "chargeline-peer": "10.0.0.7 pharmacy.genhosp.example",
        },
        received_at=NOW,
    )


async def test_no_acknowledgement_comes_before_the_store_has_the_message() -> None:
    """While the store holds back a put, the sender gets nothing, and another sender is served.
    After the put the sender gets AA.
    """
    store = MemoryStore()
    async with running(store) as gateway, connected(gateway) as client, connected(gateway) as other:
        store.held = RAS
        answer = asyncio.create_task(client.send(RAS))
        await until(lambda: store.tries == 1)
        assert code(await other.send(with_header(MSH_10="MSG2"))) == "AA"
        assert not answer.done()
        assert RAS not in [copy.raw for copy in store.kept]
        store.opened.set()
        assert code(await answer) == "AA"
        assert RAS in [copy.raw for copy in store.kept]


async def test_a_lost_acknowledgement_is_made_good_by_sending_again() -> None:
    """The sender goes away before the answer and sends again: the message is stored twice, under
    one key and with one digest.
    """
    store = MemoryStore()
    store.held = RAS
    async with running(store) as gateway:
        async with connected(gateway) as client:
            await client.write(RAS)
            await until(lambda: store.tries == 1)
        store.opened.set()
        await until(lambda: len(store.kept) == 1)
        async with connected(gateway) as client:
            again = with_header(MSH_7="20240312110000", MSH_10="MSG2")
            assert code(await client.send(again)) == "AA"
    first, second = store.kept
    assert first.raw != second.raw
    assert first.key == second.key
    assert first.headers["chargeline-digest"] == second.headers["chargeline-digest"]


async def test_pipelined_messages_are_stored_and_answered_in_order() -> None:
    """100 messages, sent without waiting for answers: the answers come in order, and the
    store has that order.
    """
    numbers = [f"N{count}" for count in range(100)]
    store = MemoryStore()
    async with running(store) as gateway, connected(gateway) as client:
        messages = [with_header(MSH_10=number) for number in numbers]
        got = [
            read_message(answer).value("MSA-2")
            async for answer in client.send_many(messages, in_flight=100)
        ]
    assert got == numbers
    assert [read_message(copy.raw).control_id for copy in store.kept] == numbers


async def test_closing_answers_what_is_in_flight() -> None:
    """A message that the store holds back is stored and accepted during the grace time."""
    store = MemoryStore()
    store.held = RAS
    async with running(store) as gateway, connected(gateway) as client:
        await client.write(RAS)
        await until(lambda: store.tries == 1)
        closing = asyncio.create_task(gateway.close())
        store.opened.set()
        assert code(await client.answer()) == "AA"
        await closing


# ------------------------------------------------------------------ a store in trouble


async def test_a_store_that_is_down_gives_an_error_and_later_accepts() -> None:
    """AE with 207 after 10 seconds. When the store is back, the same message gets AA."""
    store = MemoryStore()
    store.failing = StoreUnavailable()
    async with running(store, store_seconds=10) as gateway, connected(gateway) as client:
        sending = asyncio.create_task(client.send(RAS))
        await until(lambda: store.tries > 1)
        elapse(10)
        answer = await sending
        assert code(answer) == "AE"
        assert read_message(answer).value("ERR-3.1") == "207"
        store.failing = None
        assert code(await client.send(RAS)) == "AA"
    assert len(store.kept) == 1
    assert gateway.counts["store_unavailable"] == gateway.counts["message_stored"] == 1


async def test_a_store_that_comes_back_in_time_costs_the_sender_nothing() -> None:
    """The message waits for the store and is accepted."""
    store = MemoryStore()
    store.failing = StoreUnavailable()
    async with running(store) as gateway, connected(gateway) as client:
        answer = asyncio.create_task(client.send(RAS))
        await until(lambda: store.tries > 2)
        store.failing = None
        assert code(await answer) == "AA"


async def test_a_store_that_never_answers_gives_an_error_in_time() -> None:
    """A put that hangs is cancelled, and the sender gets AE."""
    store = MemoryStore()
    store.held = RAS
    assert code(await handled(RAS, store, store_seconds=0.01)) == "AE"


async def test_a_full_store_rejects_at_once() -> None:
    """AR with 207 and no second try."""
    store = MemoryStore()
    store.failing = StoreFull()
    answer = await handled(RAS, store)
    assert code(answer) == "AR"
    assert read_message(answer or b"").value("ERR-3.1") == "207"
    assert store.tries == 1


async def test_a_message_too_large_for_the_store_is_an_error_at_once() -> None:
    """AE with 207, no second try, and a text that says what would help."""
    store = MemoryStore()
    store.failing = StoreTooLarge()
    answer = read_message(await handled(RAS, store) or b"")
    assert (answer.value("MSA-1"), answer.value("ERR-3.1")) == ("AE", "207")
    assert "takes no message of this size" in (answer.value("ERR-7") or "")
    assert store.tries == 1


@pytest.mark.parametrize(
    ("accept", "stored", "down", "full", "too_large"),
    [
        ("AL", "CA", "CE", "CR", "CE"),
        ("ER", "", "CE", "CR", "CE"),
        ("SU", "CA", "hang up", "hang up", "hang up"),
    ],
)
async def test_enhanced_mode_tells_what_msh_15_asks_for(
    accept: str, stored: str, down: str, full: str, too_large: str
) -> None:
    """If MSH-15 forbids to tell of a failure, we hang up, so that the sender notices."""

    async def outcome(failing: Exception | None) -> str:
        store = MemoryStore()
        store.failing = failing
        try:
            return code(await handled(with_header(MSH_15=accept), store, store_seconds=0.005))
        except HangUpError:
            return "hang up"

    failures = (None, StoreUnavailable(), StoreFull(), StoreTooLarge())
    got = [await outcome(failing) for failing in failures]
    assert got == [stored, down, full, too_large]


async def test_a_refusal_is_logged_with_its_reason_and_its_sender(out: io.StringIO) -> None:
    """The line has the code, the name of the count, and the sender's address;
    nothing of the message.
    """
    store = MemoryStore()
    store.failing = StoreFull()
    await handled(RAS, store)
    (said,) = lines(out)
    assert "dropped_keys" not in said
    told = ("message.refused", "207", "store_full", PEER.host, PEER.port)
    assert (said["event"], said["code"], said["reason"], said["host"], said["port"]) == told
    assert not any(secret in str(said) for secret in SECRETS)


async def test_a_store_that_is_down_fills_no_log(out: io.StringIO) -> None:
    """512 messages are refused: one line at once, and one with the sum of the others. What another
    reason refuses has its own line.
    """
    store = MemoryStore()
    store.failing = StoreFull()
    async with running(store, processing_ids=frozenset("PT")) as gateway:
        for _ in range(512):
            await gateway.handle(RAS, PEER)
        await gateway.handle(with_header(MSH_11="D"), PEER)
    refused = [line for line in lines(out) if line["event"] == "message.refused"]
    assert [(line["reason"], line["count"]) for line in refused] == [
        ("store_full", 1), ("message_refused", 1), ("store_full", 511),
    ]  # fmt: skip


async def test_an_application_acknowledgement_that_is_not_sent_is_counted_and_said_once(
    out: io.StringIO,
) -> None:
    """MSH-16 asks for it in an exchange of its own. Three messages: a CA and a count for each, and
    one line in the log.
    """
    gateway = Gateway(MemoryStore(), profile(), settings(), now=lambda: NOW)
    for _ in range(3):
        assert code(await gateway.handle(with_header(MSH_15="AL", MSH_16="AL"), PEER)) == "CA"
    assert gateway.counts["application_answer_owed"] == 3
    (said,) = lines(out)
    assert (said["event"], said["host"]) == ("application_answer.not_sent", PEER.host)
    assert "dropped_keys" not in said


async def test_a_store_that_fails_in_an_unknown_way_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The message may or may not be stored, so there is no answer. The text of the error stays out
    of the log.
    """
    store = MemoryStore()
    store.failing = RuntimeError("TESTPATIENT^ZEBRA")
    async with running(store) as gateway, connected(gateway) as client:
        with pytest.raises(MllpError):
            await client.send(RAS)
    assert not any(secret in caplog.text for secret in SECRETS)


async def test_what_happens_on_a_connection_is_logged_with_its_sender(out: io.StringIO) -> None:
    """Bytes outside frames, a frame that is too large, half a frame, a handler that fails: for each
    the log has the event, the host and the port.
    """
    store = MemoryStore()
    store.failing = RuntimeError("TESTPATIENT^ZEBRA")
    async with running(store, limits=MllpLimits(frame_bytes=2000)) as gateway:
        for sent in (
            b"TESTPATIENT",
            b"\vMSH|" + b"Z" * 3000 + b"\x1c\r",
            b"\vMSH|ZEBRA",
            b"\v" + RAS + b"\x1c\r",
        ):
            reader, writer = await asyncio.open_connection(HOST, gateway.server.port)
            writer.write(sent)
            writer.write_eof()
            await reader.read()
            writer.close()
        await until(lambda: gateway.server.connections == 0)
    said = [line for line in lines(out) if line["source"] == "mllp.server"]
    assert [line["event"] for line in said] == [
        "frame.start_block_missing", "frame.too_large", "frame.cut_off", "connection.failed"
    ]  # fmt: skip
    assert all(line["host"] == HOST and line["port"] > 0 for line in said)
    assert not any("dropped_keys" in line for line in said)
    assert said[-1]["says"].startswith("the handler failed with RuntimeError at ")
    assert not any(secret in out.getvalue() for secret in SECRETS)


# ------------------------------------------------------------------ what is stored or refused


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (with_header(MSH_9="ORU^R01"), None),
        (RAS.replace(b"V0000001^^^GENHOSP^VN", b""), None),
        (with_header(MSH_7="yesterday"), None),
        (with_header(MSH_14="MORE"), "message.fragment"),
        (RAS.removesuffix(b"\r") + RAS, "message.several"),
        (RAS + b"RX", "message.cut_off"),
    ],
)
async def test_what_cannot_be_interpreted_is_stored_for_a_person(
    data: bytes, problem: str | None
) -> None:
    """An unknown type, no visit, an impossible time, a fragment: AA, and a header has the code of
    the problem if the gateway sees one.
    """
    (message,) = await kept(data)
    assert message.raw == data
    assert message.headers.get("chargeline-problem") == problem


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"PID|1||99000001^^^GENHOSP^MR||TESTPATIENT^ZEBRA\r", "100"),
        (b" \x00", "100"),
        (with_header(MSH_9=""), "101"),
        (RAS.replace(b"^~\\&", b"ABCD"), "102"),
    ],
)
async def test_what_has_no_structure_is_an_error_and_not_stored(data: bytes, error: str) -> None:
    """AE with the code of the problem. To send the message again unchanged would not help."""
    store = MemoryStore()
    answer = await handled(data, store)
    assert code(answer) == "AE"
    assert read_message(answer or b"").value("ERR-3.1") == error
    assert store.kept == []


@pytest.mark.parametrize(
    ("given", "data", "expected"),
    [
        ({"processing_ids": frozenset("P")}, RAS, ("AA", None, None)),
        ({"processing_ids": frozenset("P")}, with_header(MSH_11="T"), ("AR", "202", "11")),
        ({"processing_ids": frozenset("TD")}, RAS, ("AR", "202", "11")),
        ({"processing_ids": frozenset("P")}, with_header(MSH_11="P^T"), ("AA", None, None)),
        ({"versions": frozenset({"2.5.1"})}, with_header(MSH_12="2.3"), ("AR", None, None)),
        ({"versions": frozenset({"2.3"})}, RAS, ("AR", "203", "12")),
        (
            {"processing_ids": frozenset("P")},
            with_header(MSH_11="T", MSH_15="AL"),
            ("CR", "202", "11"),
        ),
        ({}, with_header(MSH_11="X", MSH_12="9.9"), ("AA", None, None)),
    ],
)
async def test_processing_id_and_version_are_refused_if_the_site_says_so(
    given: dict[str, object], data: bytes, expected: tuple[str, str | None, str | None]
) -> None:
    """By default all are accepted. A production gateway can refuse T and D; a refused message
    is not stored.
    """
    store = MemoryStore()
    answer = read_message(await handled(data, store, **given) or b"")
    assert (answer.value("MSA-1"), answer.value("ERR-3.1"), answer.value("ERR-2.3")) == expected
    assert bool(store.kept) is (expected[0] == "AA")


async def test_a_message_that_is_too_large_is_answered_to_its_sender() -> None:
    """AE with the message's number and the limit, then the connection ends; nothing is stored."""
    store = MemoryStore()
    limits = MllpLimits(frame_bytes=1000)
    async with running(store, limits=limits) as gateway, connected(gateway) as client:
        answer = read_message(await client.send(RAS + b"NTE|1||" + b"x" * 1000 + b"\r"))
        assert (answer.value("MSA-1"), answer.value("MSA-2")) == ("AE", "MSG00001")
        assert "at most 1000 bytes" in (answer.value("ERR-7") or "")
        with pytest.raises(MllpError):
            await client.answer()
    assert store.kept == []


async def test_an_acknowledgement_is_not_acknowledged() -> None:
    """An ACK that comes as a message is neither stored nor answered. Two systems that acknowledge
    each other's ACKs would never stop.
    """
    store = MemoryStore()
    assert await handled(with_header(MSH_9="ACK^O17^ACK"), store) is None
    assert store.kept == []


async def test_whatever_comes_is_answered() -> None:
    """3,000 messages with bytes changed, cut out and doubled at random: each is answered AA or AE,
    unless the change has made it an ACK.
    """
    chance = random.Random(7)
    gateway = Gateway(MemoryStore(), profile(), settings(answers="original"))
    for _ in range(3000):
        data = bytearray(
            RAS if chance.random() < 0.5 else adt("A36", prior_patient="ZZ9", prior_visit="V9")
        )
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(min(len(data), 120))
            data[at : at + chance.choice((0, 1, 9))] = chance.choice(
                (
                    b"",
                    b"|",
                    b"^",
                    b"\\",
                    b"\r",
                    b"\n",
                    b"\x00",
                    b"\xff",
                    b"MSH",
                    bytes(data[at : at + 30]),
                )
            )
        answer = await gateway.handle(bytes(data), PEER)
        codes = re.findall(rb"\rMSA\W(A[AE])", answer or b"")  # two where MSH begins a second time
        assert codes or b"ACK" in data


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "data",
    [
        RAS,
        given("J9171", "140 mg", "0900", "1000"),
        ordered("J9171", "140 mg"),
        adt("A08"),
        message("ADT^A04", account="A77", visit=""),
        with_header(MSH_4="A\\F\\B"),
    ],
)
async def test_the_key_is_that_of_the_visit_which_the_engine_will_see(data: bytes) -> None:
    """The key has the facility and the visit that the consumer reads by the same profile."""
    reading = read_events(read_message(data), profile())
    assert reading.visit is not None
    assert [copy.key for copy in await kept(data)] == [record_key(reading.facility, reading.visit)]


async def test_a_message_without_visit_has_a_key_of_its_body() -> None:
    """The key is the facility and 16 digits of the digest. A message that is sent again has the
    same key, and no patient's number is in it.
    """
    data = adt("A40", visit="", prior_patient="ZZ9")
    (first,) = await kept(data)
    (again,) = await kept(data.replace(b"|202603020700|", b"|202603020800|", 1))
    digest = read_message(data).body_digest.hex()
    assert first.key == again.key == f"ZEBRA|{digest[:16]}"
    assert first.headers["chargeline-no-visit"] == "1"


async def test_a_message_that_cannot_be_read_keeps_its_facility() -> None:
    """The key of a fragment begins with its MSH-4."""
    (message,) = await kept(with_header(MSH_14="MORE"))
    assert message.key.startswith("GENHOSP|")
    assert message.headers["chargeline-no-visit"] == "1"
    assert message.headers["chargeline-type"] == ""


@pytest.mark.parametrize("trigger", ["A35", "A36", "A41"])
async def test_a_merge_of_visits_reaches_both_visits(trigger: str) -> None:
    """The message is stored under the prior visit and under the surviving one, with the same bytes
    and a header that says which copy it is.
    """
    data = adt(trigger, prior_patient="ZZ9", prior_visit="V9")
    first, second = await kept(data)
    assert (first.key, first.headers["chargeline-merge"]) == ("ZEBRA|V9", "prior")
    assert (second.key, second.headers["chargeline-merge"]) == ("ZEBRA|V1", "surviving")
    assert first.raw == second.raw == data


async def test_a_merge_of_several_visits_reaches_each_of_them() -> None:
    """Two MRG segments: two copies under the prior visits, one under the surviving visit."""
    rows = [segment("MRG", {5: visit}) for visit in ("V8", "V9")]
    copies = await kept(message("ADT^A35", *rows))
    assert [copy.key for copy in copies] == ["ZEBRA|V8", "ZEBRA|V9", "ZEBRA|V1"]


@pytest.mark.parametrize("trigger", ["A34", "A40", "A08"])
async def test_what_merges_no_visits_is_stored_once(trigger: str) -> None:
    """A merge of patients, or an MRG in a message that merges nothing, has one key."""
    data = adt(trigger, prior_patient="ZZ9", prior_visit="V9")
    for sent in (data, data.replace(b"ADT^A08", b"BAR^A35")):
        (copy,) = await kept(sent)
        assert "chargeline-merge" not in copy.headers


async def test_a_merge_is_acknowledged_only_when_both_copies_are_stored() -> None:
    """The store takes the first copy and not the second: the sender gets AE, and will
    send the message again.
    """

    class Half(MemoryStore):
        async def put(self, message: InboundMessage) -> None:
            if self.kept:
                raise StoreUnavailable
            await super().put(message)

    store = Half()
    data = adt("A41", prior_visit="V9")
    assert code(await handled(data, store, store_seconds=0.005)) == "AE"
    assert [copy.key for copy in store.kept] == ["ZEBRA|V9"]


# ------------------------------------------------------------------ no patient anywhere


async def test_no_answer_header_key_or_log_shows_a_patient(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Messages that are stored, refused, broken, too large, or hold a name in MSH-9: only the
    stored bytes show the patient.
    """
    caplog.set_level(logging.DEBUG)
    store = MemoryStore()
    down = MemoryStore()
    down.failing = StoreUnavailable()
    answers: list[bytes | None] = []
    for data in (
        RAS,
        with_header(MSH_9="ZEBRA^TESTPATIENT"),
        with_header(MSH_11="D"),
        RAS[RAS.index(b"PID") :],
        RAS.replace(b"MSH|^~\\&", b"MSH|ZZ1"),
        adt("A40", visit="", prior_patient="ZZ9").replace(b"|ZEBRA|", b"|GENHOSP|"),
        message("RAS^O17", orc(), visit="").replace(b"|ZEBRA|", b"|GENHOSP|"),
    ):
        answers.append(await handled(data, store, processing_ids=frozenset("PT")))
        answers.append(await handled(data, down, store_seconds=0.002))
    async with (
        running(store, limits=MllpLimits(frame_bytes=400)) as gateway,
        connected(gateway) as client,
    ):
        answers.append(await client.send(RAS))
    for answer in answers:
        assert not any(secret.encode() in (answer or b"") for secret in SECRETS), answer
    said = capsys.readouterr().out
    assert "message.refused" in said
    keys, headers = zip(*((copy.key, str(copy.headers)) for copy in store.kept), strict=True)
    shown = [caplog.text, said, *keys, *headers]
    assert not [text for text in shown if any(secret in text for secret in SECRETS)]
