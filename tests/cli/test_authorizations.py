"""Claims about `chargeline auth`: what is sent and when nothing is, and what the ledger tells."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from chargeline.gateway.tls import TlsFiles
from chargeline.hl7.framing import split_messages
from chargeline.ledger.store import Ledger
from tests.cli import Outcome, copy_of_rules, inside, replaced
from tests.drafting.test_authorizations import dose, order
from tests.drafting.test_processor import Bench, keyed
from tests.gateway import HOST, MemoryStore, make_authority, make_certificate, running
from tests.importing import listed
from tests.ledger import with_tables

Capsys = pytest.CaptureFixture[str]
Drafted = Callable[[Sequence[bytes]], None]
TODAY = date.today()
PATIENT = {"payer": "UNITEDHEALTHCARE", "patient": "ZZ1", "codes": "J2860", "units": "200"}
ROW = {**PATIENT, "until": f"{TODAY + timedelta(days=400)}"}


def put(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "list.csv"
    path.write_bytes(listed(*[{**ROW, **row} for row in rows]))
    return path


def written(path: Path) -> list[bytes]:
    return [frame.data for frame in split_messages(path.read_bytes())]


# ------------------------------------------------------------------ import and add


def test_nothing_is_sent_where_a_row_is_wrong(tmp_path: Path, capsys: Capsys) -> None:
    """Each wrong cell is named on a line, and the file is not written."""
    path = put(tmp_path, {}, {"number": "A2", "status": "yes"}, {"number": "A3", "basis": ""})
    out = tmp_path / "out.hl7"
    ended = inside(capsys, "auth", "import", path, "--out", out)
    assert (ended.code, ended.out, out.exists()) == (2, "", False)
    first, second, last = ended.err.splitlines()
    assert f"{path}, row 3, column status: expected one of requested" in first
    assert f"{path}, row 4, column basis: expected units or visits" in second
    assert last == (
        "chargeline: 2 wrong; nothing was sent; correct the rows and import the whole file again"
    )


def test_a_person_may_leave_the_wrong_rows_out(tmp_path: Path, capsys: Capsys) -> None:
    """--skip-wrong: the others are written, and the exit code says that it is not all."""
    path, out = put(tmp_path, {}, {"number": "A2", "status": "yes"}), tmp_path / "out.hl7"
    ended = inside(capsys, "auth", "import", path, "--out", out, "--skip-wrong")
    assert ended.code == 3
    assert ended.out.startswith("2 rows: 1 message, 1 left out\n")
    assert "row 3, column status" in ended.err
    assert len(written(out)) == 1


def test_a_list_can_be_checked_without_sending_it(tmp_path: Path, capsys: Capsys) -> None:
    """--check says the same and writes nothing."""
    ended = inside(capsys, "auth", "import", put(tmp_path, {}), "--check")
    assert (ended.code, ended.out) == (0, "1 row: 1 message\n")


def test_an_interface_that_cannot_read_the_messages_stops_everything(
    tmp_path: Path, capsys: Capsys
) -> None:
    """A profile that does not know APPROVED; --skip-wrong changes nothing there."""
    path, out, rules = put(tmp_path, {}), tmp_path / "out.hl7", copy_of_rules(tmp_path)
    replaced(rules / "interfaces/standard/profile.toml", 'APPROVED = "approved"\n', "")
    asked = ("auth", "import", path, "--out", out, "--rules", rules, "--skip-wrong")
    ended = inside(capsys, *asked)
    assert (ended.code, out.exists()) == (2, False)
    assert "expected the interface standard to read what the row says" in ended.err


def test_one_authorization_is_told_as_a_row_is(tmp_path: Path, capsys: Capsys) -> None:
    """The options are the columns; the same values make the same message."""
    path = put(tmp_path, {"facility": "ZEBRA"})
    inside(capsys, "auth", "import", path, "--out", tmp_path / "import.hl7")
    row = {
        "facility": "ZEBRA", "number": "A77", "status": "approved", "received": "2026-09-25",
        "from": "2026-10-01", "basis": "units", **ROW,
    }  # fmt: skip
    options = [text for name, value in row.items() for text in (f"--{name}", value)]
    ended = inside(capsys, "auth", "add", *options, "--out", tmp_path / "add.hl7")
    assert (ended.code, ended.err) == (0, "")
    assert written(tmp_path / "add.hl7") == written(tmp_path / "import.hl7")


def test_a_wrong_option_is_named_as_an_option(tmp_path: Path, capsys: Capsys) -> None:
    """There is no row and no column to name."""
    row = {"facility": "Z", "payer": "A", "patient": "P", "number": "N", "codes": "J9271"}
    options = [text for name, value in row.items() for text in (f"--{name}", value)]
    ended = inside(capsys, "auth", "add", *options, "--status", "granted", "--check")
    assert ended.code == 2
    assert ended.err.startswith("chargeline: --status: expected one of requested, pended")


async def sent(capsys: Capsys, *asked: str | Path, **variables: str) -> Outcome:
    """A command that speaks to a listener of this process."""
    return await asyncio.to_thread(inside, capsys, *asked, **variables)


async def test_a_list_is_sent_to_a_gateway(tmp_path: Path, capsys: Capsys) -> None:
    """Each message is accepted under the visit that is named for its number; twice is the same."""
    path, store = put(tmp_path, {}, {"number": "A2", "requested": "2026-09-20"}), MemoryStore()
    async with running(store) as gateway:
        to = f"{HOST}:{gateway.server.port}"
        for _time in range(2):
            ended = await sent(capsys, "auth", "import", path, "--to", to)
            assert ended.code == 0, ended.err
            said = [line for line in ended.out.splitlines() if "gateway." not in line]
            assert said == [
                "2 rows: 3 messages",
                "not in an audit trail: CHARGELINE_LEDGER_URL names no ledger here",
                f"3 messages sent to {to}, 3 accepted",
            ]
    assert [kept.key for kept in store.kept] == [
        "ZEBRA|AUTH.A77",
        "ZEBRA|AUTH.A2",
        "ZEBRA|AUTH.A2",
    ] * 2
    assert [kept.raw for kept in store.kept[:3]] == [kept.raw for kept in store.kept[3:]]


async def test_patients_travel_over_verified_tls(tmp_path: Path, capsys: Capsys) -> None:
    """With the authority of the listener it works; an authority of somebody else is refused."""
    for name in ("hospital", "elsewhere"):
        make_authority(tmp_path, name)
    make_certificate(tmp_path, "gateway", "hospital")
    path, store = put(tmp_path, {}), MemoryStore()
    files = TlsFiles(tmp_path / "gateway.pem", tmp_path / "gateway.key")
    async with running(store, tls=files) as gateway:
        asked = ("auth", "import", path, "--to", f"{HOST}:{gateway.server.port}")
        trusted = ("--tls-ca", tmp_path / "hospital.pem", "--tls-name", "gateway")
        assert (await sent(capsys, *asked, *trusted)).code == 0
        stranger = ("--tls-ca", tmp_path / "elsewhere.pem", "--tls-name", "gateway")
        refused = await sent(capsys, *asked, *stranger)
        assert refused.code == 1 and "certificate verify failed" in refused.err
    assert len(store.kept) == 1


@pytest.mark.parametrize("verb", [("auth", "import"), ("send",)])
def test_nothing_goes_to_another_machine_in_the_clear(
    tmp_path: Path, capsys: Capsys, verb: tuple[str, ...]
) -> None:
    """Unless the site says that its network is trusted; then only the name is not found."""
    path, host = put(tmp_path, {}), "zebra.invalid:2575"
    if verb == ("send",):
        inside(capsys, "auth", "import", path, "--out", tmp_path / "out.hl7")
        asked: tuple[str | Path, ...] = ("send", tmp_path / "out.hl7", host)
    else:
        asked = ("auth", "import", path, "--to", host)
    ended = inside(capsys, *asked)
    assert ended.code == 2
    assert "zebra.invalid:2575: expected TLS to a listener on another machine" in ended.err
    ended = inside(capsys, *asked, CHARGELINE_ALLOW_PLAINTEXT="yes")
    assert ended.code == 1 and "zebra.invalid" in ended.err
    assert "expected TLS" not in ended.err and "found [Errno" in ended.err


# ------------------------------------------------------------------ list and show


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def drafted(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Drafted:
    """A function that has messages drafted into the ledger that the settings name."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("database")
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[request.param]
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", driver + url[url.index(":") :])

    asyncio.run(with_tables(url))

    async def work(messages: Sequence[bytes]) -> None:
        ledger = await Ledger.open(url)
        bench = Bench(ledger)
        await bench.claim()
        await bench.feed(keyed(messages))
        await ledger.close()

    return lambda messages: asyncio.run(work(messages))


