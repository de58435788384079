"""Claims about `chargeline code`: what it reads, what it prints, and how it ends.

Which codes are right is tested elsewhere (golden, engine); two small infusions are enough here.
"""

import io
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import (
    HALF_AN_HOUR,
    NINETY_MINUTES,
    NOT_OURS,
    PYTHON,
    codes,
    command,
    copy_of_rules,
    feed,
    inside,
    replaced,
)
from tests.golden.messages import action, adt, given

Capsys = pytest.CaptureFixture[str]

NINETY = [("96413", 1), ("96415", 1), ("J9045", 9)]
HALF = [("96365", 1), ("J9271", 200)]
FHS, BHS = b"FHS|^~\\&|MAR|ZEBRA\r", b"BHS|^~\\&|MAR|ZEBRA\r"
VERBS = (
    "code", "explain", "rules", "simulate", "capture", "gateway", "serve", "config", "topics",
    "ledger", "parked", "audit",
)  # fmt: skip
DRUG_COLUMNS = "id,names,hcpcs,unit_amount,unit,kind,container,from,until,cite,note\n"


def site_formulary(folder: Path, *rows: str) -> Path:
    """A site's own table of drugs with these rows."""
    path = folder / "site.csv"
    path.write_text(DRUG_COLUMNS + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


# ------------------------------------------------------------------ what it reads


def test_a_file_is_coded(tmp_path: Path, capsys: Capsys) -> None:
    """90 minutes of carboplatin are 96413, 96415 and 9 of J9045, and nothing is said as error."""
    outcome = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES), "--json")
    assert (outcome.code, codes(outcome), outcome.err) == (0, NINETY, "")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(FHS + BHS + NINETY_MINUTES + HALF_AN_HOUR + b"BTS|2\rFTS|1\r", id="batch"),
        pytest.param(
            b"".join(b"\x0b%b\x1c\r" % each for each in (NINETY_MINUTES, HALF_AN_HOUR)), id="mllp"
        ),
        pytest.param((NINETY_MINUTES + HALF_AN_HOUR).replace(b"\r", b"\n"), id="lines of LF"),
        pytest.param((NINETY_MINUTES + HALF_AN_HOUR).replace(b"\r", b"\r\n"), id="lines of CRLF"),
    ],
)
def test_envelopes_and_frames_change_nothing(data: bytes, tmp_path: Path, capsys: Capsys) -> None:
    """A batch file, an MLLP capture and other line ends give what the bare messages give."""
    bare = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR), "--json")
    outcome = inside(capsys, "code", feed(tmp_path, data, name="wrapped"), "--json")
    assert outcome == bare
    assert (outcome.code, codes(outcome)) == (0, NINETY + HALF)


