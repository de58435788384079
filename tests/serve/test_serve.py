"""Claims about `chargeline serve` as a process: it keeps each message that it acknowledges, and
writes out the draft of each message that it keeps.
"""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from chargeline.hl7.reader import read_message
from chargeline.ledger.store import Ledger
from chargeline.mllp.client import MllpClient
from chargeline.mllp.wire import MllpError
from chargeline.published.schemas import CHANNELS
from chargeline.published.shapes import TYPES, ParkedMessage
from tests.clock import PATIENCE_SECONDS
from tests.drafting.test_processor import by_code
from tests.golden.messages import adt, given
from tests.live.servers import Postgres
from tests.published.test_schemas import validator

from . import HOST, Served, code_of, deliver, drafted, feed, once, revisions, until

Make = Callable[..., Served]


async def test_a_feed_over_mllp_gives_the_drafts_of_code(served: Make, url: str) -> None:
    """A messy feed, of which each message is accepted: the last revisions have the
    lines of `chargeline code`.
    """
    service = served(url)
    service.start()
    await service.ready()
    messages = feed(40, 31)
    await deliver(messages, service.port)
    assert await service.stop() == 0, service.said()
    assert drafted(service.events()) == by_code(messages)


async def test_killed_again_and_again_it_loses_and_doubles_nothing(served: Make, url: str) -> None:
    """SIGKILL after a tenth, four tenths and eight tenths of the feed; the sender repeats what was
    not accepted: the same drafts, each revision once.
    """
    service = served(url)
    service.start()
    messages = feed(50, 32)
    kill_at = [round(share * len(messages)) for share in (0.1, 0.4, 0.8)]

    def accepted(count: int) -> None:
        if kill_at and count >= kill_at[0] and service.process is not None:
            kill_at.pop(0)
            service.process.kill()
            service.process.wait()
            service.start()

    await deliver(messages, service.port, in_flight=16, accepted=accepted)
    assert not kill_at
    assert await service.stop() == 0, service.said()
    told = service.events()
    assert drafted(told) == by_code(messages)
    numbers = Counter((draft.facility, draft.visit, draft.revision) for draft in revisions(told))
    assert set(numbers.values()) == {1}
    counts = Counter((facility, visit) for facility, visit, _number in numbers)
    # The numbers of a visit's revisions are 1, 2, 3 … without a gap.
    assert all((*visit, count) in numbers for visit, count in counts.items())


async def test_a_stop_while_messages_come_keeps_and_tells_what_was_accepted(served: Make) -> None:
    """SIGTERM in the middle of a feed: exit code 0, and the drafts are those
    of the accepted messages.
    """
    service = served()
    service.start()
    await service.ready()
    messages, accepted = feed(40, 33), 0

    def count(done: int) -> None:
        nonlocal accepted
        accepted = done
        if done == len(messages) // 2 and service.process is not None:
            service.process.terminate()

    sending = asyncio.create_task(deliver(messages, service.port, in_flight=4, accepted=count))
    assert await service.ended() == 0, service.said()
    sending.cancel()
    await asyncio.wait([sending])
    assert len(messages) // 2 <= accepted < len(messages)
    ledger = await Ledger.open(f"sqlite:///{service.folder}/ledger.sqlite")
    assert await ledger.take_outbox(1) == []
    await ledger.close()
    kept = drafted(service.events())
    assert any(
        kept == by_code(messages[:end]) for end in range(accepted, min(accepted + 5, len(messages)))
    )


@pytest.mark.hurts("postgres")
async def test_while_postgresql_is_down_nothing_is_accepted_and_it_goes_on_by_itself(
    served: Make, postgres: Postgres, database: str
) -> None:
    """PostgreSQL is killed in the middle of a feed: the program is not ready and accepts nothing.
    When PostgreSQL runs again, the drafts are the same.
    """
    service = served(database)
    service.start()
    await service.ready()
    messages, down = feed(30, 41), asyncio.Event()
    loop = asyncio.get_running_loop()

    def accepted(count: int) -> None:
        if count == len(messages) // 2:
            loop.call_soon(down.set)

    sending = asyncio.create_task(deliver(messages, service.port, accepted=accepted))
    await down.wait()
    await asyncio.to_thread(postgres.kill)

    async def is_not_ready() -> bool:
        return b" 503 " in (await service.page("/readyz")).partition(b"\r\n")[0]

    await until(is_not_ready, service.said)
    async with await MllpClient.connect(
        HOST, service.port, answer_seconds=PATIENCE_SECONDS
    ) as client:
        assert code_of(await client.send(adt("A04", visit="V2"))) == "AE"
    assert not sending.done()
    await asyncio.to_thread(postgres.start)
    await sending
    assert await service.stop() == 0, service.said()
    assert drafted(service.events()) == by_code(messages)


