"""Claims about `chargeline ledger status`: the version of the tables, and what is counted."""

import json
import sqlite3
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from chargeline.drafting.signed_heads import head_of
from chargeline.ledger.errors import KeyMissing, KeyWrong
from chargeline.ledger.store import Ledger
from chargeline.operate.audit import audit_list
from chargeline.operate.forgetting import holds
from chargeline.operate.ledger import (
    Against,
    encrypt,
    head,
    key_id,
    migrate,
    rotate,
    status,
    verify,
)
from chargeline.operate.parked import parked_list
from chargeline.operate.running import Command
from chargeline.settings import Settings
from tests.drafting.test_features import BROKEN, GOOD, claimed, settings, small
from tests.drafting.test_processor import keyed
from tests.golden.messages import given

__all__ = ["settings", "small"]


async def test_the_status_counts_what_the_ledger_holds(
    small: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two visits, one parked message and one unknown drug, as text and as JSON."""
    bench = await claimed(small)
    zebra = given("ZEBRASTATIN", "1 mg", "0900", "1000", visit="V2", patient="ZZ2")
    await bench.feed([BROKEN, *keyed([GOOD, zebra])])
    assert await status(as_json=True)(settings) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == told["newest"] != ""
    assert told["visits"] == {"open": 2, "final": 0, "merged": 0, "forgotten": 0}
    assert told["questions"] == {"drug.unknown": 1}
    assert (told["parked"], told["outbox"]) == (1, 0)
    assert await status()(settings) == 0
    text = capsys.readouterr().out
    assert "visits     2 open, 0 final, 0 merged, 0 forgotten\n" in text
    assert "questions  1 open: 1 drug.unknown\n" in text
    assert "parked     1, the oldest since 2027-01-01T00:00:00+00:00\n" in text


async def test_the_status_of_a_database_without_tables_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is counted, and nothing is created; after the migration the counts are 0."""
    settings = Settings.model_validate({"ledger_url": f"sqlite:///{tmp_path / 'new.sqlite'}"})
    assert await status()(settings) == 0
    assert "there are none; run `chargeline ledger migrate` for " in capsys.readouterr().out
    assert await migrate()(settings) == 0
    capsys.readouterr()
    assert await status(as_json=True)(settings) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["questions"], told["parked"], told["outbox"]) == ({}, 0, 0)