def test_a_dash_is_standard_input(capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """`code -` reads the bytes of standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(NINETY_MINUTES)))
    assert codes(inside(capsys, "code", "-", "--json")) == NINETY


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    """A command that reads a pipe prints the same as a command that reads the file."""
    path = feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR)
    piped = command("code", "-", "--json", stdin=path.read_bytes())
    assert piped == command("code", path, "--json")
    assert codes(piped) == NINETY + HALF


def test_a_folder_is_read_with_all_below_it(tmp_path: Path, capsys: Capsys) -> None:
    """All files below a folder are read, except hidden files, tables and notes."""
    feed(tmp_path, NINETY_MINUTES, name="in/march.hl7")
    feed(tmp_path, HALF_AN_HOUR, name="in/older/february.txt")
    for name in ("truth.json", "notes.md", "drugs.csv", ".hidden.hl7", ".git/message.hl7"):
        feed(tmp_path, b"no message at all\r", name=f"in/{name}")
    outcome = inside(capsys, "code", tmp_path / "in", "--json")
    assert (outcome.code, codes(outcome)) == (0, NINETY + HALF)


def test_a_visit_may_be_spread_over_files_in_any_order(tmp_path: Path, capsys: Capsys) -> None:
    """The stop may come in an earlier file than the start: 09:00 to 10:00 is one 96365."""
    start = feed(tmp_path, action("New Bag", "0900", dose="1000 mg"), name="b.hl7")
    stop = feed(tmp_path, action("Stopped", "1000"), name="a.hl7")
    for paths in ((start, stop), (stop, start)):
        outcome = inside(capsys, "code", *paths, "--json")
        assert [code for code, _units in codes(outcome)][:1] == ["96365"]
        assert outcome.records[0]["lines"][0]["minutes"] == 60


def test_a_message_that_comes_again_is_counted_once(tmp_path: Path, capsys: Capsys) -> None:
    """Three copies of a message give the lines of one, and count as two duplicates."""
    outcome = inside(capsys, "code", feed(tmp_path, *[NINETY_MINUTES] * 3), "--json")
    assert codes(outcome) == NINETY
    messages = outcome.records[0]["messages"]
    assert (messages["read"], messages["used"], messages["duplicates"]) == (3, 3, 2)


# ------------------------------------------------------------------ JSON


def test_json_has_the_promised_keys(tmp_path: Path, capsys: Capsys) -> None:
    """A record, a line, a step, another policy and the account have exactly their keys."""
    outcome = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES), "--json")
    (record,) = outcome.records
    assert set(record) == {
        "facility", "visit", "encounter", "policy", "rulebook", "lines", "questions", "withheld",
        "administrations", "edits", "said", "courses", "authorizations", "needed", "messages",
    }  # fmt: skip
    line = record["lines"][1]
    assert set(line) == {
        "authorization",
        "line_id", "role", "code", "units", "modifiers", "service_date", "drug", "minutes",
        "administrations", "provisional", "trace", "other_policies", "held", "instead_of", "ndc",
    }  # fmt: skip
    assert set(line["trace"][0]) == {
        "topic", "rule", "why", "cite", "facts", "sources", "passed_over", "other",
    }  # fmt: skip
    assert set(line["other_policies"][0]) == {"policy", "would_give", "rule"}
    assert set(record["messages"]) == {"read", "used", "duplicates", "set_aside", "warnings"}


def test_json_says_what_was_coded(tmp_path: Path, capsys: Capsys) -> None:
    """The values of the line for the further hour of the 90 minutes."""
    (record,) = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES), "--json").records
    assert (record["facility"], record["visit"], record["encounter"]) == (
        "ZEBRA",
        "V1",
        "2026-03-02",
    )
    assert record["policy"] == "guide-2026"
    assert re.fullmatch(r"[0-9a-f]{12}", record["rulebook"])
    line = record["lines"][1]
    assert re.fullmatch(r"[0-9a-f]{12}", line["line_id"])
    assert (line["role"], line["code"], line["units"]) == (
        "chemo.infusion.additional_hour",
        "96415",
        1,
    )
    assert (line["modifiers"], line["service_date"], line["minutes"]) == ([], "2026-03-02", 90)
    assert line["drug"] == "carboplatin"
    assert [other["policy"] for other in line["other_policies"]] == [
        "cms-facility-2026",
        "cms-physician-2026",
    ]
    assert record["messages"] == {
        "read": 1,
        "used": 1,
        "duplicates": 0,
        "set_aside": [],
        "warnings": [],
    }


def test_json_shows_questions_and_withheld(tmp_path: Path, capsys: Capsys) -> None:
    """Fluid without a stop time is withheld, and a question asks for the stop time."""
    fluid = given("NORMAL SALINE", "1000 mL", "0900", method="IVPB")
    (record,) = inside(capsys, "code", feed(tmp_path, fluid), "--json").records
    assert [question["code"] for question in record["questions"]] == ["stop.missing"]
    assert set(record["questions"][0]) == {
        "code", "expected", "found", "do", "drug", "administrations", "sources", "question_id",
        "severity", "fingerprint", "choices",
    }  # fmt: skip
    assert record["questions"][0]["sources"][0].startswith("RXA[1]-3 of message C")
    assert [service["reason"] for service in record["withheld"]] == ["stop.missing"]
    assert set(record["withheld"][0]) == {
        "reason", "says", "drug", "minutes", "administrations", "trace", "other_policies",
    }  # fmt: skip


def test_json_has_one_object_for_each_visit_and_encounter(tmp_path: Path, capsys: Capsys) -> None:
    """Two days of a recurring account and another visit give three lines of output."""
    days = [
        given(
            "VANCOMYCIN", "1000 mg", f"{day}0900", f"{day}1000", patient_class="R", order=f"R{day}"
        )
        for day in ("20260302", "20260303")
    ]
    outcome = inside(capsys, "code", feed(tmp_path, *days, HALF_AN_HOUR), "--json")
    assert outcome.out.endswith("}\n")
    assert [(record["visit"], record["encounter"]) for record in outcome.records] == [
        ("V1", "2026-03-02"),
        ("V1", "2026-03-03"),
        ("V2", "2026-03-02"),
    ]


def test_line_ids_are_unique_and_stable(tmp_path: Path, capsys: Capsys) -> None:
    """Each line has an id of its own, and keeps it when the infusion becomes an hour longer."""
    before = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES, HALF_AN_HOUR), "--json").records
    ids = [line["line_id"] for record in before for line in record["lines"]]
    assert len(set(ids)) == len(ids) == 5
    longer = given("CARBOPLATIN", "450 mg", "0900", "1130", status="U", sent="1900")
    after = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES, longer), "--json").records
    assert [line["line_id"] for line in after[0]["lines"]] == ids[:3]
    assert after[0]["lines"][1]["units"] == 2


@pytest.mark.parametrize(
    "data", [b"", NOT_OURS], ids=["an empty file", "a message that is not ours"]
)
def test_a_feed_without_any_visit_is_still_accounted_for(
    data: bytes, tmp_path: Path, capsys: Capsys
) -> None:
    """A feed without a visit gives one record, with the account of its messages."""
    (record,) = inside(capsys, "code", feed(tmp_path, data), "--json").records
    assert (record["visit"], record["encounter"], record["lines"]) == (None, None, [])
    assert record["messages"]["read"] == (1 if data else 0)
    assert [group["code"] for group in record["messages"]["set_aside"]] == (
        ["message.unknown"] if data else []
    )


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("guide-2026", "96365"), ("cms-facility-2026", "96413"), ("cms-physician-2026", "96413")],
)
def test_a_policy_decides_the_code(
    policy: str, expected: str, tmp_path: Path, capsys: Capsys
) -> None:
    """Pembrolizumab is a therapeutic infusion in the guide, and chemotherapy for Medicare."""
    outcome = inside(capsys, "code", feed(tmp_path, HALF_AN_HOUR), "--json", "--policy", policy)
    assert codes(outcome)[0] == (expected, 1)
    assert outcome.records[0]["policy"] == policy


def test_the_payers_table_decides_without_the_option(tmp_path: Path, capsys: Capsys) -> None:
    """A visit gets the policy of its payer in payers.toml, unless --policy names another."""
    rules = copy_of_rules(tmp_path)
    replaced(rules / "payers.toml", '# "MEDICARE" =', '"ZebraCare" =')
    arrival = adt("A04", visit="V2", patient="ZZ2") + b"IN1|1|PLAN|ZEBRACARE\r"
    path = feed(tmp_path, arrival, HALF_AN_HOUR)
    assert codes(inside(capsys, "code", path, "--json", "--rules", rules))[0] == ("96413", 1)
    overridden = inside(capsys, "code", path, "--json", "--rules", rules, "--policy", "guide-2026")
    assert codes(overridden)[0] == ("96365", 1)


def test_a_site_may_add_a_drug(tmp_path: Path, capsys: Capsys) -> None:
    """A drug of no table gives a question; with a row of the site it is coded, 10 mg / 5 mg = 2."""
    path = feed(tmp_path, given("ZEBRASTATIN", "10 mg", "0900", "1000"))
    (unknown,) = inside(capsys, "code", path, "--json").records
    assert [question["code"] for question in unknown["questions"]] == ["drug.unknown"]
    assert unknown["lines"] == []
    own = site_formulary(
        tmp_path, "zebrastatin,zebrastatin,J9999,5,mg,antineoplastic,SDV,2026-01-01,,site,"
    )
    assert codes(inside(capsys, "code", path, "--json", "--formulary", own)) == [
        ("96413", 1),
        ("J9999", 2),
    ]


def test_a_site_may_replace_a_drug(tmp_path: Path, capsys: Capsys) -> None:
    """A row with the id of a shipped drug replaces that drug: 200 mg / 10 mg = 20 units."""
    own = site_formulary(
        tmp_path, "pembrolizumab,keytruda,J8888,10,mg,checkpoint_inhibitor,SDV,2026-01-01,,site,"
    )
    outcome = inside(capsys, "code", feed(tmp_path, HALF_AN_HOUR), "--json", "--formulary", own)
    assert codes(outcome) == [("96365", 1), ("J8888", 20)]


@pytest.mark.parametrize("name", ["keytruda", "PEMBROLIZUMAB"])
def test_a_site_may_take_a_name_over(name: str, tmp_path: Path, capsys: Capsys) -> None:
    """A name in the site's table means the site's drug, even if it is the id of a shipped drug."""
    own = site_formulary(
        tmp_path, f"zebramab,{name},J7777,100,mg,antineoplastic_antibody,SDV,2026-01-01,,site,"
    )
    given_by_name = given(name.upper(), "200 mg", "0900", "0930")
    outcome = inside(capsys, "code", feed(tmp_path, given_by_name), "--json", "--formulary", own)
    assert codes(outcome) == [("96413", 1), ("J7777", 2)]


def test_a_site_formulary_with_mistakes_is_refused(tmp_path: Path, capsys: Capsys) -> None:
    """All mistakes of the site's table are listed with their lines, and nothing is coded."""
    own = site_formulary(
        tmp_path,
        "zebrastatin,,J9999,none,mg,antineoplastic,SDV,2026-01-01,,site,",
        "zebramab,,J7777,1,mg,striped,SDV,2026-01-01,,site,",
    )
    outcome = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES), "--formulary", own)
    assert (outcome.code, outcome.out) == (2, "")
    assert "site.csv line 2: expected unit_amount above 0, found 'none'" in outcome.err
    assert "site.csv line 3: expected kind = one of " in outcome.err
    assert "found 'striped'" in outcome.err