async def test_a_ledger_that_is_held_does_not_hold_up_the_end(served: Make) -> None:
    """Another program has SQLite locked when SIGTERM comes: exit code 0, and the message that waits
    is not accepted.
    """
    service = served(shutdown_seconds="3")
    service.start()
    client = await _connected(service)
    other = sqlite3.connect(
        service.folder / "ledger.sqlite", isolation_level=None, timeout=PATIENCE_SECONDS
    )
    other.execute("BEGIN IMMEDIATE")
    await client.write(adt("A04"))
    assert await service.stop() == 0
    try:
        answer = code_of(await client.answer())
    except MllpError:
        answer = "hung up"
    assert answer in ("AE", "hung up")
    await client.close()
    other.close()


async def test_timers_go_on_after_a_restart(served: Make, url: str) -> None:
    """A visit is discharged before a kill and becomes final after it, without a further message."""
    service = served(url, discharge_grace_hours="0")
    # On a slow machine the kill may come too late, after the visit became final: then try again
    # with more time.
    for number, seconds in enumerate((5, 20, 80)):
        service.start()
        await service.ready()
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        await deliver(_discharged(f"V{number}", soon), service.port)
        await until(lambda visit=f"V{number}": _statuses(service, visit), service.said)
        assert await service.stop(signal.SIGKILL) == -signal.SIGKILL
        if _statuses(service, f"V{number}")[-1] == "open":
            break
    assert set(_statuses(service, f"V{number}")) == {"open"}
    service.start()
    await until(lambda: _statuses(service, f"V{number}")[-1] == "final", service.said)
    assert datetime.now(UTC) >= soon
    assert await service.stop(signal.SIGINT) == 0


def _discharged(visit: str, when: datetime) -> list[bytes]:
    """A dose and a discharge."""
    dose = given("OXALIPLATIN", "130 mg", "0900", "1100", visit=visit)
    return [dose, adt("A03", sent=when.strftime("%Y%m%d%H%M%S+0000"), visit=visit)]


def _statuses(service: Served, visit: str) -> list[str]:
    """The status of each revision of a visit, in order."""
    return [draft.status for draft in revisions(service.events()) if draft.visit == visit]


async def test_a_second_one_takes_over_and_the_first_stops(served: Make, url: str) -> None:
    """Two programs on one ledger: the first ends with 1 and says why, although it is idle; the
    second goes on.
    """
    messages = feed(10, 34)
    first = served(url)
    first.start()
    await first.ready()
    await deliver(messages[:40], first.port)
    second = served(url)
    second.start()
    assert await first.ended() == 1
    assert (
        "expected to be the only `chargeline serve` of this ledger, found another one"
        in first.said()
    )
    await second.ready()
    await deliver(messages[40:], second.port)
    assert await second.stop() == 0
    assert drafted(second.events()) == by_code(messages)  # both have written to the same file


async def test_what_was_accepted_is_written_although_another_program_is_still_the_relay(
    served: Make, database: str
) -> None:
    """A predecessor's session may outlive it for a moment. A stop waits for it: else the drafts of
    the last messages would come out at the next start only.
    """
    messages = feed(10, 34)
    before = await Ledger.open(database, accept_old=True)
    await before.migrate()
    await before.take_outbox(1)  # from now on it is the relay
    service = served(database)
    service.start()
    await service.ready()
    await deliver(messages, service.port)
    assert service.process is not None
    service.process.send_signal(signal.SIGTERM)
    await until(lambda: _refuses(service.port))
    assert service.events() == []
    await before.close()
    assert await service.ended() == 0
    assert drafted(service.events()) == by_code(messages), service.said()


async def _refuses(port: int) -> bool:
    try:
        _reader, writer = await asyncio.open_connection(HOST, port)
    except ConnectionError:
        return True
    writer.close()
    return False


async def test_a_third_one_takes_over_and_the_second_stops(served: Make, url: str) -> None:
    """A supervisor starts the first one again, which was ended by the second: now the second ends.

    No two of them ever go on side by side, and no message is lost.
    """
    messages = feed(10, 34)
    first = served(url)
    first.start()
    await first.ready()
    await deliver(messages[:20], first.port)
    second = served(url)
    second.start()
    assert await first.ended() == 1
    await second.ready()
    await deliver(messages[20:40], second.port)
    first.start()
    assert await second.ended() == 1
    await first.ready()
    await deliver(messages[40:], first.port)
    assert await first.stop() == 0
    assert drafted(first.events()) == by_code(messages)


