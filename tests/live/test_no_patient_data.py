"""The claim that only the bytes of messages show a patient: no log, page, key, header or command.

In the invented feed each identifier of a patient is a marker, such as QXNAME007. The test searches
everything that the running service puts out for all markers. The programs are processes; Kafka and
PostgreSQL are real.
"""

import asyncio
import base64
import json
import signal
from collections.abc import Mapping, Sequence

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from chargeline.mllp.client import MllpClient
from tests.golden.messages import adt, given

from . import servers
from .commands import command
from .records import PARTITIONS
from .servers import Postgres
from .service import DEADLINE_SECONDS, Program, Service, service

__all__ = ["service"]

PATIENTS = 15
MARKS_PARKED = 30
PAGES = ("/metrics", "/readyz", "/version", "/healthz", "/livez")
# A log without these would be too quiet to prove anything: an error, the gateway, an orderly end.
MUST_BE_LOGGED = frozenset({'"level": "error"', '"program": "gateway"', '"stopped"'})
# One marker each for name, number, birth date, street, telephone, insurance, account and kin.
MARKS = ("QXNAME", "QXMRN", "18770", "QXSTREET", "5550177", "QXINSURED", "QXACCOUNT", "QXKIN")


def marks(patient: int) -> dict[str, str]:
    """The markers of one patient: of patient 7 under `QXNAME` the name QXNAME007."""
    return {mark: f"{mark}{patient:03d}" for mark in MARKS}


def dressed(message: bytes, patient: int) -> bytes:
    """The message with everything that a sender may say of a patient, as markers."""
    mark = marks(patient)
    rows = []
    for row in message.decode().split("\r"):
        fields = row.split("|")
        if fields[0] == "PID":
            fields += [""] * (20 - len(fields))
            fields[3] = f"{mark['QXMRN']}^^^ZEBRA^MR"
            fields[5] = f"{mark['QXNAME']}^ZEBRA"
            fields[7] = mark["18770"]
            fields[11] = f"1 {mark['QXSTREET']} STREET^^NOWHERE^ZZ^00000"
            fields[13] = f"^PRN^PH^^^555^{mark['5550177']}"
            fields[18] = mark["QXACCOUNT"]
        rows.append("|".join(fields))
    insured = (
        f"IN1|1|PLAN|ZEBRAPAYER|INVENTED||||||||||||{mark['QXNAME']}^ZEBRA"
        + "|" * 20
        + mark["QXINSURED"]
    )
    return "\r".join([*rows[:-1], f"NK1|1|{mark['QXKIN']}^ZEBRA", insured, ""]).encode()


