"""Claims about docs/senders.md: its commands run, before a service stands and while it runs.

The week of messages is an invented feed in which some words are a site's own, as the page says. The
service is a real gateway over TLS with client certificates, and a capture.
"""

import ast
import asyncio
import json
import re
import shlex
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from chargeline.simulator.feed import simulate
from tests.golden.messages import given
from tests.test_documentation import (
    SENDERS,
    assert_comes_out,
    blocks,
    own_rules,
    run,
    text_of,
    write_files_of,
)
from tests.test_documentation import shown as shown_in

from .commands import command
from .servers import free_port, make_certificates
from .service import Service, service

__all__ = ["own_rules", "service"]

ITS_OWN = {
    b"VISIT-MINUTES": b"TIME-SPENT",
    b"|RT-3D^": b"|LINAC2^",
    b"|RT-IMRT^": b"|LINAC2^",
    b"\rTXA|1|PN|": b"\rTXA|1|ONCPN|",
    b"||CG|": b"||D|",
}


def usual() -> list[bytes]:
    """A week of an invented sender, with the words of `standard`."""
    feed = simulate(visits=12, seed=7, style="standard", examinations=0.6, courses=2)
    return [data for _style, data in feed.messages]


def week() -> list[bytes]:
    """The same week of a sender that has some words of its own."""
    messages = usual()
    for word, own in ITS_OWN.items():
        messages = [message.replace(word, own) for message in messages]
        assert any(own in message for message in messages), own
    return messages


def checklist() -> list[tuple[str, list[str]]]:
    """Each item of the list with its commands."""
    rows = re.findall(r"^\| \d+ \| (.*?) \| (.*?) \| .*? \|$", text_of(SENDERS), re.MULTILINE)
    return [(item, re.findall(r"`(chargeline [^`]+)`", commands)) for item, commands in rows]


def commands(offline: bool) -> list[str]:
    """The commands of the list, each once: those about files, or those about a running service.

    `rules check` needs a minute, and the test of rules/README.md runs it.
    """
    shown = dict.fromkeys(command for _item, several in checklist() for command in several)
    shown.pop("chargeline rules check --rules my-rules")
    return [command for command in shown if ("--rules my-rules" in command) == offline]


def test_a_week_of_an_invented_sender_comes_out_as_shown(
    own_rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words that `standard` does not know, the profile, and what the survey says with it.

    Then the items of the list that need only the week: each ends with 0, and nothing that was given
    is unexplained.
    """
    (own_rules / "week.hl7").write_bytes(b"".join(week()))
    (own_rules / "my-rules/interfaces/zinf").mkdir()
    write_files_of(SENDERS, own_rules)
    # Without the profile the week has words that nobody knows: exit code 3, as the page says.
    assert_comes_out(SENDERS, capsys)
    printed = ""
    already = [command for command, _expected in shown_in(SENDERS)]
    for shown in commands(offline=True):
        code, out = run(shown, capsys) if shown not in already else (0, "")
        assert code == 0, (shown, out)
        printed += out
    assert ", 0 unexplained" in printed
    assert "Visit V100001, encounter" in printed
    code, _out = run("chargeline code week.hl7", capsys)
    assert code == 3


async def test_the_list_for_going_live_can_be_worked_off(service: Service, tmp_path: Path) -> None:
    """Each command about the service ends with 0, in the order of the list.

    The sample goes over TLS with a client's certificate; the draft is there, and nothing is parked.
    """
    await asyncio.to_thread(make_certificates, tmp_path)
    made = {"ca.pem": "authority.pem", "engine.pem": "client.pem", "engine.key": "client.key"}
    sample = [message for message in usual() if b"V100001" in message]
    (tmp_path / "sample.hl7").write_bytes(b"".join(sample))
    port = free_port()
    service.environment |= {
        "CHARGELINE_MLLP_PORT": str(port),
        "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE": str(tmp_path / "server.pem"),
        "CHARGELINE_MLLP_TLS_KEY_FILE": str(tmp_path / "server.key"),
        "CHARGELINE_MLLP_TLS_CLIENT_CA_FILE": str(tmp_path / "authority.pem"),
    }
    await service.prepare()
    await service.ready(service.start("gateway"))
    service.start()
    here = {"gateway:2575": f"127.0.0.1:{port}", "sample.hl7": str(tmp_path / "sample.hl7")}
    here |= {name: str(tmp_path / file) for name, file in made.items()}
    printed: dict[str, str] = {}
    for shown in commands(offline=False):
        words = [here.get(word, word) for word in shlex.split(shown)[1:]]
        ended = await command(" ".join(words), service.environment)
        assert ended.code == 0, (shown, ended)
        printed[shown] = ended.out
        if " send " in shown:
            await service.until(service.drained, "the sample to be drafted")
    assert len(printed) >= 10
    assert printed["chargeline parked list"] == "0 parked\n"
    live = json.loads(printed["chargeline visit show V100001 --json"])
    lines = [line["line_id"] for encounter in live["encounters"] for line in encounter["lines"]]
    page = printed["chargeline visit show V100001 --explain"]
    assert lines and [line_id for line_id in lines if line_id not in page] == []


async def test_a_record_written_as_the_page_writes_it_becomes_a_draft(service: Service) -> None:
    """The Python lines of the page send a message into Kafka, and a capture drafts it."""
    await service.prepare()
    service.start()
    (lines,) = blocks(SENDERS, "python")
    assert '"hl7.inbound"' in lines and 'b"zinf"' in lines
    ours = lines.replace('"hl7.inbound"', repr(service.inbound)).replace("zinf", "standard")
    code = compile(ours, SENDERS, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    producer = AIOKafkaProducer(
        bootstrap_servers=service.kafka.bootstrap, acks="all", enable_idempotence=True
    )
    await producer.start()
    names: dict[str, Any] = {
        "producer": producer,
        "facility": "ZEBRA",
        "visit": "V1",
        "message": given("CARBOPLATIN", "450 mg", "0900", "1000"),
    }
    try:
        awaited: Coroutine[Any, Any, None] = eval(code, names)  # the lines are ours
        await awaited
    finally:
        await producer.stop()
    wanted = {"V1": [("96413", 1, ()), ("J9045", 9, ())]}
    assert await service.settled(wanted) == wanted, service.last_words()
    rekeyed = await service.programs[-1].metric("chargeline_rekeyed_messages_total")
    assert rekeyed == 0, "it lay where it is read"
