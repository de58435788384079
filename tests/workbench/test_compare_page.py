"""Compare: what other rules would draft, and what was posted, in money that a coder can add up.

The prices are those of `asking.py`: 96409 $260.00, 96413 $612.00, 96415 $145.00, J9045 $3.50.
"""

import asyncio
import csv
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from chargeline.ledger.store import Ledger
from chargeline.published.inbound import INTERFACE, record_key
from chargeline.rulebook.location import rules_directory
from chargeline.workbench.compare import making, routes
from chargeline.workbench.compare.folders import CompareFoldersError, folders_by_name
from tests.golden.messages import segment
from tests.golden.stories_visits import DECISION, INFUSION, note
from tests.golden.stories_visits import posted as visit_posted
from tests.ledger import with_tables
from tests.trials.test_doubts import given

from .asking import DEVELOPMENT, Asker, Standing, standing_over, text_of

PERIOD = "from=2026-03-01&to=2026-03-31"
FACILITY = f"{PERIOD}&policy=cms-facility-2026"
POSTED = f"{PERIOD}&against=posted"


def of_visit(visit: str, message: str) -> str:
    """A message of another visit, with a patient of its own."""
    return re.sub(r"\|V1(?=[|\r])", f"|{visit}", message).replace("ZZ1^", f"ZZ{visit}^")


async def hear(standing: Standing, visit: str, *messages: str) -> None:
    """Draft a visit from messages."""
    await standing.hear(*[of_visit(visit, message) for message in messages], visit=visit)


async def three_visits(standing: Standing) -> None:
    """150 minutes of carboplatin, 60 minutes of it, and 45 minutes of an antibody."""
    await hear(standing, "V1", given("carboplatin", "0900-1130", "450 mg"))
    await hear(standing, "V2", given("carboplatin", "0900-1000", "450 mg"))
    await hear(standing, "V3", given("pembrolizumab", "0900-0945", "200 mg"))


def posted(*charges: tuple[str, int] | tuple[str, int, str], day: str = "20260302") -> str:
    """A DFT with charges: code, units, and modifiers."""
    rows = [
        segment(
            "FT1",
            {
                1: str(n),
                2: f"T{code}",
                4: day,
                6: "CG",
                10: str(units),
                25: code,
                26: "".join(rest),
            },
        )
        for n, (code, units, *rest) in enumerate(charges, 1)
    ]
    return (
        f"MSH|^~\\&|FIN|ZEBRA|CHARGELINE|ZEBRA|202603031300||DFT^P03|D{day}|T|2.5.1\r"
        "PID|1||ZZ1^^^ZEBRA^MR\rPV1|1|O|||||||||||||||||V1\r" + "".join(f"{row}\r" for row in rows)
    )


async def compared(person: Asker, query: str) -> dict[str, Any]:
    """A comparison, as JSON when it is done."""
    async with asyncio.timeout(120):
        while True:
            answer = await person.get(f"/compare.json?{query}")
            assert answer.status_code == 200, answer.text
            items: dict[str, Any] = answer.json()
            if items["state"] == "done":
                return items
            await asyncio.sleep(0.02)