VISITS = [
    order("V1", "20261005"),
    dose("V1", "20261005"),
    order("V2", "20261026"),
    dose("V2", "20261026"),
]


def told(folder: Path, capsys: Capsys, *rows: dict[str, str]) -> list[bytes]:
    """The messages of a list, as `auth import` writes them."""
    ended = inside(capsys, "auth", "import", put(folder, *rows), "--out", folder / "out.hl7")
    assert ended.code == 0, ended.err
    return written(folder / "out.hl7")


def test_the_list_counts_as_the_drafts_do(drafted: Drafted, tmp_path: Path, capsys: Capsys) -> None:
    """Two doses of 80: 160 of 200 are used, which is four fifths; the patient is masked."""
    drafted([*VISITS, *told(tmp_path, capsys, {})])
    ended = inside(capsys, "auth", "list")
    until = ROW["until"]
    assert ended.out.splitlines() == [
        f"A77            UNITEDHEALTHCARE J2860         160 of 200 units, 40 left  "
        f"from 2026-10-01 until {until}  approved on 2026-09-25  patient XX9",
        "    running_out: 160 of 200 units, 40 left",
        "1 authorization, 1 to see to",
    ]


def test_a_second_import_of_a_row_counts_nothing_twice(
    drafted: Drafted, tmp_path: Path, capsys: Capsys
) -> None:
    """The same list again, and once more after a correction: what was received last counts."""
    first = told(tmp_path, capsys, {})
    drafted([*first, *VISITS, *first])
    (entry,) = inside(capsys, "auth", "list", "--json").records
    assert (entry["used"], entry["units"], entry["left"]) == ("160", "200", "40")
    drafted(told(tmp_path, capsys, {"units": "500", "received": "2026-09-26"}) + first)
    (entry,) = inside(capsys, "auth", "list", "--json").records
    assert (entry["used"], entry["units"], entry["concerns"]) == ("160", "500", [])