async def test_a_frozen_one_is_succeeded_and_ends_when_it_goes_on(
    served: Make, database: str
) -> None:
    """SIGSTOP in the middle of a transaction: a second one takes over and drafts the whole feed.
    The first ends with 1 when it goes on, and says once why.
    """
    messages = feed(10, 34)
    first = served(database)
    first.start()
    await first.ready()
    sending = asyncio.create_task(deliver(messages, first.port, in_flight=1))
    await _frozen_in_a_transaction(first, database)
    sending.cancel()
    await asyncio.wait([sending])
    second = served(database)
    second.start()
    await second.ready()
    await deliver(messages, second.port)
    ledger = await Ledger.open(database)
    async with ledger.view() as view:
        (offset,) = await view.offsets()
    await ledger.close()
    assert offset.next_offset is not None and offset.next_offset >= len(messages)
    assert first.process is not None
    first.process.send_signal(signal.SIGCONT)
    assert await first.ended() == 1
    assert second.process is not None and second.process.poll() is None
    assert await second.stop() == 0, second.said()
    reasons = [line for line in first.said().splitlines() if line.startswith("chargeline: ")]
    assert len(reasons) == 1
    assert "expected to be the only `chargeline serve` of this ledger" in reasons[0]
    assert drafted(second.events()) == by_code(messages)


async def _frozen_in_a_transaction(service: Served, database: str) -> None:
    """Freeze it while it holds the row of its partition."""
    assert service.process is not None
    connection = await asyncpg.connect(database)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            service.process.send_signal(signal.SIGSTOP)
            try:
                await connection.execute("SELECT FROM partition_offset FOR UPDATE NOWAIT")
            except asyncpg.LockNotAvailableError:
                break
            service.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.01)
    await connection.close()


async def test_a_second_one_on_the_same_port_does_not_disturb_the_first(served: Make) -> None:
    """Somebody starts it twice by mistake: the second ends with 1 and names the port; the
    first is not fenced.
    """
    first = served()
    first.start()
    await first.ready()
    second = served(mllp_port=str(first.port))
    second.start()
    assert await second.ended() == 1
    assert f"port {first.port}, found" in second.said() and "CHARGELINE_MLLP_PORT" in second.said()
    await deliver(feed(1, 1), first.port)
    assert await first.stop() == 0


async def test_a_file_that_cannot_be_written_ends_it_at_the_start(served: Make) -> None:
    """The folder of the file does not exist: exit code 1 before the program listens, and the error
    names the file.
    """
    service = served()
    service.start("--out", str(service.folder / "nowhere" / "events.jsonl"))
    assert await service.ended() == 1
    assert (
        "nowhere/events.jsonl: expected to write events, found No such file or directory"
        in service.said()
    )


async def test_a_full_disk_ends_it_and_the_ledger_keeps_the_events(served: Make) -> None:
    """No room for a draft: exit code 1 and an error in words. Started again with room, the program
    writes every draft.
    """
    service = served()
    messages = feed(5, 35)
    service.start("--out", "/dev/full")
    await service.ready()
    sending = asyncio.create_task(deliver(messages, service.port))
    assert await service.ended() == 1
    assert "/dev/full: expected to write events, found No space left on device" in service.said()
    service.start()
    await sending
    assert await service.stop() == 0
    assert drafted(service.events()) == by_code(messages)


async def test_a_reader_who_goes_away_loses_nothing(served: Make) -> None:
    """The reader closes the pipe: exit code 1. Started again with a file, the program writes the
    events that the pipe did not take.
    """
    service = served()
    reader, writer = os.pipe()
    messages = feed(5, 36)
    service.start_into(writer)
    os.close(writer)
    await service.ready()
    os.close(reader)
    sending = asyncio.create_task(deliver(messages, service.port))
    assert await service.ended() == 1
    assert "standard output: expected to write events, found Broken pipe" in service.said()
    service.start()
    await sending
    assert await service.stop() == 0
    assert drafted(service.events()) == by_code(messages)