def feed() -> list[bytes]:
    """Readable messages of twelve patients.

    Among them are a missing stop, an unreadable dose, merges of visits and of patients, a name in
    place of a time, and a message without a visit.
    """
    messages = [
        dressed(given("VANCOMYCIN", "1000 mg", "0900", "1000", visit=f"V{n}"), n)
        for n in range(1, 7)
    ]
    messages += [
        dressed(given("VANCOMYCIN", "1000 mg", "0900", visit="V7"), 7),
        dressed(given("CEFAZOLIN", "much mg", "1100", "1130", visit="V8"), 8),
        dressed(given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V9", status="Q"), 9),
        dressed(adt("A41", sent="1900", visit="V1", prior_visit="V0"), 1),
        dressed(given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V0"), 1),
        dressed(adt("A40", sent="1901", visit="V3", prior_patient=marks(4)["QXMRN"]), 3),
        dressed(adt("A08", sent="1902", visit="V10"), 10).replace(b"202603021902", b"QXNAME010", 1),
        dressed(given("VANCOMYCIN", "1 mg", "0900", visit="V11", control="C" * 500), 11),
    ]
    whole = dressed(given("VANCOMYCIN", "1 mg", "0900", visit="V12"), 12)
    # Without PV1-19 the account (PID-18) would be the visit's number, which is a key by design.
    # Without both the message is parked.
    nameless = whole.replace(b"|V12|", b"||").replace(marks(12)["QXACCOUNT"].encode(), b"")
    return [*messages, whole, nameless]


def broken() -> list[bytes]:
    """Messages of three more patients that no reader takes."""
    whole = [
        dressed(given("VANCOMYCIN", "1000 mg", "0900", visit=f"V{n}"), n) for n in (13, 14, 15)
    ]
    return [
        whole[0][4:],
        whole[1].replace(rb"|^~\&|", b"|QXNAME014|", 1),
        whole[2].replace(b"RAS^O17", b""),
    ]


def every_mark() -> set[str]:
    """All markers of the feed."""
    return {mark for n in range(1, PATIENTS + 1) for mark in marks(n).values()}


def logged(service: Service) -> set[str]:
    """Those of MUST_BE_LOGGED that the log holds."""
    text = service.log.read_text().replace('":"', '": "')
    return {part for part in MUST_BE_LOGGED if part in text}


def shown(text: bytes) -> set[str]:
    """The markers in a text, in capital or small letters."""
    upper = text.upper()
    return {mark for mark in every_mark() if mark.encode() in upper}


async def everything(service: Service, topic: str) -> Sequence[ConsumerRecord]:
    """All records of a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=service.kafka.bootstrap,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=10**7,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        left = sum((await consumer.end_offsets(partitions)).values())
        read: list[ConsumerRecord] = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(read) < left:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    read += records
        return read
    finally:
        await consumer.stop()


def around(name: str, records: Sequence[ConsumerRecord]) -> dict[str, bytes]:
    """Keys and headers of the records of a topic, by the topic's name and the record's number."""
    texts = {}
    for number, record in enumerate(records):
        headers = [part or b"" for name, text in record.headers for part in (name.encode(), text)]
        texts[f"{name} key and headers {number}"] = b"|".join([record.key or b"", *headers])
    return texts


def raw_of(record: ConsumerRecord) -> bytes:
    """The message itself in the announcement of a parked message."""
    return base64.b64decode(json.loads(record.value or b"")["raw_base64"])


def reason_of(record: ConsumerRecord) -> bytes:
    """Everything else in the announcement of a parked message."""
    said = json.loads(record.value or b"")
    del said["raw_base64"]
    headers = [base64.b64decode(header["value_base64"] or "") for header in said.pop("headers")]
    return b"|".join([json.dumps(said).encode(), *headers])


async def pages(programs: Sequence[Program], when: str) -> dict[str, bytes]:
    """What each program shows on its pages, by program and path."""
    texts = {}
    for program in programs:
        for path in PAGES:
            status, text = await program.page(path)
            assert status in (200, 404, 503), (program.name, path, status)
            texts[f"{program.name} {path}{when}"] = text.encode()
    return texts


async def deliver(port: int, messages: Sequence[bytes]) -> None:
    """Send messages over MLLP and wait for the answer to each."""
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    for message in messages:
        assert await client.send(message)
    await client.close()


async def put(service: Service, messages: Sequence[bytes]) -> None:
    """Put messages into the inbound topic under the keys of drafted visits, past the gateway."""
    producer = AIOKafkaProducer(bootstrap_servers=service.kafka.bootstrap)
    await producer.start()
    try:
        for number, message in enumerate(messages, start=1):
            key = f"ZEBRA|V{number}".encode()
            await producer.send_and_wait(service.inbound, key=key, value=message)
    finally:
        await producer.stop()


async def commands_say(environment: Mapping[str, str]) -> dict[str, bytes]:
    """What those commands print whose output people paste into tickets."""
    printed = {}
    for words in ("parked list", "config"):
        ended = await command(words, environment)
        assert ended.code == 0, ended
        printed[f"chargeline {words}"] = (ended.out + ended.err).encode()
    assert b"identifier.invalid" in printed["chargeline parked list"]
    return printed


@pytest.mark.hurts("postgres")
async def test_no_patient_shows_outside_the_bytes_of_messages(
    service: Service, postgres: Postgres
) -> None:
    """Debug logs, pages, keys, headers, drafts, questions and command output show no marker."""
    await service.prepare()
    service.environment["CHARGELINE_LOG_LEVEL"] = "debug"
    port = servers.free_port()
    programs = [
        service.start("gateway", CHARGELINE_MLLP_PORT=str(port)),
        service.start("capture", CHARGELINE_PARKED_BYTES="yes"),
    ]
    for program in programs:
        await service.ready(program)
    await deliver(port, feed()[:6])
    await asyncio.to_thread(postgres.kill)
    await deliver(port, [*feed(), *broken()])
    await put(service, broken())  # the gateway has refused these messages
    await service.until(
        lambda: ".waiting" in service.log.read_text(), "capture to say that it waits"
    )
    let_out = await pages(programs, " without a ledger")
    await asyncio.to_thread(postgres.start)
    await service.until(service.drained, "everything to be worked off")
    let_out |= await pages(programs, "")
    let_out |= await commands_say(service.environment)
    for program in programs:
        program.signal(signal.SIGTERM)
        assert await program.ended() == 0, service.last_words()
    let_out["the log"] = service.log.read_bytes()
    assert logged(service) == MUST_BE_LOGGED
    inbound = await everything(service, service.inbound)
    assert shown(b"|".join(record.value or b"" for record in inbound)) == every_mark()
    let_out |= around("inbound", inbound)
    for name in ("drafts", "questions"):
        records = await everything(service, f"{service.name}.{name}")
        assert records
        let_out |= around(name, records)
        let_out |= {f"{name} payload {n}": record.value or b"" for n, record in enumerate(records)}
    parked = await everything(service, f"{service.name}.parked")
    assert len(shown(b"|".join(raw_of(record) for record in parked))) >= MARKS_PARKED
    let_out |= around("parked", parked)
    let_out |= {f"parked reason {n}": reason_of(record) for n, record in enumerate(parked)}
    assert {where: marked for where, text in let_out.items() if (marked := shown(text))} == {}