def test_show_tells_the_life_cycle_and_who_used_it(
    drafted: Drafted, tmp_path: Path, capsys: Capsys
) -> None:
    """Each message in its order, and each visit with its units and the sum."""
    pended = {"status": "pended", "received": "2026-09-22", "requested": "2026-09-20"}
    drafted([*VISITS, *told(tmp_path, capsys, pended, {})])
    shown = inside(capsys, "auth", "show", "A77").out
    assert shown.startswith("A77  approved on 2026-09-25\n  payer     UNITEDHEALTHCARE\n")
    lines = [line.strip() for line in shown.splitlines()]
    cycle, uses = lines[lines.index("told") + 1 :], lines[lines.index("billed against it by") + 1 :]
    assert [line.split("  ")[1] for line in cycle[:3]] == ["requested", "pended", "approved"]
    assert uses == [
        "2026-10-05  visit V1  J2860  80, 80 in all",
        "2026-10-26  visit V2  J2860  80, 160 in all",
    ]
    (whole,) = inside(capsys, "auth", "show", "A77", "--json").records
    assert [version["status"] for version in whole["told"]] == ["requested", "pended", "approved"]
    assert [use["visit"] for use in whole["uses"]] == ["V1", "V2"]


def test_a_patient_is_shown_to_who_says_why_and_the_trail_keeps_it(
    drafted: Drafted, tmp_path: Path, capsys: Capsys
) -> None:
    """Without a reason it is wrong use; with one it is an act with name and reason."""
    drafted([*VISITS, *told(tmp_path, capsys, {})])
    for asked in (("auth", "list"), ("auth", "show", "A77")):
        assert "ZZ1" not in inside(capsys, *asked).out
        assert inside(capsys, *asked, "--unmask").code == 2
        shown = inside(capsys, *asked, "--unmask", "--reason", "call", "--as", "ANNA")
        assert shown.code == 0 and "ZZ1" in shown.out
    acts = inside(capsys, "audit", "list", "--json", "--what", "authorization.show").records
    assert [(act["who"], act["why"], act["record"]) for act in acts] == [
        ("ANNA", "call", "list"),
        ("ANNA", "call", "A77"),
    ]


