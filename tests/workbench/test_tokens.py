"""Tokens of programs: shown once, kept as a hash, and worth nothing once they end."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chargeline.cli import main
from chargeline.operate.fhir import audit_event
from chargeline.workbench.people import digest_of
from chargeline.workbench.tokens import (
    DAYS_MOST,
    TokenNameError,
    TokenRefusedError,
    WantedToken,
    add_token,
    program_of,
    revoke_token,
)
from tests.ledger import with_tables

from .asking import Standing

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WANTED = WantedToken("worklist-export", ("viewer",), 90, who="L. Lemur", why="the BI export")


async def test_a_token_is_shown_once_and_kept_as_a_hash(standing: Standing) -> None:
    """Who reads the ledger can use none; the trail has who made it, and why."""
    token, row = await add_token(standing.ledger, WANTED, NOW)
    async with standing.ledger.view() as view:
        assert await view.workbench.tokens() == [row]
        (act,) = [act for act in await view.acts(0, 100) if act.did == "token.add"]
    assert token not in repr(row) and row.digest == digest_of(token)
    assert (act.who, act.record, act.why) == ("L. Lemur", "worklist-export", "the BI export")
    assert token not in act.details


async def test_a_token_comes_with_its_name_and_roles(standing: Standing) -> None:
    """The trail and answers say `token NAME`, which no person can be."""
    token, _row = await add_token(standing.ledger, WANTED, NOW)
    program = await program_of(standing.ledger, token, NOW)
    assert (program.who, program.roles) == ("token worklist-export", ("viewer",))
    assert program.is_program and program.csrf == ""
    async with standing.client() as client:
        form = {"name": "token worklist-export", "role": "lead"}
        page = await client.post("/login", data=form)
    assert page.status_code == 403 and "name of a person" in page.text


async def test_a_token_ends_and_may_then_be_made_anew(standing: Standing) -> None:
    """Until then its name is taken; afterwards the token is refused, and the name is free."""
    token, row = await add_token(standing.ledger, WANTED, NOW)
    last = row.expires_at - timedelta(seconds=1)
    assert await program_of(standing.ledger, token, last)
    with pytest.raises(TokenNameError, match="holds until 2026-05-31"):
        await add_token(standing.ledger, WANTED, last)
    with pytest.raises(TokenRefusedError, match="one that has ended"):
        await program_of(standing.ledger, token, row.expires_at)
    anew, _row = await add_token(standing.ledger, WANTED, row.expires_at)
    assert await program_of(standing.ledger, anew, row.expires_at)


async def test_a_revoked_token_is_worth_nothing(standing: Standing) -> None:
    """Who revoked it and why is in the trail; a name that is no token's is said to be none."""
    token, _row = await add_token(standing.ledger, WANTED, NOW)
    await revoke_token(standing.ledger, WANTED.name, who="L. Lemur", why="it leaked")
    for wrong in (token, "", "clt_", "x" * 47, f"{token}x"):
        with pytest.raises(TokenRefusedError, match="none that holds"):
            await program_of(standing.ledger, wrong, NOW)
    (act,) = await standing.acts("token.revoke")
    assert (act.who, act.record, act.why) == ("L. Lemur", "worklist-export", "it leaked")
    with pytest.raises(TokenNameError, match="found worklist-export"):
        await revoke_token(standing.ledger, WANTED.name, why="again")


async def test_that_a_token_is_used_is_noted_once_an_hour(standing: Standing) -> None:
    """A token that nobody uses can be seen in the list, and a busy one writes little."""
    token, _row = await add_token(standing.ledger, WANTED, NOW)

    async def seen() -> list[datetime | None]:
        async with standing.ledger.view() as view:
            return [row.seen_at for row in await view.workbench.tokens()]

    assert await seen() == [None]
    for minutes, noted in ((0, 0), (59, 0), (61, 61)):
        await program_of(standing.ledger, token, NOW + timedelta(minutes=minutes))
        assert await seen() == [NOW + timedelta(minutes=noted)]


async def test_fhir_says_that_a_token_is_a_program(standing: Standing) -> None:
    """The audit repository of the hospital tells it from people."""
    await add_token(standing.ledger, WANTED, NOW)
    (row,) = await standing.acts("token.add")

    def role(who: str) -> str:
        (agent,) = audit_event(row._replace(who=who))["agent"]
        return str(agent["type"]["coding"][0]["code"])

    assert (role("L. Lemur"), role("token worklist-export")) == ("humanuser", "dataprocessor")


# ------------------------------------------------------------------ on the command line


@pytest.fixture
def ledger_of_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger with tables, named by the environment."""
    url = asyncio.run(with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", url.replace("sqlite:", "sqlite+aiosqlite:"))
    return url


def test_the_command_prints_the_token_alone_and_the_list_never(
    ledger_of_settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output can go into a vault; the list says until when, and who made it."""
    why = ["--reason", "a trial", "--as", "L. Lemur"]
    assert main(["workbench-token", "add", "bi", "--role", "viewer", "--days", "30", *why]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("clt_") and len(out.split()) == 1 and "holds until" in err
    assert main(["workbench-token", "list"]) == 0
    listed = capsys.readouterr().out
    assert "viewer" in listed and "never used" in listed and "by L. Lemur" in listed
    assert out.strip() not in listed and listed.endswith("1 tokens\n")
    assert main(["workbench-token", "list", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["name"], row["roles"], row["holds"], row["seen_at"]) == (
        "bi",
        ["viewer"],
        True,
        None,
    )
    assert main(["workbench-token", "revoke", "bi", *why]) == 0
    assert main(["workbench-token", "revoke", "bi", *why]) == 2
    assert "workbench-token list" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["add", "O. Okapi", "--role", "viewer", "--reason", "x"], "small letters"),
        (["add", "bi", "--role", "king", "--reason", "x"], "invalid choice"),
        (["add", "bi", "--role", "viewer", "--reason", "x", "--days", str(DAYS_MOST + 1)], "365"),
        (["add", "bi", "--role", "viewer", "--reason", " "], "words"),
        (["add", "bi", "--reason", "x"], "--role"),
    ],
)
def test_a_token_that_cannot_be_is_refused(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most a year, a role, a name that is no person's, and a reason."""
    with pytest.raises(SystemExit) as ended:
        main(["workbench-token", *words])
    assert ended.value.code == 2 and says in capsys.readouterr().err
