"""The claim that no patient shows but in the bytes of messages, not in logs, pages, keys, headers,
commands.

Every identifier of an invented feed is a marker of its own, and everything that the running service
lets out is searched for all of them. Programs are processes, Kafka and PostgreSQL are real.
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
from .servers import Postgres
from .service import DEADLINE_SECONDS, PARTITIONS, Program, Service, service

__all__ = ["service"]

PATIENTS = 15
MARKS_PARKED = 30
PAGES = ("/metrics", "/readyz", "/version", "/healthz", "/livez")
# What stands for each patient: name, number, birth date, street, telephone, insurance, account,
# next of kin.
MARKS = ("QXNAME", "QXMRN", "18770", "QXSTREET", "5550177", "QXINSURED", "QXACCOUNT", "QXKIN")


def marks(patient: int) -> dict[str, str]:
    """The markers of one patient, by what they are."""
    return {mark: f"{mark}{patient:03d}" for mark in MARKS}


def dressed(message: bytes, patient: int) -> bytes:
    """The message with all that a sender says of a patient."""
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
    """Readable messages of twelve patients: doses, a missing stop, an unreadable part, merges, a
    bad time.
    """
    found = [
        dressed(given("VANCOMYCIN", "1000 mg", "0900", "1000", visit=f"V{n}"), n)
        for n in range(1, 7)
    ]
    found.append(dressed(given("VANCOMYCIN", "1000 mg", "0900", visit="V7"), 7))
    found.append(dressed(given("CEFAZOLIN", "much mg", "1100", "1130", visit="V8"), 8))
    found.append(dressed(given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V9", status="Q"), 9))
    found.append(dressed(adt("A41", sent="1900", visit="V1", prior_visit="V0"), 1))
    found.append(dressed(given("CEFAZOLIN", "1000 mg", "1100", "1130", visit="V0"), 1))
    joined = adt("A40", sent="1901", visit="V3", prior_patient=marks(4)["QXMRN"])
    found.append(dressed(joined, 3))
    found.append(
        dressed(adt("A08", sent="1902", visit="V10"), 10).replace(b"202603021902", b"QXNAME010", 1)
    )
    found.append(dressed(given("VANCOMYCIN", "1 mg", "0900", visit="V11", control="C" * 500), 11))
    found.append(dressed(given("VANCOMYCIN", "1 mg", "0900", visit="V12"), 12))
    # Without PV1-19 the account (PID-18) is the visit's number, a key by design; without both it is
    # parked.
    found.append(found[-1].replace(b"|V12|", b"||").replace(marks(12)["QXACCOUNT"].encode(), b""))
    return found


def broken() -> list[bytes]:
    """Bytes that no reader takes, of three more patients."""
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


def words(service: Service) -> set[str]:
    """Which of the things that the log must have, or its silence proves nothing, it has."""
    text = service.log.read_text().replace('":"', '": "')
    return {
        each for each in ('"level": "error"', '"program": "gateway"', '"stopped"') if each in text
    }


def shown(text: bytes) -> set[str]:
    """The markers in a text, in either case."""
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
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(found) < left:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        return found
    finally:
        await consumer.stop()


def around(name: str, records: Sequence[ConsumerRecord]) -> dict[str, bytes]:
    """Keys and headers of records."""
    found = {}
    for number, record in enumerate(records):
        headers = [part or b"" for name, text in record.headers for part in (name.encode(), text)]
        found[f"{name} key and headers {number}"] = b"|".join([record.key or b"", *headers])
    return found


def raw_of(record: ConsumerRecord) -> bytes:
    """The bytes in a parked message's announcement."""
    return base64.b64decode(json.loads(record.value or b"")["raw_base64"])


def reason_of(record: ConsumerRecord) -> bytes:
    """All else that the announcement says."""
    said = json.loads(record.value or b"")
    del said["raw_base64"]
    headers = [base64.b64decode(each["value_base64"] or "") for each in said.pop("headers")]
    return b"|".join([json.dumps(said).encode(), *headers])


async def pages(programs: Sequence[Program], when: str) -> dict[str, bytes]:
    """What every program shows at its port, by program and path."""
    found = {}
    for program in programs:
        for path in PAGES:
            status, text = await program.page(path)
            assert status in (200, 404, 503), (program.name, path, status)
            found[f"{program.name} {path}{when}"] = text.encode()
    return found


async def deliver(port: int, messages: Sequence[bytes]) -> None:
    """Messages over MLLP, each answered; a repeated one is taken again."""
    client = await MllpClient.connect("127.0.0.1", port, answer_seconds=DEADLINE_SECONDS)
    for each in messages:
        assert await client.send(each)
    await client.close()


async def put(service: Service, messages: Sequence[bytes]) -> None:
    """Bytes in the inbound topic under the keys of drafted visits, as another sender puts them
    there.
    """
    producer = AIOKafkaProducer(bootstrap_servers=service.kafka.bootstrap)
    await producer.start()
    try:
        for number, each in enumerate(messages, start=1):
            await producer.send_and_wait(
                service.inbound, key=f"ZEBRA|V{number}".encode(), value=each
            )
    finally:
        await producer.stop()


async def commands_say(environment: Mapping[str, str]) -> dict[str, bytes]:
    """What the commands print that people paste into tickets."""
    found = {}
    for words in ("parked list", "config"):
        ended = await command(words, environment)
        assert ended.code == 0, ended
        found[f"chargeline {words}"] = (ended.out + ended.err).encode()
    assert b"identifier.invalid" in found["chargeline parked list"]
    return found


@pytest.mark.hurts("postgres")
async def test_no_patient_shows_outside_the_bytes_of_messages(
    service: Service, postgres: Postgres
) -> None:
    """No marker in logs at debug level, pages, keys, headers, drafts, questions, or what commands
    print.
    """
    await service.prepare()
    service.environment["CHARGELINE_LOG_LEVEL"] = "debug"
    port = servers.free_port()
    programs = [service.start("gateway", CHARGELINE_MLLP_PORT=str(port)), service.start("capture")]
    for each in programs:
        await service.ready(each)
    await deliver(port, feed()[:6])
    await asyncio.to_thread(postgres.kill)
    await deliver(port, [*feed(), *broken()])
    await put(service, broken())  # the gateway refuses them
    await service.until(
        lambda: ".waiting" in service.log.read_text(), "capture to say that it waits"
    )
    let_out = await pages(programs, " without a ledger")
    await asyncio.to_thread(postgres.start)
    await service.until(service.drained, "everything to be worked off")
    let_out |= await pages(programs, "")
    let_out |= await commands_say(service.environment)
    for each in programs:
        each.signal(signal.SIGTERM)
        assert await each.ended() == 0, service.last_words()
    let_out["the log"] = service.log.read_bytes()
    assert {'"level": "error"', '"program": "gateway"', '"stopped"'} <= words(service)
    inbound = await everything(service, service.inbound)
    assert shown(b"|".join(each.value or b"" for each in inbound)) == every_mark()
    let_out |= around("inbound", inbound)
    for name in ("drafts", "questions"):
        records = await everything(service, f"{service.name}.{name}")
        assert records
        let_out |= around(name, records)
        let_out |= {f"{name} payload {n}": each.value or b"" for n, each in enumerate(records)}
    parked = await everything(service, f"{service.name}.parked")
    assert len(shown(b"|".join(raw_of(each) for each in parked))) >= MARKS_PARKED
    let_out |= around("parked", parked)
    let_out |= {f"parked reason {n}": reason_of(each) for n, each in enumerate(parked)}
    assert {where: found for where, text in let_out.items() if (found := shown(text))} == {}
