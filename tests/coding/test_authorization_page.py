"""Claims about the authorizations of a visit, on its page and in its reasons."""

from pathlib import Path

import pytest

from tests.cli import copy_of_rules, feed, inside
from tests.drafting.test_authorizations import dose, order, referral

Capsys = pytest.CaptureFixture[str]
VISITS = (order("V1", "20261005"), dose("V1", "20261005"), order("V2", "20261026"))
DATA = (*VISITS, dose("V2", "20261026"), order("V3", "20261116"))
ROW = "A77 J2860 {used} from 2026-10-01 until 2027-03-31 approved on 2026-10-01"


def page_of(visit: str, printed: str) -> list[str]:
    """The lines of one visit's page, their words one blank apart."""
    (part,) = [part for part in printed.split("\nVisit ") if f"{visit} ·" in part[:20]]
    return [" ".join(line.split()) for line in part.splitlines()]


def test_the_page_shows_what_is_on_file_used_and_left(tmp_path: Path, capsys: Capsys) -> None:
    """What is used is what visits until this one billed; what this one takes stands beside it."""
    printed = "\n" + inside(capsys, "code", feed(tmp_path, *DATA, referral(200))).out
    first, both = (ROW.format(used=f"{n} of 200 units, {200 - n} left") for n in (80, 160))
    assert f"{first} 80 on 2026-10-05" in page_of("V1", printed)
    assert f"{both} 80 on 2026-10-26" in page_of("V2", printed)
    assert both in page_of("V3", printed), "it takes nothing yet"
    assert "authorization codes billed days stands this visit" in page_of("V1", printed)
    assert [line for line in page_of("V1", printed) if line.endswith("= 80; authorization A77")]


def test_the_page_shows_what_an_order_lacks_with_the_day_to_ask_by(
    tmp_path: Path, capsys: Capsys
) -> None:
    """A plan of Medicare Advantage takes 72 hours for a drug; without a rule no day is named."""
    path = feed(tmp_path, order("V1", "20261005"))
    printed = " ".join(inside(capsys, "code", path).out.split())
    assert (
        "needed 80 units of J2860 for 2026-10-05; no rule says how long the payer takes; "
        "the chart has diagnosis D47.Z2, dose 800 mg, units 80, site_of_care outpatient" in printed
    )
    rules = copy_of_rules(tmp_path)
    (rules / "base/site.toml").write_text(PLAN)
    printed = " ".join(inside(capsys, "code", path, "--rules", rules).out.split())
    assert (
        "needed 80 units of J2860 for 2026-10-05; ask by 2026-10-02, expedited by 2026-10-04;"
        in printed
    )


def test_a_visit_of_an_authorization_alone_stands_on_the_day_of_its_message(
    tmp_path: Path, capsys: Capsys
) -> None:
    """Until 2027-03-31, told on 2026-10-01: it has not ended. The smaller of two counts holds."""
    path = feed(tmp_path, referral(200), referral(400))
    page = page_of("AUTH.A77", "\n" + inside(capsys, "code", path).out)
    (row,) = [line for line in page if line.startswith("A77 J2860")]
    assert row == ROW.format(used="0 of 200 units, 200 left")


def test_a_number_of_two_patients_is_asked_about_as_what_it_is(
    tmp_path: Path, capsys: Capsys
) -> None:
    """Nobody can say whose it is: it covers nothing, and a person is told so, not of a visit."""
    other = referral(40).replace(b"ZZ1", b"ZZ2")
    printed = inside(capsys, "code", feed(tmp_path, referral(200), other)).out
    said = " ".join(printed.split())
    assert "expected one patient of one number of an authorization, found 2 medical" in said
    assert "until then it covers no line of either" in said


PLAN = """
[[rule]]
id = "site.plan"
decides = "authorization.payer"
from = 2024-01-01
when = { payer = "UNITEDHEALTHCARE" }
then = { kind = "medicare_advantage" }
why = "It is such a plan."
cite = ["HOUSE"]
"""