def test_the_list_can_be_narrowed(drafted: Drafted, tmp_path: Path, capsys: Capsys) -> None:
    """By payer, by visit, and to those that run out or end soon."""
    soon = {"number": "A2", "until": f"{TODAY + timedelta(days=5)}", "units": "9000"}
    other = {"number": "A3", "payer": "AETNA", "units": "9000"}
    drafted([*VISITS, *told(tmp_path, capsys, {}, soon, other)])

    def numbers(*asked: str) -> list[str]:
        ended = inside(capsys, "auth", "list", "--json", *asked)
        assert ended.code == 0, ended.err
        return [entry["number"] for entry in ended.records]

    assert numbers() == ["A2", "A3", "A77"]
    assert numbers("--payer", "aetna") == ["A3"]
    assert numbers("--visit", "V2") == ["A2"], "the one that ends first counts"
    assert numbers("--running-out") == ["A2"]
    assert numbers("--facility", "ELSEWHERE") == []


def test_what_is_wrong_with_one_is_told(drafted: Drafted, tmp_path: Path, capsys: Capsys) -> None:
    """More billed than granted, two that overlap, one that ends before it begins."""
    small = {"units": "100"}
    twin = {"number": "A8", "from": "2027-02-01"}
    drafted([*VISITS, *told(tmp_path, capsys, small, twin), UPSIDE_DOWN])
    entries = inside(capsys, "auth", "list", "--json").records
    said = {entry["number"]: [c["code"] for c in entry["concerns"]] for entry in entries}
    assert said == {
        "A77": ["authorization.units", "authorization.overlap"],
        "A8": ["authorization.overlap"],
        "A9": ["authorization.ends_before_it_begins"],
    }
    (used,) = [entry for entry in entries if entry["number"] == "A77"]
    assert (used["used"], used["left"]) == ("160", "-60")


UPSIDE_DOWN = (
    b"MSH|^~\\&|PAYER|ZEBRA|||20260925||RPA^I08|U1|P|2.8\rPID|1||ZZ1^^^ZEBRA^MR\r"
    b"RF1|A\rIN1|1|P|UNITEDHEALTHCARE\rPR1|1||J2860\rAUT||U||20270101|20261001|A9|||50\r"
)


@pytest.mark.parametrize("asked", [("list",), ("show", "A1")])
def test_a_look_makes_no_ledger(
    asked: tuple[str, ...], tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no file was, none is left, and it says that there is no ledger."""
    path = tmp_path / "ledger.sqlite"
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", f"sqlite+aiosqlite:///{path}")
    ended = inside(capsys, "auth", *asked)
    assert ended.code != 0 and "a database without a ledger" in ended.err
    assert not path.exists()


def test_a_number_that_is_not_there_is_wrong_use(
    drafted: Drafted, tmp_path: Path, capsys: Capsys
) -> None:
    """It says where to look."""
    drafted(told(tmp_path, capsys, {}))
    ended = inside(capsys, "auth", "show", "A404")
    assert (ended.code, ended.out) == (2, "")
    assert "NUMBER: expected an authorization A404 in the ledger, found none" in ended.err


async def test_who_sends_stands_in_the_trail_of_the_ledger_that_is_set(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first message: how many, where to, and the hash of the file; no patient."""
    path = tmp_path / "ledger.sqlite"
    await with_tables(f"sqlite:///{path}")
    monkeypatch.setenv("CHARGELINE_LEDGER_URL", f"sqlite+aiosqlite:///{path}")
    store = MemoryStore()
    async with running(store) as gateway:
        to = f"{HOST}:{gateway.server.port}"
        asked = ("auth", "import", put(tmp_path, {}), "--to", to, "--as", "ANNA", "--reason", "new")
        assert (await sent(capsys, *asked)).code == 0
    trail = await sent(capsys, "audit", "list", "--json")
    (act,) = trail.records
    assert (act["did"], act["who"], act["why"], act["record"]) == (
        "authorization.send",
        "ANNA",
        "new",
        to,
    )
    assert act["details"]["messages"] == 1 and len(act["details"]["sha256"]) == 64
    assert "ZZ1" not in trail.out
    exported = json.loads((await sent(capsys, "audit", "export")).out)
    assert exported["action"] == "C"


def test_a_visit_of_the_ledger_shows_what_its_patient_has_left(
    drafted: Drafted, tmp_path: Path, capsys: Capsys
) -> None:
    """The page of `visit show` counts what earlier visits used, as that of `code` does."""
    messages = [*VISITS, *told(tmp_path, capsys, {})]
    drafted(messages)
    (tmp_path / "feed.hl7").write_bytes(b"".join(messages))
    row = f"A77            J2860  160 of 200 units, 40 left  from 2026-10-01 until {ROW['until']}"
    for asked in (("visit", "show", "V2"), ("code", tmp_path / "feed.hl7")):
        assert row in inside(capsys, *asked).out
