"""A ledger whose end was cut off is whole, and is found by a head that was kept elsewhere."""

import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import text

from chargeline.drafting.signed_heads import (
    NoHeadError,
    head_of,
    heads_in,
    public_key_of,
    signer_of,
    tell_head,
)
from chargeline.ledger import Act, KeyUnusable, Ledger
from chargeline.settings import Settings
from chargeline.telemetry import logs
from tests.live.commands import assert_one_clear_line, command, environment
from tests.telemetry.test_logs import out

from .rows import message, parked
from .test_verifying import broken, filled

__all__ = ["out"]

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"zebra key, thirty-two bytes long")
ACT = Act("parked.drop", "parked", "1", who="ANNA", why="sent twice")
Forgery = Callable[[Any], Awaitable[None]]


async def run(batch: Any, statement: str) -> None:
    await batch._transaction.run(text(statement))


async def uncounted(batch: Any, table: str, column: str, where: str) -> None:
    """Remove a row, and take it out of the tally, as somebody does who knows how."""
    own = f"(SELECT max(topic) FROM tally WHERE about = '{table}')"
    topic = "topic" if table in ("message", "parked") else own
    chosen = text(f'SELECT "{column}" AS seal, {topic} AS topic FROM "{table}" WHERE {where}')
    (row,) = await batch._transaction.rows(chosen)
    lanes = [int(row.seal[8 * n : 8 * n + 8], 16) for n in range(8)]
    less = ", ".join(f"lane_{n} = lane_{n} - {lane}" for n, lane in enumerate(lanes))
    here = f"about = '{table}' AND topic = '{row.topic}'"
    await run(batch, f"UPDATE tally SET number = number - 1, {less} WHERE {here}")
    await run(batch, f'DELETE FROM "{table}" WHERE {where}')


async def without_triggers(ledger: Ledger) -> None:
    async with ledger.batch() as batch:
        if ledger._address.dialect == "sqlite":
            await run(batch, "DROP TRIGGER audit_refuses_delete")
        else:
            await run(batch, "DROP TRIGGER audit_refuses_changes ON audit")


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("audit", "chain", "number = (SELECT max(number) FROM audit)"),
        ("parked", "seal", "id = (SELECT max(id) FROM parked)"),
        ("message", "seal", "control_id = 'C2'"),
        ("draft_revision", "seal", "visit = 'V1' AND revision = 3"),
    ],
)
async def test_a_cut_is_found_by_a_head_alone(
    ledger: Ledger, table: str, column: str, where: str
) -> None:
    """The last act, parked message, message or revision is cut off with its count: the ledger is
    whole, and does not go on from the head.
    """
    await filled(ledger)
    await without_triggers(ledger)
    head = await ledger.heads()
    assert broken(await ledger.verify([head])) == set()
    async with ledger.batch() as batch:
        await uncounted(batch, table, column, where)
        if table == "draft_revision":
            await run(batch, "UPDATE visit SET revision = 2 WHERE visit = 'V1'")
    assert broken(await ledger.verify()) == set()
    walked = await ledger.verify([head])
    assert broken(walked) == {"head"} and walked[-1].broken is not None
    assert walked[-1].broken.key == table


async def test_an_act_in_place_of_one_that_was_cut_off_is_found(ledger: Ledger) -> None:
    """The trail is as long as it was, and whole, and another one."""
    await filled(ledger)
    await without_triggers(ledger)
    head = await ledger.heads()
    async with ledger.batch() as batch:
        await uncounted(batch, "audit", "chain", "number = 4")
        await batch.audit([ACT._replace(who="BERTA")])
    assert broken(await ledger.verify()) == set()
    assert broken(await ledger.verify([head])) == {"head"}