def test_the_interface_says_what_an_empty_stop_means(tmp_path: Path, capsys: Capsys) -> None:
    """No stop time: a push from a sender of whole records, an open infusion from one of actions."""
    path = feed(tmp_path, given("VANCOMYCIN", "1000 mg", "0900", completion=""))
    whole = inside(capsys, "code", path, "--json", "--interface", "standard").records[0]
    actions = inside(capsys, "code", path, "--json", "--interface", "action-stream").records[0]
    assert whole["questions"] == []
    assert [question["code"] for question in actions["questions"]] == ["stop.missing"]
    assert whole["lines"][0]["provisional"] == ""
    assert actions["lines"][0]["provisional"] == "stop.missing"


# ------------------------------------------------------------------ how it ends


def test_all_used_ends_with_0(tmp_path: Path) -> None:
    """If all messages are used, the command ends with 0 and prints nothing on standard error."""
    outcome = command("code", feed(tmp_path, NINETY_MINUTES))
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (NOT_OURS, "message.unknown"),
        (NINETY_MINUTES.replace(b"|V1|", b"||").replace(b"|V1\r", b"|\r"), "visit.missing"),
        (b"PID|1||ZZ9\r", "message.no_msh"),
        (NINETY_MINUTES.replace(b"|CP|A", b"|CP|Q"), "status.unknown"),
    ],
)
def test_a_message_set_aside_ends_with_3(
    bad: bytes, code: str, tmp_path: Path, capsys: Capsys
) -> None:
    """The message is listed with reason and place, and the other messages are coded."""
    path = feed(tmp_path, bad, HALF_AN_HOUR)
    outcome = inside(capsys, "code", path, "--json")
    assert outcome.code == 3
    of_v2 = next(record for record in outcome.records if record["visit"] == "V2")
    assert [(line["code"], line["units"]) for line in of_v2["lines"]] == HALF
    groups = [group for record in outcome.records for group in record["messages"]["set_aside"]]
    assert {group["code"] for group in groups} == {code}
    (group, *_same) = groups
    assert set(group) == {"code", "count", "expected", "found", "where", "do", "places"}
    assert all(group[key] for key in ("expected", "found", "where", "do"))
    assert group["places"][0].startswith(f"{path}, message ")