async def test_a_draft_that_was_changed_from_outside_is_named(
    small: Ledger, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One unit became seven: exit code 1, with table and visit, as text and as JSON."""
    bench = await claimed(small)
    await bench.feed([BROKEN, *keyed([GOOD])])
    assert await verify()(settings) == 0
    assert "draft_revision          1 rows  whole, head " in capsys.readouterr().out
    database = sqlite3.connect(tmp_path / "ledger.sqlite")
    database.execute(
        """UPDATE draft_revision SET body = replace(body, '"units":1,', '"units":7,')"""
    )
    database.commit()
    database.close()
    assert await verify()(settings) == 1
    text = capsys.readouterr().out
    assert "BROKEN at ZEBRA V1 revision 1: expected the chain " in text
    assert text.count("whole, head") == 4
    assert await verify(as_json=True)(settings) == 1
    tables = {row["table"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert tables["draft_revision"]["broken"]["key"] == "ZEBRA V1 revision 1"
    assert tables["message"]["broken"] is None and tables["message"]["rows"] == 1


async def test_a_ledger_is_encrypted_and_its_key_is_changed_by_commands(
    small: Ledger, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Encrypt, look without the key, rotate, look with the new key alone; the trail has it all."""
    bench = await claimed(small)
    await bench.feed([BROKEN, *keyed([GOOD])])
    old, new = (b64encode(letter * 32).decode() for letter in (b"o", b"n"))
    file = tmp_path / "keys"

    def with_keys(*keys: str) -> Settings:
        file.write_text("\n".join(keys))
        return settings.model_copy(update={"ledger_key_file": file})

    assert await encrypt(who="ANNA", why="a key")(with_keys(old)) == 0
    assert "2 rows were in the clear" in capsys.readouterr().out
    assert await verify()(settings) == 0
    assert "1 of them encrypted and not opened: no key" in capsys.readouterr().out
    assert await rotate(who="ANNA", why="yearly")(with_keys(new, old)) == 0
    assert await rotate(who="ANNA", why="again")(with_keys(new)) == 0
    assert "1 data keys are wrapped by" in capsys.readouterr().out
    assert await verify()(with_keys(new)) == 0
    assert "not opened" not in capsys.readouterr().out
    assert await audit_list(who="ANNA")(settings) == 0
    verbs = [line.split()[3] for line in capsys.readouterr().out.splitlines()]
    assert verbs == ["ledger.encrypt", "ledger.encrypt", "ledger.rotate", "ledger.rotate"]


LOOKS = {
    "status": status(),
    "head": head(),
    "verify": verify(),
    "audit": audit_list(),
    "holds": holds(),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("key", [b"no key", b64encode(b"w" * 32)], ids=["unusable", "another"])
async def test_a_look_at_chains_and_counts_needs_no_key(
    small: Ledger, settings: Settings, tmp_path: Path, look: Command, key: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """An encrypted ledger is counted and walked over, whatever the key file says. Only `verify`
    says by its exit code that it was given a key with which it opened nothing.
    """
    bench = await claimed(small)
    await bench.feed(keyed([GOOD]))
    file = tmp_path / "keys"
    with_key = settings.model_copy(update={"ledger_key_file": file})
    file.write_bytes(b64encode(b"o" * 32))
    assert await encrypt(who="ANNA", why="a key")(with_key) == 0
    capsys.readouterr()
    file.write_bytes(key)
    assert await look(with_key) == (1 if look is LOOKS["verify"] else 0)
    printed = capsys.readouterr()
    assert printed.out
    if look is LOOKS["verify"]:
        assert "expected" in printed.out + printed.err


async def test_a_key_is_named_by_its_id(
    small: Ledger, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`key-id` prints what a ledger asks for, without a key and with another one."""
    await claimed(small)
    old, other = tmp_path / "old", tmp_path / "other"
    old.write_bytes(b64encode(b"o" * 32))
    other.write_bytes(b64encode(b"w" * 32))
    assert await encrypt(who="ANNA", why="a key")(
        settings.model_copy(update={"ledger_key_file": old})
    ) == 0  # fmt: skip
    capsys.readouterr()
    assert await key_id(old)(settings) == 0
    wanted = capsys.readouterr().out.strip()
    assert await key_id(other)(settings) == 0
    given = capsys.readouterr().out.strip()
    with pytest.raises(KeyMissing, match=wanted):
        await parked_list()(settings)
    with pytest.raises(KeyWrong, match=f"expected the key {wanted}.*, found the keys {given}"):
        await parked_list()(settings.model_copy(update={"ledger_key_file": other}))


async def test_a_head_is_printed_and_the_ledger_held_against_it(
    small: Ledger, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a pair of keys as openssl makes them; without the key that signs, it says what is
    needed; a head of a longer ledger fails.
    """
    bench = await claimed(small)
    await bench.feed([BROKEN, *keyed([GOOD])])
    private, public, kept = (tmp_path / name for name in ("private.pem", "public.pem", "head"))
    private.write_text(PRIVATE)
    public.write_text(PUBLIC)
    assert await head(sign=True)(settings) == 2
    assert "openssl genpkey" in capsys.readouterr().err
    assert await head(sign=True)(settings.model_copy(update={"signing_key_file": private})) == 0
    kept.write_text(capsys.readouterr().out)
    against = verify(against=Against(kept, public))
    assert await against(settings) == 0
    assert "head                    3 rows  whole, of 20" in capsys.readouterr().out
    with sqlite3.connect(tmp_path / "ledger.sqlite") as database:
        database.execute("DELETE FROM parked")
        database.execute("DELETE FROM tally WHERE about = 'parked'")
    assert await against(settings) == 1
    printed = capsys.readouterr()
    assert "head                    3 rows  BROKEN at parked, of 20" in printed.out
    assert "no head holds: this is another ledger" in printed.err
    kept.write_text("{}")
    assert await against(settings) == 1
    assert "found no head" in capsys.readouterr().err


async def test_a_ledger_that_ends_before_newer_heads_says_which_head_holds(
    small: Ledger, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Heads of three moments, and a ledger of the first two. It fails, and names the second as the
    last that holds. Put back to that moment it is whole, and the third head is counted; put back to
    a later moment it lacks what the third head counts; before the first one no head tells anything.
    """
    bench = await claimed(small)
    signing, file = tmp_path / "private.pem", tmp_path / "ledger.sqlite"
    signing.write_text(PRIVATE)
    public, kept = tmp_path / "public.pem", tmp_path / "heads.jsonl"
    public.write_text(PUBLIC)
    signer = load_pem_private_key(PRIVATE.encode(), password=None)
    assert isinstance(signer, Ed25519PrivateKey)
    times = [datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (1, 2, 3)]
    lines = []
    for at, messages in zip(times, ([], [BROKEN], keyed([GOOD])), strict=True):
        await bench.feed(messages)
        lines.append(json.dumps((await head_of(small, at, signer))._asdict()))
        if at == times[1]:
            with sqlite3.connect(file) as database:
                database.execute("VACUUM INTO ?", [str(tmp_path / "backup.sqlite")])
            (tmp_path / "backup.sqlite").chmod(0o600)
    kept.write_text("\n".join(lines))
    backup = settings.model_copy(
        update={"ledger_url": SecretStr(f"sqlite:///{tmp_path / 'backup.sqlite'}")}
    )

    async def ended(settings_: Settings, as_of: datetime | None) -> tuple[int, str]:
        code = await verify(against=Against(kept, public, as_of))(settings_)
        return code, capsys.readouterr().err

    assert await ended(settings, None) == (0, "")
    code, said = await ended(backup, None)
    assert code == 1
    assert "the last head that holds is of 2026-03-02T02:00:00+00:00; 1 newer head, of " in said
    assert "--as-of TIME" in said
    code, said = await ended(backup, times[1] + timedelta(minutes=10))
    assert (code, said.count("\n")) == (0, 1)
    assert "1 newer head, of 2026-03-02T03:00:00+00:00, is from after the time of" in said
    assert (await ended(backup, times[2]))[0] == 1
    code, said = await ended(backup, times[0] - timedelta(hours=1))
    assert code == 1 and "found no head of 2026-03-02T00:00:00+00:00 or before" in said
    lines[0] = lines[0].replace("rows", "sows", 1)
    kept.write_text("\n".join(lines))
    assert (await ended(backup, times[1]))[0] == 1


# `openssl genpkey -algorithm ed25519`, and `openssl pkey -pubout`: a pair for this test only
PRIVATE = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINBCUSF0UqZMLZHqejxUe4sJWETVauh2m0VcKhMa0JKj
-----END PRIVATE KEY-----
"""
PUBLIC = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA2BUUnOV+pymDEbB9xQ1oNUwyJZBAuJOX+/tWPGXwwMs=
-----END PUBLIC KEY-----
"""