@pytest.fixture
def may_begin(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """No comparison begins until this is set: what is seen before does not depend on speed."""
    begin = asyncio.Event()
    real = routes.compare

    async def waiting(*asked: Any) -> making.ComparisonResult:
        await begin.wait()
        return await real(*asked)

    monkeypatch.setattr(routes, "compare", waiting)
    return begin


async def over(standing: Standing) -> None:
    """Wait until the comparisons of a workbench are over."""
    jobs = standing.bench.comparisons
    await asyncio.gather(*[job.task for job in jobs.jobs() if job.task is not None])


async def test_the_money_of_another_policy_can_be_added_up(standing: Standing) -> None:
    """Now: 612 + 2 x 145 + 9 x 3.50, 612 + 31.50, and a code without a price. Under Medicare the
    90 minutes after the first hour are one further hour, and the antibody is 96413.
    """
    await three_visits(standing)
    items = await compared(await standing.person("V. Vole", "viewer"), FACILITY)
    sums = items["sums"]
    assert (sums["visits"], sums["same"], sums["differ"]) == (3, 1, 2)
    assert (sums["before_cents"], sums["after_cents"]) == (
        93_350 + 64_350,
        78_850 + 64_350 + 61_200,
    )
    assert sums["net_cents"] == 46_700
    assert sums["without_price"] == ["96365"]
    assert [(row["kind"], row["differences"], row["cents"]) for row in items["kinds"]] == [
        ("code", 1, 61_200),
        ("units", 1, -14_500),
    ]
    assert [(row["change"], row["rule"], row["cents"]) for row in items["changes"]] == [
        ("96365 → 96413", "class.antibody", 61_200),
        ("96415, units", "hours.more_than_thirty", -14_500),
    ]
    first, second = items["visits"]
    assert (first["visit"], first["cents"]) == ("V3", 61_200)
    (line,) = second["lines"]
    assert (line["before"], line["after"], line["drug"]) == ("96415 x2", "96415 x1", "carboplatin")
    assert line["address"].startswith("/visits/ZEBRA/V1?line=")


async def test_the_page_leads_to_the_line_and_the_table_has_every_difference(
    standing: Standing, may_begin: asyncio.Event
) -> None:
    """A filter by rule leaves its differences only, on the page as in the table."""
    await three_visits(standing)
    viewer = await standing.person("V. Vole", "viewer")
    first = await viewer.get(f"/compare?{FACILITY}")
    assert "Comparing." in first.text and 'http-equiv="refresh"' in first.text
    may_begin.set()
    await over(standing)
    page = await viewer.get(f"/compare?{FACILITY}")
    shown = text_of(page)
    assert "+$467.00" in shown and "−$145.00" in shown and "refresh" not in page.text
    assert "class.antibody" in shown and "1 code that differs has no price" in shown
    line = page.text.split('href="/visits/ZEBRA/V1?line=')[1].split('"')[0]
    why = await viewer.get(f"/visits/ZEBRA/V1?line={line}")
    assert why.status_code == 200 and "96415" in why.text
    table = await viewer.get(f"/compare.csv?{FACILITY}&rule=class.antibody")
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert (row["visit"], row["before"], row["after"], row["cents"]) == (
        "V3",
        "96365 x1",
        "96413 x1",
        "61200",
    )
    chosen = text_of(await viewer.get(f"/compare?{FACILITY}&rule=class.antibody"))
    assert "96415 x2" not in chosen and "96365 x1 → 96413 x1" in chosen
    none = await viewer.get(f"/compare?{FACILITY}&rule=class.antibody&kind=units")
    assert "No visit differs so." in none.text


async def test_a_period_without_visits_says_so(standing: Standing) -> None:
    """And a unit of which there are none can be dropped."""
    await three_visits(standing)
    viewer = await standing.person("V. Vole", "viewer")
    query = "from=2026-04-01&to=2026-04-30&policy=cms-facility-2026"
    assert (await compared(viewer, query))["total"] == 0
    assert "No visit from 1 April 2026 to 30 April 2026" in text_of(
        await viewer.get(f"/compare?{query}")
    )
    await compared(viewer, f"{FACILITY}&place=NOWHERE")
    page = await viewer.get(f"/compare?{FACILITY}&place=NOWHERE")
    assert "in NOWHERE" in text_of(page) and "All units and payers" in page.text


async def test_a_policy_under_which_nothing_changes_says_so(standing: Standing) -> None:
    """The visits follow the guide already."""
    await three_visits(standing)
    viewer = await standing.person("V. Vole", "viewer")
    items = await compared(viewer, f"{PERIOD}&policy=guide-2026")
    assert (items["sums"]["same"], items["kinds"], items["visits"]) == (3, [], [])
    assert (
        "Nothing would change." in (await viewer.get(f"/compare?{PERIOD}&policy=guide-2026")).text
    )


# ------------------------------------------------------------------ other rules


@pytest.fixture
async def with_folders(tmp_path: Path) -> Any:
    """A workbench with four named folders: one without a profile, one with a changed answer, one
    with a mistake, and one that is not there.
    """
    for name in ("fewer", "changed", "wrong"):
        shutil.copytree(rules_directory(), tmp_path / name)
    shutil.rmtree(tmp_path / "fewer/interfaces/action-stream")
    codes = tmp_path / "changed/base/codes.csv"
    text = codes.read_text()
    assert "chemo.infusion.initial,96413," in text
    codes.write_text(text.replace("chemo.infusion.initial,96413,", "chemo.infusion.initial,96409,"))
    (tmp_path / "wrong/base/codes.csv").write_text("role,code,from\nchemo.push.initial,9,never\n")
    named = ",".join(f"{name}={tmp_path / name}" for name in ("fewer", "changed", "wrong", "none"))
    ledger = await Ledger.open(await with_tables(f"sqlite:///{tmp_path}/ledger.sqlite"))
    yield await standing_over(ledger, tmp_path, {**DEVELOPMENT, "workbench_compare_rules": named})
    await ledger.close()


async def test_a_visit_that_other_rules_cannot_read_is_named_with_the_reason(
    with_folders: Standing,
) -> None:
    """The rules lack the profile of its sender. The other visits are compared."""
    await three_visits(with_folders)
    owner, looker = with_folders.partitions.processors[0], with_folders.bench.processor
    owner.interfaces = looker.interfaces
    message = of_visit("V9", given("carboplatin", "0900-1000", "450 mg")).encode()
    record = (record_key("ZEBRA", "V9"), message, {INTERFACE: "action-stream"})
    await with_folders.partitions.feed([record])
    viewer = await with_folders.person("V. Vole", "viewer")
    assert (await compared(viewer, FACILITY))["sums"]["visits"] == 4
    items = await compared(viewer, f"{PERIOD}&rules=fewer")
    (missing,) = items["missing"]
    assert (missing["visit"], missing["code"]) == ("V9", "interface.unknown")
    assert (items["sums"]["visits"], items["sums"]["differ"]) == (3, 0)
    page = await viewer.get(f"/compare?{PERIOD}&rules=fewer")
    assert "interface.unknown" in page.text and "Not compared" in page.text


async def test_rules_of_a_folder_are_compared_by_what_they_say(with_folders: Standing) -> None:
    """The folder bills a push for the first hour of chemotherapy: 260 in place of 612, twice."""
    await three_visits(with_folders)
    items = await compared(
        await with_folders.person("V. Vole", "viewer"), f"{PERIOD}&rules=changed"
    )
    assert items["sums"]["net_cents"] == 2 * (26_000 - 61_200)
    assert items["rulebook"] != items["other"]
    (change,) = items["changes"]
    assert (change["change"], change["visits"]) == ("96413 → 96409", 2)
    assert change["rule"] == "code.chemo.infusion.initial.2024-01-01"


@pytest.mark.parametrize(("name", "says"), [("wrong", "codes.csv"), ("none", "sources.toml")])
async def test_a_folder_that_does_not_load_says_why(
    with_folders: Standing, name: str, says: str, may_begin: asyncio.Event
) -> None:
    """With every mistake of its files, and another address works meanwhile."""
    await three_visits(with_folders)
    viewer = await with_folders.person("V. Vole", "viewer")
    await viewer.get(f"/compare?{PERIOD}&rules={name}")
    may_begin.set()
    await over(with_folders)
    page = await viewer.get(f"/compare?{PERIOD}&rules={name}")
    assert page.status_code == 422 and "Not compared." in page.text and says in page.text
    assert "Compare again" in page.text
    assert (await viewer.get(f"/compare.json?{PERIOD}&rules={name}")).status_code == 422
    may_begin.clear()
    anew = await viewer.get(f"/compare?{PERIOD}&rules={name}")
    assert "Comparing." in anew.text, "who was refused may try again"
    may_begin.set()
    await over(with_folders)


async def test_only_named_folders_can_be_chosen(standing: Standing, tmp_path: Path) -> None:
    """A path is no name, and without the setting there is none to choose."""
    viewer = await standing.person("V. Vole", "viewer")
    for name in ("/etc", str(tmp_path), "changed"):
        page = await viewer.get("/compare", params={"rules": name})
        assert page.status_code == 422 and "no folder: none is named" in page.text
    assert "CHARGELINE_WORKBENCH_COMPARE_RULES" in (await viewer.get("/compare")).text
    with pytest.raises(CompareFoldersError):
        folders_by_name("january=/etc/rules,january=/etc/others")
    with pytest.raises(CompareFoldersError):
        folders_by_name("/etc/rules")
    assert folders_by_name(" a=/x, b=/y ") == {"a": Path("/x"), "b": Path("/y")}
    assert folders_by_name("") == {}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("policy=nonesuch", "policy"),
        ("policy=guide-2026&from=2026-03-09&to=2026-03-02", "to"),
        ("against=rules", "query"),
    ],
)
async def test_what_cannot_be_compared_is_refused(
    standing: Standing, query: str, where: str
) -> None:
    """For a program with the field; on a page beside the form, where anything was asked for."""
    viewer = await standing.person("V. Vole", "viewer")
    answer = await viewer.get(f"/compare.json?{query}")
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [where]
    assert (await viewer.get(f"/compare?{query}")).status_code == (200 if where == "query" else 422)