def test_the_reasons_say_why_a_line_has_no_number(tmp_path: Path, capsys: Capsys) -> None:
    """What was found and what to do stand at the line, and the balance above the visit."""
    path = feed(tmp_path, *DATA, referral(100))
    said = inside(capsys, "explain", path, "--visit", "V2").out
    assert (
        "Visit V2, authorization A77: for J2860, 160 of 100 units billed, 80 of them "
        "not covered, from " in said
    )
    assert "; this visit takes 80 on 2026-10-26\n" in said
    (step,) = [line for line in said.splitlines() if "authorization: none" in line]
    assert (
        "found: A77 with 100 units, against which 80 are billed "
        "already; this bills 80; to do: ask " in step
    )


def test_a_narrow_terminal_has_a_sentence_for_each(tmp_path: Path, capsys: Capsys) -> None:
    """Sixty columns hold no table of six."""
    path = feed(tmp_path, *DATA, referral(200))
    said = " ".join(inside(capsys, "code", path, COLUMNS="60").out.split())
    assert "authorization A77: for J2860, 160 of 200 units, 40 left," in said


def test_a_visit_without_any_of_it_shows_nothing(tmp_path: Path, capsys: Capsys) -> None:
    """No table, no need: the page says nothing of authorizations."""
    text = dose("V1", "20261005").replace(b"SILTUXIMAB^siltuximab", b"ONDANSETRON^ondansetron")
    printed = inside(capsys, "code", feed(tmp_path, text)).out
    assert "uthorization" not in printed


def test_json_has_what_the_page_shows(tmp_path: Path, capsys: Capsys) -> None:
    """The second dose of three: 160 of 200 units are used, 80 of them by this visit."""
    records = inside(capsys, "code", feed(tmp_path, *DATA, referral(200)), "--json").records
    (second,) = [record for record in records if record["visit"] == "V2"]
    assert second["authorizations"] == [
        {
            "number": "A77", "item": "J2860", "payer": "UNITEDHEALTHCARE", "codes": ["J2860"],
            "starts": "2026-10-01", "until": "2027-03-31", "basis": "units", "granted": "200",
            "used": "160", "not_covered": "0", "left": "40", "status": "approved",
            "says": "approved on 2026-10-01",
            "taken": [{"day": "2026-10-26", "amount": "80"}],
        }
    ]  # fmt: skip
    assert second["needed"] == []


@pytest.mark.parametrize(("granted", "left"), [(79, "-1"), (80, "0"), (81, "1")])
def test_json_says_what_is_left_at_the_last_unit(
    tmp_path: Path, capsys: Capsys, granted: int, left: str
) -> None:
    """A dose takes 80 units of what is granted; one too few is below 0."""
    told = (*VISITS[:2], referral(granted))
    (record,) = inside(capsys, "code", feed(tmp_path, *told), "--json").records
    (shown,) = record["authorizations"]
    assert (shown["granted"], shown["used"], shown["left"]) == (str(granted), "80", left)
    assert shown["not_covered"] == ("80" if granted < 80 else "0"), "the whole line is denied"


def test_json_has_what_an_order_lacks(tmp_path: Path, capsys: Capsys) -> None:
    """What is asked of the payer, with what the chart has for it and what it lacks."""
    (record,) = inside(capsys, "code", feed(tmp_path, order("V1", "20261005")), "--json").records
    (needed,) = record["needed"]
    assert (needed["code"], needed["units"], needed["planned_day"]) == ("J2860", 80, "2026-10-05")
    assert needed["ask_by"] is None and needed["evidence_class"]
    has = {entry["evidence"]: entry["says"] for entry in needed["evidence"]}
    assert has["diagnosis"] == "D47.Z2" and has["dose"] == "800 mg"
    assert record["authorizations"] == [] and record["courses"] == []