async def test_a_reader_who_does_not_read_holds_up_neither_senders_nor_the_end(
    served: Make,
) -> None:
    """The pipe is full: messages are still accepted, SIGTERM ends the program with 0, and the
    events wait in the ledger.
    """
    service = served(shutdown_seconds="2")
    reader, writer = os.pipe()
    messages = feed(10, 37)
    service.start_into(writer)
    os.close(writer)
    await deliver(messages, service.port)
    assert await service.stop() == 0
    assert "outbox.left" in service.said()
    with os.fdopen(reader, "rb") as pipe:  # the last line may be there in part only
        taken = [json.loads(line) for line in pipe.readlines() if line.endswith(b"\n")]
    assert drafted(taken) != by_code(messages)
    service.start()
    await until(lambda: drafted([*taken, *service.events()]) == by_code(messages), service.said)
    assert await service.stop() == 0


async def test_a_pipe_gets_json_lines(served: Make) -> None:
    """`chargeline serve | reader`: the reader gets the lines of a file, and nothing else."""
    service = served()
    process = service.start_into(subprocess.PIPE)
    assert process.stdout is not None
    reading = asyncio.create_task(asyncio.to_thread(process.stdout.read))
    messages = feed(5, 38)
    await deliver(messages, service.port)
    assert await service.stop() == 0
    lines = (await reading).decode().splitlines()
    assert drafted(json.loads(line) for line in lines) == by_code(messages)


async def test_a_terminal_gets_words(served: Make) -> None:
    """On a terminal each event is a line of words: codes and units, what changed, and what is wrong
    with a parked message.
    """
    service = served()
    ours, theirs = os.openpty()
    service.start_into(theirs)
    os.close(theirs)
    await service.ready()
    await deliver([given("OXALIPLATIN", "130 mg", "0900", "1000")], service.port)
    await deliver([given("OXALIPLATIN", "130 mg", "0900", "1100", sent="1900")], service.port)
    await deliver([b"MSH|^~\\&|MAR|ZEBRA|C|Z|20260302||RAS^O17|1|T|2.5.1\rPID|1\r"], service.port)
    text = ""
    while "parked" not in text:
        text += (
            await asyncio.wait_for(asyncio.to_thread(os.read, ours, 4096), PATIENCE_SECONDS)
        ).decode()
    assert await service.stop() == 0
    first, draft, revised, parked = text.splitlines()[:4]
    assert first == f"listening for HL7 over MLLP at {HOST}:{service.port}"
    assert re.fullmatch(r"ZEBRA\|V1  draft 1 \w+: 96413×1 J9263×260", draft)
    assert re.fullmatch(
        r"ZEBRA\|V1  draft 2 \w+: 96413×1 96415×1 J9263×260; added 96415×1", revised
    )
    assert re.match(r"\S*\|\S*  parked \S+: expected .*, found .*; ", parked)


async def test_every_line_holds_under_the_published_schemas(served: Make) -> None:
    """Drafts, questions and parked messages are CloudEvents in JSON format, and their data satisfy
    the schemas in schemas/.
    """
    service = served()
    service.start()
    broken = [b"MSH|^~\\&|MAR|ZEBRA|C|Z|20260302||RAS^O17|1|T|2.5.1\rPID|1\r"]
    await deliver([*feed(30, 39), *broken], service.port)
    assert await service.stop() == 0
    topics = {TYPES[channel.model]: channel.topic for channel in CHANNELS}
    told = once(service.events())
    for event in told:
        assert set(event) == {
            "specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data",
        }  # fmt: skip
        assert event["specversion"] == "1.0" and event["datacontenttype"] == "application/json"
        assert datetime.fromisoformat(event["time"]).tzinfo is not None
        data = event["data"]
        assert event["subject"] == f"{data['facility'] or ''}|{data['visit'] or ''}"
        validator(topics[event["type"]]).validate(data)
    of_orders = {"authorization.needed"}  # the feed has no payer that wants one
    wanted = {channel.topic for channel in CHANNELS} - of_orders
    assert {topics[event["type"]] for event in told} == wanted


async def test_no_patient_is_named_outside_the_ledger(served: Make) -> None:
    """No name or number of a patient is in the log, in a key, or in a draft or question."""
    service = served(log_level="debug")
    service.start()
    messages = [
        *feed(20, 40),
        b"MSH|^~\\&|A|B\rPID|1||12345||QUAGGA^ZOE\r",
        b"no header QUAGGA^ZOE",
    ]
    head = "MSH|^~\\&|MAR|ZEBRA|C|Z|20260302||RAS^O17|Q1|T|2.5.1"
    messages.insert(0, f"{head}\rPID|1||12345||QUAGGA^ZOE\r".encode())  # parked
    client = await _connected(service)
    for sent in messages:
        await client.send(sent)
    await client.close()
    assert await service.stop() == 0
    names = {"QUAGGA", "ZOE"}
    for sent in messages[:-2]:
        message = read_message(sent)
        names |= {part for at in ("PID-5.1", "PID-5.2", "PID-3.1") if (part := message.value(at))}
    assert len(names) > 20
    events = service.events()
    parked = [event["data"] for event in events if event["type"] == TYPES[ParkedMessage]]
    assert [(event["control_id"], event["raw_base64"]) for event in parked] == [("Q1", None)]
    text = service.log.read_text() + json.dumps(events)
    assert [name for name in names if re.search(rf"\b{re.escape(name)}\b", text)] == []