def test_the_page_lists_what_is_set_aside(tmp_path: Path, capsys: Capsys) -> None:
    """The page ends with the number of such messages, the reason, the place, and what to do."""
    path = feed(tmp_path, NINETY_MINUTES, NOT_OURS)
    outcome = inside(capsys, "code", path)
    assert outcome.code == 3
    words = " ".join(outcome.out.split())
    assert "2 messages read, 1 used" in words
    assert "1 set aside: 1 x message.unknown: expected RDE, RAS, RDS, RGV, ORU^R01" in words
    assert "found VXU^V04, at MSH-9; nothing, if the message is not meant for charges" in words
    assert "message 2" in words


def test_a_batch_that_lost_a_message_ends_with_3(tmp_path: Path, capsys: Capsys) -> None:
    """BTS-1 says two messages and one has come: the one is coded, and the loss is listed."""
    outcome = inside(capsys, "code", feed(tmp_path, BHS, NINETY_MINUTES, b"BTS|2\r"), "--json")
    assert (outcome.code, codes(outcome)) == (3, NINETY)
    (group,) = outcome.records[0]["messages"]["set_aside"]
    assert (group["code"], group["found"], group["where"]) == ("batch.count", "2", "BTS-1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["code", "no-such-feed.hl7"], ["No such file or directory", "no-such-feed.hl7"]),
        (["code", "-", "--policy", "zebra"], ["cms-facility-2026", "guide-2026", "'zebra'"]),
        (["code", "-", "--interface", "zebra"], ["action-stream, standard", "'zebra'"]),
        (["code", "-", "--formulary", "no-such.csv"], ["a CSV table", "no-such.csv"]),
        (["code", "-", "--rules", "no-such-folder"], ["sources.toml", "no-such-folder", "--rules"]),
    ],
    ids=["file", "policy", "interface", "formulary", "rules"],
)
def test_wrong_use_ends_with_2_and_says_what_was_expected(
    arguments: list[str], said: list[str], capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line on standard error says what was expected, what was found, and which names exist."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    outcome = inside(capsys, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("chargeline: ")
    assert outcome.err.count("\n") == 1
    assert "expected " in outcome.err
    assert ", found " in outcome.err
    assert all(text in outcome.err for text in said), outcome.err


def test_a_missing_file_gives_no_traceback() -> None:
    """A real process ends with 2 and one line on standard error."""
    outcome = command("code", "no-such-feed.hl7")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


def test_one_missing_file_among_others_stops_before_anything_is_printed(
    tmp_path: Path, capsys: Capsys
) -> None:
    """The output for half of the files would look like the output for all of them."""
    outcome = inside(
        capsys, "code", feed(tmp_path, NINETY_MINUTES), tmp_path / "lost.hl7", "--json"
    )
    assert (outcome.code, outcome.out) == (2, "")


# ------------------------------------------------------------------ the page


def test_the_page_shows_the_lines(tmp_path: Path, capsys: Capsys) -> None:
    """The page shows visit, encounter, local times, codes with units, and the arithmetic."""
    outcome = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES))
    assert "Visit V1" in outcome.out
    assert "encounter 2026-03-02" in outcome.out
    rows = [line.split() for line in outcome.out.splitlines()]
    assert next(row for row in rows if row[:1] == ["09:00"])[2:6] == [
        "10:30",
        "carboplatin",
        "450",
        "mg",
    ]
    assert [row[:2] for row in rows if row[:1] and row[0] in ("96413", "96415", "J9045")] == [
        ["96413", "1"],
        ["96415", "1"],
        ["J9045", "9"],
    ]
    assert "90 minutes = 1 h + 30 min" in outcome.out