# ------------------------------------------------------------------ the job


async def test_a_result_is_kept_until_somebody_asks_anew(
    standing: Standing, may_begin: asyncio.Event
) -> None:
    """A visit that changes meanwhile is told of; half an hour later all is compared again."""
    await three_visits(standing)
    may_begin.set()
    viewer = await standing.person("V. Vole", "viewer")
    before = await compared(viewer, FACILITY)
    standing.now = standing.partitions.now = standing.now.replace(minute=10)
    await hear(standing, "V4", given("carboplatin", "0900-1130", "450 mg"))
    again = await compared(viewer, FACILITY)
    assert (again["sums"], again["changed_since"]) == (before["sums"], True)
    await viewer.get(f"/compare?{FACILITY}")
    may_begin.clear()
    page = await viewer.post(f"/compare/again?{FACILITY}", back=f"/compare?{FACILITY}")
    assert "Comparing." in page.text
    may_begin.set()
    anew = await compared(viewer, FACILITY)
    assert (anew["sums"]["visits"], anew["changed_since"]) == (4, False)


async def test_visits_beyond_the_bound_are_counted(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the last days are compared."""
    monkeypatch.setattr(making, "VISITS_MOST", 2)
    await three_visits(standing)
    late = given("carboplatin", "0900-1130", "450 mg").replace("202603020", "202603050")
    await hear(standing, "V8", late.replace("202603021130", "202603051130"))
    items = await compared(await standing.person("V. Vole", "viewer"), FACILITY)
    assert (items["left_out"], items["sums"]["visits"]) == (2, 2)
    assert "V8" in [visit["visit"] for visit in items["visits"]]


async def test_too_many_comparisons_at_once_are_refused(
    standing: Standing, may_begin: asyncio.Event
) -> None:
    """A table that is not done yet is refused too, and says how far it is."""
    await three_visits(standing)
    viewer = await standing.person("V. Vole", "viewer")
    answers = [
        await viewer.get(f"/compare.csv?from=2026-03-0{day}&policy=cms-facility-2026")
        for day in range(1, 6)
    ]
    assert [answer.status_code for answer in answers] == [503] * 5
    codes = [answer.json()["errors"][0]["code"] for answer in answers]
    assert codes == ["workbench.not_done"] * 4 + ["workbench.busy"]
    may_begin.set()
    await over(standing)
    may_begin.clear()
    assert (await viewer.get("/compare.csv?from=2026-03-05&policy=guide-2026")).status_code == 503
    may_begin.set()
    await over(standing)


async def test_a_mistake_of_ours_is_told_and_not_kept_in_silence(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit on which drafting fails is named; the others are compared."""
    await three_visits(standing)
    real = making.Comparison._both

    def failing(self: Any, before: Any, after: Any) -> Any:
        if before[0].key.visit == "V2":
            return lambda: 1 // 0
        return real(self, before, after)

    monkeypatch.setattr(making.Comparison, "_both", failing)
    viewer = await standing.person("V. Vole", "viewer")
    items = await compared(viewer, FACILITY)
    (missing,) = items["missing"]
    assert (missing["visit"], missing["code"], missing["found"]) == (
        "V2",
        "visit.failed",
        "ZeroDivisionError",
    )
    assert items["sums"]["visits"] == 2
    assert "ZeroDivisionError" in text_of(await viewer.get(f"/compare?{FACILITY}"))


async def test_without_the_right_nothing_is_compared(standing: Standing) -> None:
    """A nurse has no reports; the page says who has."""
    nurse = await standing.person("N. Numbat", "nurse")
    for address in ("/compare", "/compare.json", "/compare.csv"):
        answer = await nurse.get(f"{address}?{FACILITY}")
        assert answer.status_code == 403 and "viewer" in answer.text
    assert 'href="/compare"' not in (await nurse.get("/work")).text
    assert (await nurse.post("/compare/again")).status_code == 403
    operator = await standing.person("P. Platypus", "operator")
    await three_visits(standing)
    await compared(operator, FACILITY)
    page = await operator.get(f"/compare?{FACILITY}")
    assert "V3" in page.text and "/visits/" not in page.text


# ------------------------------------------------------------------ what was posted


async def test_posted_charges_stand_beside_drafts_with_what_is_to_be_paid_back_first(
    standing: Standing,
) -> None:
    """V1: one hour too few and a push that nobody gave. V2: half of the drug on another day. V3 has
    nothing posted yet. A test of the blood is no matter of infusions.
    """
    await three_visits(standing)
    charges = [("96413", 1), ("96415", 1), ("J9045", 9), ("96409", 1), ("85025", 1)]
    await hear(standing, "V1", posted(*charges))
    await hear(standing, "V2", posted(("96413", 1, "59")), posted(("J9045", 9), day="20260303"))
    items = await compared(await standing.person("V. Vole", "viewer"), POSTED)
    assert [(row["kind"], row["differences"], row["cents"]) for row in items["kinds"]] == [
        ("dropped", 1, -26_000),
        ("units", 1, 14_500),
        ("modifier", 1, 0),
        ("day", 1, 0),
    ]
    sums = items["sums"]
    assert (sums["before_cents"], sums["after_cents"]) == (
        61_200 + 14_500 + 3_150 + 26_000 + 61_200 + 3_150,
        93_350 + 64_350,
    )
    assert sums["net_cents"] == 14_500 - 26_000
    assert (sums["not_posted_visits"], sums["apart"], sums["visits"]) == (1, 1, 2)
    (units,) = [one for v in items["visits"] for one in v["lines"] if one["kind"] == "units"]
    assert (units["before"], units["after"]) == ("96415 x1", "96415 x2")
    assert units["rule"] == "guide.hours.thirty_or_more"


async def test_posted_as_drafted_says_so(standing: Standing) -> None:
    """What has nothing posted is counted apart; without a period the page says what to choose."""
    viewer = await standing.person("V. Vole", "viewer")
    assert "Choose a period." in (await viewer.get("/compare?against=posted")).text
    await three_visits(standing)
    await compared(viewer, POSTED)
    assert "Nothing was posted yet" in (await viewer.get(f"/compare?{POSTED}")).text
    await viewer.post(f"/compare/again?{POSTED}", back="/compare")
    await hear(standing, "V1", posted(("96413", 1), ("96415", 2), ("J9045", 9)))
    await compared(viewer, POSTED)
    shown = text_of(await viewer.get(f"/compare?{POSTED}"))
    assert "What was posted is what is drafted." in shown
    assert "2 visits, not among the differences" in shown


async def test_what_drafts_say_of_posted_visits_is_counted(standing: Standing) -> None:
    """A level above what is documented is no infusion: the draft's own edit tells of it. So does
    its question about a credit that takes back nothing.
    """
    visit = [INFUSION, DECISION, note("LA"), visit_posted("99215")]
    await standing.hear(*[message.decode() for message in visit])
    alone = [INFUSION, DECISION, note("LA"), visit_posted("99215", kind="CD")]
    await hear(standing, "V2", *[message.decode() for message in alone])
    items = await compared(await standing.person("V. Vole", "viewer"), POSTED)
    assert [(row["code"], row["times"], row["visits"]) for row in items["told"]] == [
        ("visit.credit_alone", 1, 1),
        ("visit.overcoded", 1, 1),
    ]
    assert items["sums"]["apart"] == 1