async def _connected(service: Served) -> MllpClient:
    await service.ready()
    return await MllpClient.connect(HOST, service.port, answer_seconds=PATIENCE_SECONDS)


async def test_the_metrics_count_what_came(served: Make) -> None:
    """/metrics counts the used messages, the announced drafts, and the frames and
    answers of the listener.
    """
    service = served()
    service.start()
    await service.ready()
    await deliver([given("OXALIPLATIN", "130 mg", "0900", "1000")], service.port)
    await until(lambda: revisions(service.events()))
    text = (await service.page("/metrics")).decode()
    for expected in (
        'chargeline_messages_total{message_type="RAS",outcome="used"} 1.0',
        'chargeline_gateway_frames_total{frame="complete"} 1.0',
        'chargeline_gateway_acknowledgements_total{acknowledgement="AA"} 1.0',
    ):
        assert expected in text
    assert re.search(r'chargeline_draft_revisions_total\{status="\w+"\} 1\.0', text)
    assert await service.stop() == 0


async def test_sighup_does_not_end_it(served: Make) -> None:
    """It reads its certificates again at SIGHUP, also without any; then it still takes messages."""
    service = served("")
    service.start()
    await service.ready()
    service.process.send_signal(signal.SIGHUP)
    await until(lambda: "certificates.read" in service.said(), service.said)
    await deliver(feed(1, 7)[:1], service.port)
    assert await service.stop() == 0


async def test_a_sender_of_unusable_messages_is_quarantined_and_others_go_on(
    served: Make,
) -> None:
    """The limit is 3: the fourth message brings the sender into quarantine, the fifth is parked
    unread. All are answered AA, and a message of another sender is drafted.
    """
    service = served(parked_in_a_row="3")
    service.start()
    client = await _connected(service)
    codes = []
    for number in range(5):
        broken = f"MSH|^~\\&|BAD|ZEBRA|C|Z|20260302||RAS^O17|{number}|T|2.5.1\rPID|1\r".encode()
        codes.append(code_of(await client.send(broken)))
    await client.close()
    good = feed(2, 7)
    await deliver(good, service.port)
    assert codes == ["AA"] * 5
    assert service.said().count('"event": "sender.quarantined"') == 1
    await until(lambda: drafted(service.events()) == by_code(good), service.said)
    assert await service.stop() == 0
    ledger = await Ledger.open(f"sqlite:///{service.folder}/ledger.sqlite")
    assert [row.code for row in await ledger.parked()] == ["visit.missing"] * 4 + [
        "sender.quarantined"
    ]
    await ledger.close()


async def test_the_file_of_senders_counts_and_is_read_again_at_sighup(
    served: Make, tmp_path: Path
) -> None:
    """The file allows ADT only, and a RAS is answered AR. It is changed: after SIGHUP AA. With a
    mistake in it the program does not start: exit code 2, and the mistake in words.
    """
    file = tmp_path / "senders.toml"
    entry = f'[[sender]]\nname = "mar"\naddresses = ["{HOST}"]\n'
    file.write_text(f'{entry}types = ["ADT"]\n')
    service = served("", senders=str(file))
    service.start()
    await service.ready()
    client = await _connected(service)
    message = given("OXALIPLATIN", "130 mg", "0900", "1000")
    assert code_of(await client.send(message)) == "AR"
    refused = b'chargeline_gateway_refusals_total{reason="type_not_allowed"} 1.0'
    assert refused in await service.page("/metrics")
    file.write_text(entry)
    service.process.send_signal(signal.SIGHUP)
    await until(lambda: "senders.read" in service.said(), service.said)
    assert code_of(await client.send(message)) == "AA"
    await client.close()
    assert await service.stop() == 0
    file.write_text(f"{entry}unheard_of = 1\n")
    service.start()
    assert await service.ended() == 2
    assert "sender 1: expected one of name, certificate" in service.said()