def test_a_page_that_is_not_for_a_terminal_has_no_control_codes(tmp_path: Path) -> None:
    """In a file the page is plain text, whatever TERM says."""
    outcome = command("code", feed(tmp_path, NINETY_MINUTES, NOT_OURS), TERM="xterm-256color")
    assert "96413" in outcome.out
    assert "\x1b" not in outcome.out + outcome.err


def on_a_terminal(path: Path, **variables: str) -> str:
    """The bytes that `chargeline code` sends to a terminal, as text."""
    ours, theirs = pty.openpty()
    environment = {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")
    }
    environment |= {"TERM": "xterm-256color", "COLUMNS": "120"} | variables
    with subprocess.Popen(
        [*PYTHON, "code", str(path)], stdout=theirs, stderr=theirs, env=environment
    ) as run:
        os.close(theirs)
        sent = b""
        while chunk := _read(ours):
            sent += chunk
        assert run.wait() == 0
    os.close(ours)
    return sent.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # on Linux the end of a terminal is an error, not an empty read
        return b""


def test_no_color_is_respected_on_a_terminal(tmp_path: Path) -> None:
    """A terminal gets colours, and with NO_COLOR set it gets none."""
    path = feed(tmp_path, NINETY_MINUTES)
    colour = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])")
    assert colour.search(on_a_terminal(path))
    assert not colour.search(on_a_terminal(path, NO_COLOR="1"))