async def test_a_ledger_that_goes_on_agrees_with_every_head_it_had(ledger: Ledger) -> None:
    """Messages, parked messages and acts come, retention removes some; an empty one has a head."""
    heads = [await ledger.heads()]
    bench = await filled(ledger)
    heads.append(await ledger.heads())
    async with ledger.batch() as batch:
        await batch.add_messages([message(7, visit="")])
        await batch.park([parked(9)])
        await batch.audit([ACT])
    heads.append(await ledger.heads())
    await ledger.forget(bench.now, record_before=bench.now, parked_before=bench.now)
    heads.append(await ledger.heads())
    assert broken(await ledger.verify(heads)) == set()


# ------------------------------------------------------------------ signatures


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a private and of a public key."""
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    named = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(KEY.public_key().public_bytes(*named))
    return private, public


async def test_a_head_is_read_from_the_log_and_from_what_was_printed(
    ledger: Ledger, keys: tuple[Path, Path], out: io.StringIO
) -> None:
    """The line of the log passes the filter of the log, among lines without a head."""
    await filled(ledger)
    settings = Settings(signing_key_file=keys[0])
    log = logs.logger("capture")
    log.info("started", program="capture")
    await tell_head(ledger, settings, NOW, log)
    signed = await head_of(ledger, NOW, signer_of(settings))
    text_of_both = f"{out.getvalue()}{json.dumps(signed._asdict())}\n"
    heads = heads_in(text_of_both, public_key_of(keys[1]))
    assert [head.tables for head in heads] == [await ledger.heads()] * 2
    assert heads[0].at == NOW
    assert "dropped_keys" not in out.getvalue()


async def test_without_a_key_that_can_be_used_the_log_has_an_event_of_its_own(
    ledger: Ledger, tmp_path: Path, out: io.StringIO
) -> None:
    """The file of the key was emptied while a program runs: no head is logged, and why."""
    empty = tmp_path / "empty.pem"
    empty.touch()
    log = logs.logger("capture")
    await tell_head(ledger, Settings(signing_key_file=empty), NOW, log)
    (said,) = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (said["event"], said["level"]) == ("signing_key.unusable", "error")
    assert "found an empty file" in said["says"]
    assert said["variable"] == "CHARGELINE_SIGNING_KEY_FILE"


@pytest.mark.parametrize("program", ["serve", "capture"])
async def test_a_signing_key_that_cannot_be_used_ends_the_start(
    program: str, tmp_path: Path
) -> None:
    """A line names the setting and what to do, before a ledger is opened or Kafka is asked."""
    (tmp_path / "empty.pem").touch()
    ledger = tmp_path / "ledger.sqlite"
    ended = await command(
        program,
        environment(
            SIGNING_KEY_FILE=str(tmp_path / "empty.pem"),
            LEDGER_URL=f"sqlite+aiosqlite:///{ledger}",
        ),
    )
    *_logged, line = ended.err.splitlines()  # the log of `serve` is on standard error too
    said = ("CHARGELINE_SIGNING_KEY_FILE", "found an empty file", "openssl")
    assert_one_clear_line(ended._replace(err=line), *said)
    assert not ledger.exists()


async def test_a_head_that_was_changed_is_no_head(ledger: Ledger, keys: tuple[Path, Path]) -> None:
    """One digit, another key, no signature, and nothing at all."""
    await filled(ledger)
    signed = await head_of(ledger, NOW, KEY)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    wrong = [
        signed._replace(head=signed.head.replace('"rows":4', '"rows":3')),
        await head_of(ledger, NOW, other),
        await head_of(ledger, NOW, None),
    ]
    assert wrong[0].head != signed.head
    for line in [*(json.dumps(head._asdict()) for head in wrong), "", "{}", "no JSON"]:
        with pytest.raises(NoHeadError):
            heads_in(line, public_key_of(keys[1]))


def test_a_key_of_another_kind_is_refused(keys: tuple[Path, Path]) -> None:
    """The public key in place of the private one, and the other way round."""
    with pytest.raises(KeyUnusable, match="CHARGELINE_SIGNING_KEY_FILE"):
        signer_of(Settings(signing_key_file=keys[1]))
    with pytest.raises(KeyUnusable, match="--public-key"):
        public_key_of(keys[0])