@pytest.mark.parametrize("arguments", [["code"], ["code", "--json"], ["explain"]], ids=" ".join)
def test_no_output_names_the_patient(arguments: list[str], tmp_path: Path, capsys: Capsys) -> None:
    """Name, number, birth date and address are in no output, also not of refused messages."""
    person = b"ZZ990017^^^ZEBRA^MR||TESTPATIENT^ZEBRINA||19870605|F|||1 STRIPED LANE^^NOWHERE"
    message = NINETY_MINUTES.replace(b"ZZ1^^^ZEBRA^MR||TESTPATIENT^ZEBRA", person)
    assert message.count(person) == 1
    refused = [
        message.replace(b"RAS^O17", b"VXU^V04"),
        message.replace(b"|V1", b"|"),
        message.replace(b"|450|", b"|TESTPATIENT|"),
        message.replace(b"202603020900", b"TESTPATIENT"),
        message.partition(b"\r")[2],
        message[:-30],
    ]
    verb, *options = arguments
    path = feed(tmp_path, message, *refused)
    outcome = inside(capsys, verb, path, *options)
    assert outcome.code == 3
    assert "96413" in outcome.out
    for secret in ("TESTPATIENT", "ZEBRINA", "ZZ990017", "19870605", "STRIPED"):
        assert secret not in outcome.out + outcome.err


def test_the_question_about_two_patients_shows_no_number(tmp_path: Path, capsys: Capsys) -> None:
    """Two patients under one visit number are counted; their numbers are not shown."""
    other = given("VANCOMYCIN", "1000 mg", "1100", "1200", patient="ZZ990018")
    outcome = inside(capsys, "code", feed(tmp_path, NINETY_MINUTES, other), "--json")
    assert "visit.two_patients" in outcome.out
    assert "2 medical record numbers" in outcome.out
    assert "ZZ990018" not in outcome.out


@pytest.mark.parametrize(
    "arguments",
    [["code", "-"], ["code", "-", "--json"], ["explain", "-"], ["rules", "list"]],
    ids=" ".join,
)
def test_a_reader_that_leaves_is_no_error(arguments: list[str]) -> None:
    """In `chargeline ... | head -1` the command ends with 0 and without an error when head ends."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        done = subprocess.run(
            [*PYTHON, *arguments],
            input=NINETY_MINUTES,
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.stderr == b""
    assert done.returncode == 0


# ------------------------------------------------------------------ help


def test_no_verb_is_wrong_use(capsys: Capsys) -> None:
    """Without a verb the command ends with 2 and prints its usage."""
    outcome = inside(capsys)
    assert outcome.code == 2
    assert outcome.err.startswith("usage: chargeline")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: Capsys) -> None:
    """The general help lists the verb, and the verb has a help of its own."""
    assert re.search(rf"^    {verb} ", inside(capsys, "--help").out, re.MULTILINE)
    assert inside(capsys, verb, "--help").out.startswith(f"usage: chargeline {verb}")


def test_every_example_of_the_help_works(
    tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line under `examples:` runs as printed, on the feed that the first line writes."""
    shown = inside(capsys, "--help").out.partition("examples:\n")[2].partition("\n\n")[0]
    examples = [re.split(r"\s{2,}", line.strip())[0] for line in shown.splitlines()]
    assert len(examples) >= 6
    monkeypatch.chdir(tmp_path)
    for example in examples:
        words = shlex.split(example.replace("/tmp/feed", str(tmp_path / "out")))[1:]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(NINETY_MINUTES)))
        outcome = inside(capsys, *(words[: words.index("<")] if "<" in words else words))
        assert outcome.code == 0, (example, outcome.err)
        assert outcome.out, example
        if words[0] == "simulate":  # write the paths that the other examples name
            written = sorted((tmp_path / "out").glob("*.hl7"))
            feed(tmp_path, *[path.read_bytes() for path in written])
            feed(
                tmp_path,
                *[path.read_bytes() for path in written if "action" in path.name],
                name="feed/a",
            )


def test_the_help_names_the_exit_codes(capsys: Capsys) -> None:
    """The general help has a line for each of the exit codes 0 to 3."""
    shown = inside(capsys, "--help").out.partition("exit codes:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in shown.splitlines()] == ["0", "1", "2", "3"]


def test_the_installed_command_is_the_module() -> None:
    """The installed `chargeline` and `python -m chargeline.cli` print the same version."""
    script = Path(sys.executable).with_name("chargeline")
    done = subprocess.run([str(script), "--version"], capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode()) == (0, command("--version").out)
